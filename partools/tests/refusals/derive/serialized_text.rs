//! A text needs no serde.
//! refused: lies in memory as it is: leave `#[shared_arg(serialized)]` out

use partools::{Loopback, SharedArg, over};

#[derive(SharedArg)]
struct Columns<'a> {
    #[cfg(refused)]
    #[shared_arg(serialized)] column: &'a str,
    #[cfg(not(refused))]
    column: &'a str,
    first: &'a [u16],
}

pub fn main() {
    let column = "ab";
    let columns = Columns { column: &column, first: &[7] };
    let job = over(0..1).shared(columns).map(|i, columns| columns.column.len() + usize::from(columns.first[i]));
    assert_eq!(job.run(&Loopback).unwrap(), [9]);
}
