//! A `HashMap` cannot be mapped; serde carries it.
//! refused: `&HashMap<String, usize>` cannot lie in memory that another process maps
//! refused: anything that serde can carry goes as `.shared(Serialized(&value))`

use partools_core::{Loopback, Serialized, over};
use std::collections::HashMap;

pub fn main() {
    let prices = HashMap::from([("pear".to_owned(), 4_usize)]);
    #[cfg(refused)]
    let shared = &prices;
    #[cfg(not(refused))]
    let shared = Serialized(&prices);
    let job = over(0..2).shared(shared).map(|i, prices| prices["pear"] + i);
    assert_eq!(job.run(&Loopback).unwrap(), [4, 5]);
}
