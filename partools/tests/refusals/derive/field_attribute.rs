//! An attribute that there is not.
//! refused: a field takes `#[shared_arg(serialized)]`

use partools::{Loopback, SharedArg, over};

#[derive(SharedArg)]
struct Columns<'a> {
    #[cfg(refused)]
    #[shared_arg(serialize)] column: &'a Vec<String>,
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
