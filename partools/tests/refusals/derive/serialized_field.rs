//! `Serialized` is for a whole shared argument; a field is marked.
//! refused: a field is marked instead: `#[shared_arg(serialized)]` on a reference

use partools::{Loopback, SharedArg, over};

#[derive(SharedArg)]
struct Columns<'a> {
    #[cfg(refused)]
    column: partools::Serialized<'a, Vec<String>>,
    #[cfg(not(refused))]
    #[shared_arg(serialized)] column: &'a Vec<String>,
    first: &'a [u16],
}

pub fn main() {
    let column = vec!["a".to_owned(), "b".to_owned()];
    let columns = Columns { column: &column, first: &[7] };
    let job = over(0..1).shared(columns).map(|i, columns| columns.column.len() + usize::from(columns.first[i]));
    assert_eq!(job.run(&Loopback).unwrap(), [9]);
}
