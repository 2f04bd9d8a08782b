//! A `String` in a compound: borrowed, as a text.
//! refused: a `String` cannot lie in memory that another process maps: borrow a text, `&'a str`

use partools::{Loopback, SharedArg, over};

#[derive(SharedArg)]
struct Columns<'a> {
    #[cfg(refused)]
    column: String,
    #[cfg(not(refused))]
    column: &'a str,
    first: &'a [u16],
}

pub fn main() {
    let column = String::from("ab");
    let columns = Columns { column: &column, first: &[7] };
    let job = over(0..1).shared(columns).map(|i, columns| columns.column.len() + usize::from(columns.first[i]));
    assert_eq!(job.run(&Loopback).unwrap(), [9]);
}
