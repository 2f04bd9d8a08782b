//! A pointer to a function is a number, and means nothing in another process; the function itself goes.
//! refused: a function that goes to another process captures nothing

use partools_core::{Loopback, over};

fn double(i: usize) -> usize {
    2 * i
}

pub fn main() {
    #[cfg(refused)]
    let function = double as fn(usize) -> usize;
    #[cfg(not(refused))]
    let function = double;
    assert_eq!(over(0..3).map(function).run(&Loopback).unwrap(), [0, 2, 4]);
}
