//! A borrowed `Vec` is still a pointer to a pointer.
//! refused: borrow a slice, `&'a [(u8, f64)]`, where its elements are plain memory. Or mark the field `#[shared_arg(serialized)]`, as a `&'a Vec<(u8, f64)>`

use partools::{Loopback, SharedArg, over};

#[derive(SharedArg)]
struct Columns<'a> {
    #[cfg(refused)]
    column: &'a Vec<(u8, f64)>,
    #[cfg(not(refused))]
    column: &'a [[f64; 2]],
    first: &'a [u16],
}

pub fn main() {
    let column = vec![[1.0, 2.0], [3.0, 4.0]];
    let columns = Columns { column: &column, first: &[7] };
    let job = over(0..1).shared(columns).map(|i, columns| columns.column.len() + usize::from(columns.first[i]));
    assert_eq!(job.run(&Loopback).unwrap(), [9]);
}
