//! Strings are pointers to memory of this process.
//! refused: `&[String]` cannot lie in memory that another process maps
//! refused: anything that serde can carry goes as `.shared(Serialized(&value))`

use partools_core::{Loopback, Serialized, over};

pub fn main() {
    let names = vec!["a".to_owned(), "bb".to_owned()];
    #[cfg(refused)]
    let shared = names.as_slice();
    #[cfg(not(refused))]
    let shared = Serialized(&names);
    let job = over(0..2).shared(shared).map(|i, names| names[i].len());
    assert_eq!(job.run(&Loopback).unwrap(), [1, 2]);
}
