//! A state constructor goes to the worker as the closure does.
//! refused: a function that goes to another process captures nothing

use partools_core::{Loopback, over};

pub fn main() {
    #[cfg(refused)]
    let capacity = 1000;
    #[cfg(refused)]
    let start = move |_| Vec::<u8>::with_capacity(capacity);
    #[cfg(not(refused))]
    let start = |_| Vec::<u8>::with_capacity(1000);
    let job = over(0..4).state(start).map_cx(|i, cx| cx.state.len() + i);
    assert_eq!(job.run(&Loopback).unwrap(), [0, 1, 2, 3]);
}
