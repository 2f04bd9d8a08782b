//! What the closure owns is not there in another process.
//! refused: this function cannot be called in another process
//! refused: hand what it needs over by `.shared(..)`

use partools_core::{Loopback, over};

pub fn main() {
    let table = vec![2.0, 3.0];
    #[cfg(refused)]
    let job = over(0..2).map(move |i| table[i]);
    #[cfg(not(refused))]
    let job = over(0..2).shared(table.as_slice()).map(|i, table| table[i]);
    assert_eq!(job.run(&Loopback).unwrap(), [2.0, 3.0]);
}
