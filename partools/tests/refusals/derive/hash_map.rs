//! What serde carries is marked.
//! refused: a `HashMap` cannot lie in memory that another process maps
//! refused: mark the field `#[shared_arg(serialized)]`, as a `&'a std::collections::HashMap<String, Vec<u8>>`

use partools::{Loopback, SharedArg, over};

#[derive(SharedArg)]
struct Columns<'a> {
    #[cfg(refused)]
    column: &'a std::collections::HashMap<String, Vec<u8>>,
    #[cfg(not(refused))]
    #[shared_arg(serialized)] column: &'a std::collections::HashMap<String, Vec<u8>>,
    first: &'a [u16],
}

pub fn main() {
    let column = std::collections::HashMap::from(["a", "b"].map(|key| (key.to_owned(), vec![0])));
    let columns = Columns { column: &column, first: &[7] };
    let job = over(0..1).shared(columns).map(|i, columns| columns.column.len() + usize::from(columns.first[i]));
    assert_eq!(job.run(&Loopback).unwrap(), [9]);
}
