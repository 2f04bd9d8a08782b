//! Frames for whoever depends on `partools` alone: the derived code names that crate.

use partools::frame::arrow_array::{ArrayRef, Int64Array};
use partools::frame::{Frame, Record};
use partools::{Loopback, Serial};
use std::sync::Arc;

#[derive(Record)]
struct Ends {
    first: i64,
    last: Option<i64>,
    r#type: &'static str,
}

#[test]
fn a_record_derived_through_the_facade_is_a_row_of_named_columns() {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![2, 1, 2]));
    let frame = Frame::new([("k", column)]).unwrap();
    let ends = frame.group_by(["k"]).apply(|group| {
        let k = group.column::<i64>("k")?;
        Ok(Ends {
            first: k[0],
            last: k.last().copied(),
            r#type: "ends",
        })
    });
    let table = ends.run(&Serial).unwrap();
    let names: Vec<&str> = table.names().collect();
    assert_eq!(names, ["k", "first", "last", "type"]);
    assert_eq!(table.values::<i64>("last").unwrap(), [1, 2]);
    assert_eq!(ends.run(&Loopback).unwrap(), table);
}
