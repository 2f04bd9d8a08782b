//! What is wrong is said with the column or the group, what was found and what was expected; and the corners of size.

use arrow_array::*;
use partools_core::{Cause, Serial};
use partools_frame::{Frame, GroupError, agg};
use std::sync::Arc;

fn frame() -> Frame {
    Frame::new([
        (
            "origin",
            Arc::new(StringArray::from(vec!["EWR", "JFK", "EWR", "EWR"])) as ArrayRef,
        ),
        (
            "dest",
            Arc::new(StringArray::from(vec!["ANC", "BOS", "ANC", "BOS"])) as ArrayRef,
        ),
        (
            "delay",
            Arc::new(Float64Array::from(vec![
                Some(4.0),
                Some(1.0),
                None,
                Some(-3.0),
            ])) as ArrayRef,
        ),
    ])
    .expect("a frame")
}

fn says(error: impl std::fmt::Display, expected: &str) {
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_name_that_stands_twice_is_refused() {
    let column = || Arc::new(Int64Array::from(vec![1])) as ArrayRef;
    let error = Frame::new([("a", column()), ("a", column())]).unwrap_err();
    says(
        error,
        "the name \"a\" stands twice in the columns of the frame",
    );
    let error = frame()
        .group_by(["origin", "origin"])
        .apply(|group| group.len())
        .run(&Serial)
        .unwrap_err();
    says(
        error,
        "the name \"origin\" stands twice in the columns of group_by",
    );
    let error = frame()
        .group_by(["origin"])
        .apply(|group| group.len())
        .named(["origin"])
        .run(&Serial)
        .unwrap_err();
    says(
        error,
        "the name \"origin\" stands twice in the columns of the frame",
    );
}

#[test]
fn columns_of_unequal_length_are_refused() {
    let columns = [
        ("a", Arc::new(Int64Array::from(vec![1])) as ArrayRef),
        ("b", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef),
    ];
    says(
        Frame::new(columns).unwrap_err(),
        "the column \"b\" has 2 values where 1 are expected: as many as the column \"a\" has",
    );
}

#[test]
fn a_missing_column_is_named_in_the_key_and_in_the_closure() {
    let error = frame()
        .group_by(["orgin"])
        .apply(|group| group.len())
        .run(&Serial)
        .unwrap_err();
    assert!(error.is_missing_column() && error.column() == Some("orgin"));
    says(
        error,
        "there is no column \"orgin\"; the frame has \"origin\", \"dest\", \"delay\"",
    );
    let job = frame()
        .group_by(["origin", "dest"])
        .apply(|group| Ok(group.column::<f64>("dleay")?.len()));
    says(
        job.run(&Serial).unwrap_err(),
        "group (origin = \"EWR\", dest = \"ANC\"): there is no column \"dleay\"; the frame has \"origin\", \"dest\", \"delay\"",
    );
}

#[test]
fn a_wrong_type_says_what_was_found_and_expected() {
    let job = frame()
        .group_by(["origin"])
        .apply(|group| Ok(group.column::<f64>("dest")?.len()));
    says(
        job.run(&Serial).unwrap_err(),
        "group (origin = \"EWR\"): the column \"dest\" is Utf8, expected Float64",
    );
    let error = frame()
        .group_by(["origin"])
        .agg([agg::mean("dest")])
        .run(&Serial)
        .unwrap_err();
    says(
        error,
        "the column \"dest\" is Utf8, expected integers, floats or booleans for `mean`",
    );
}

#[test]
fn nulls_are_no_plain_values() {
    let job = frame()
        .group_by(["origin"])
        .apply(|group| Ok(group.column::<f64>("delay")?.len()));
    says(
        job.run(&Serial).unwrap_err(),
        "group (origin = \"EWR\"): the column \"delay\" has 1 nulls in 3 rows; ask for `optional` values, or for the `valid` ones",
    );
}

#[test]
fn a_panic_names_the_group_and_the_place() {
    let line = line!() + 2;
    let job = frame().group_by(["origin", "dest"]).apply(|group| {
        assert!(group.len() > 1, "too few");
        1.0
    });
    let error = job.run(&Serial).unwrap_err();
    let failure = error.failed_group().expect("a group failed");
    assert_eq!(
        (failure.index(), failure.key()),
        (1, "(origin = \"EWR\", dest = \"BOS\")")
    );
    assert!(matches!(failure.cause(), Some(Cause::Panicked { .. })));
    let text = error.to_string();
    let expected = format!(
        "group (origin = \"EWR\", dest = \"BOS\"): panicked at {}:{line}:9: too few",
        file!()
    );
    assert_eq!(text, expected);
}

#[test]
fn try_run_keeps_the_good_groups_and_names_the_others() {
    let job =
        frame()
            .group_by(["origin", "dest"])
            .apply(|group| match group.key().text("dest")? {
                Some("BOS") => Err(GroupError::new("no flights to Boston")),
                _ => Ok(group.len()),
            });
    let part = job.try_run(&Serial).expect("the map ran");
    assert_eq!(part.frame().values::<u64>("value").expect("values"), [2]);
    let texts: Vec<String> = part.failures().iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "group (origin = \"EWR\", dest = \"BOS\"): no flights to Boston",
            "group (origin = \"JFK\", dest = \"BOS\"): no flights to Boston",
        ]
    );
}

#[test]
fn every_form_keeps_the_good_groups_and_names_the_others() {
    let frame = keyed(vec![Some(1), Some(0), Some(1)]);
    let by = || frame.group_by(["k"]);
    let good = |group: &partools_frame::Group<'_>| match group.len() {
        1 => Err(GroupError::new("a single row")),
        rows => Ok(rows),
    };
    let transformed = by().transform(good).try_run(&Serial).expect("transformed");
    let values = UInt64Array::from(vec![Some(2), None, Some(2)]);
    let column = transformed.frame().column("value").expect("values");
    assert_eq!(column.as_ref(), &values as &dyn Array);
    let filtered = by()
        .filter(|group| Ok(good(group)? > 0))
        .try_run(&Serial)
        .expect("filtered");
    assert_eq!(filtered.frame().values::<i64>("k").expect("keys"), [1, 1]);
    let aggregated = by()
        .agg([agg::count("k")])
        .and("rows", good)
        .try_run(&Serial)
        .expect("aggregated");
    assert_eq!(aggregated.frame().values::<u64>("rows").expect("rows"), [2]);
    assert_eq!(aggregated.frame().values::<i64>("k").expect("keys"), [1]);
    for partial in [transformed, filtered, aggregated] {
        let failures: Vec<String> = partial.failures().iter().map(ToString::to_string).collect();
        assert_eq!(failures, ["group (k = 0): a single row"]);
    }
}

#[test]
fn rows_that_differ_in_their_columns_are_refused_by_group() {
    let job = frame().group_by(["origin"]).apply(|group| {
        let name = if group.len() > 1 { "many" } else { "one" };
        let rows = Arc::new(UInt32Array::from(vec![1])) as ArrayRef;
        Ok(RecordBatch::try_from_iter([(name, rows)])?)
    });
    let error = job.run(&Serial).unwrap_err();
    assert!(error.is_schema());
    says(
        error,
        "group (origin = \"JFK\") returned rows of (one: UInt32), expected (many: UInt32) as from group (origin = \"EWR\")",
    );
}

#[test]
fn a_transform_of_another_length_is_refused_by_group() {
    let job = frame().group_by(["origin"]).transform(|_| vec![1.0, 2.0]);
    says(
        job.run(&Serial).unwrap_err(),
        "the column \"value\" has 2 values where 3 are expected: a transform gives one for each row of group (origin = \"EWR\"), or one for all",
    );
}

#[test]
fn presorted_rows_that_are_not_are_found() {
    let error = frame()
        .group_by(["origin"])
        .presorted()
        .apply(|group| group.len())
        .run(&Serial)
        .unwrap_err();
    says(
        error,
        "the rows are not presorted: group (origin = \"EWR\") begins again at row 2; leave `presorted` out",
    );
}

#[test]
fn no_columns_to_group_by_is_an_error() {
    let error = frame()
        .group_by([""; 0])
        .apply(|group| group.len())
        .run(&Serial)
        .unwrap_err();
    says(error, "group_by was given no columns; name at least one");
}

#[test]
fn an_integer_sum_that_overflows_names_its_group() {
    let frame = Frame::new([(
        "k",
        Arc::new(Int64Array::from(vec![i64::MAX, i64::MAX])) as ArrayRef,
    )]);
    let error = frame
        .expect("a frame")
        .group_by(["k"])
        .agg([agg::sum("k")])
        .run(&Serial)
        .unwrap_err();
    says(
        error,
        "group (k = 9223372036854775807): the sum of \"k\" does not fit 64 bits; sum it as floats, by `apply`",
    );
}

fn keyed(keys: Vec<Option<i64>>) -> Frame {
    let values = Float64Array::from_iter_values((0..keys.len()).map(|at| at as f64));
    let columns = [
        ("k", Arc::new(Int64Array::from(keys)) as ArrayRef),
        ("v", Arc::new(values) as ArrayRef),
    ];
    Frame::new(columns).expect("a frame")
}

fn sums(frame: &Frame) -> Frame {
    let job = frame
        .group_by(["k"])
        .apply(|group| Ok(group.column::<f64>("v")?.iter().sum::<f64>()));
    job.run(&Serial).expect("summed")
}

#[test]
fn no_rows_and_no_keys_give_typed_columns_without_rows() {
    for empty in [keyed(Vec::new()), keyed(vec![None, None])] {
        let result = sums(&empty);
        assert_eq!(result.values::<f64>("value").expect("floats"), [0.0; 0]);
        assert_eq!(result.values::<i64>("k").expect("keys"), [0; 0]);
    }
    let nulls = keyed(vec![None, None])
        .group_by(["k"])
        .dropna(false)
        .apply(|group| group.len())
        .run(&Serial);
    assert_eq!(
        nulls
            .expect("one group")
            .values::<u64>("value")
            .expect("counts"),
        [2]
    );
}

#[test]
fn a_million_groups_of_one_row_and_one_group_of_a_million() {
    let many = sums(&keyed(
        (0..1_000_000).rev().map(|k| Some(k * 1_000_003)).collect(),
    ));
    assert_eq!(many.num_rows(), 1_000_000);
    assert_eq!(
        many.values::<f64>("value").expect("floats")[..2],
        [999_999.0, 999_998.0]
    );
    let one = sums(&keyed(vec![Some(7); 1_000_000]));
    assert_eq!(
        one.values::<f64>("value").expect("floats"),
        [499_999_500_000.0]
    );
}
