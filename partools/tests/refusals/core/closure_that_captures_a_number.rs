//! A number that the closure takes along is gone in another process.
//! refused: a function that goes to another process captures nothing; hand what it needs over by `.shared(..)`

use partools_core::{Loopback, over};

pub fn main() {
    let factor = 3;
    #[cfg(refused)]
    let job = over(0..4).map(move |i| i * factor);
    #[cfg(not(refused))]
    let job = over(0..4).shared(&factor).map(|i, factor| i * factor);
    assert_eq!(job.run(&Loopback).unwrap(), [0, 3, 6, 9]);
}
