//! The core's sentences reach whoever depends on `partools` alone.
//! refused: a function that goes to another process captures nothing; hand what it needs over by `.shared(..)`

use partools::{Loopback, over};

pub fn main() {
    let factor = 3;
    #[cfg(refused)]
    let job = over(0..4).map(move |i| i * factor);
    #[cfg(not(refused))]
    let job = over(0..4).shared(&factor).map(|i, factor| i * factor);
    assert_eq!(job.run(&Loopback).unwrap(), [0, 3, 6, 9]);
}
