//! A `Vec` is a pointer to memory of this process; the slice of it can be mapped.
//! refused: `&Vec<f64>` cannot lie in memory that another process maps
//! refused: goes as a slice: `.shared(vec.as_slice())`

use partools_core::{Loopback, over};

pub fn main() {
    let table: Vec<f64> = vec![2.0, 3.0];
    #[cfg(refused)]
    let shared = &table;
    #[cfg(not(refused))]
    let shared = table.as_slice();
    let job = over(0..2).shared(shared).map(|i, table| table[i]);
    assert_eq!(job.run(&Loopback).unwrap(), [2.0, 3.0]);
}
