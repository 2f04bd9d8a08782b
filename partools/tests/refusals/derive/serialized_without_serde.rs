//! What is serialized is a type that serde carries.
//! refused: `Index` cannot cross to or from another process
//! refused: what is `Serialized`

use partools::{Loopback, SharedArg, over};

#[cfg_attr(not(refused), derive(serde::Serialize, serde::Deserialize))]
struct Index(usize);

#[derive(SharedArg)]
struct Columns<'a> {
    #[shared_arg(serialized)]
    index: &'a Index,
}

pub fn main() {
    let job = over(0..1).shared(Columns { index: &Index(4) }).map(|i, columns| columns.index.0 + i);
    assert_eq!(job.run(&Loopback).unwrap(), [4]);
}
