//! A bound that is not enough.
//! refused: `&'a [T]` cannot lie in memory that another process maps

use partools::{Loopback, SharedArg, over};

#[cfg(refused)]
#[derive(SharedArg)]
struct Pair<'a, T: Copy> {
    left: &'a [T],
    right: &'a [T],
}

#[cfg(not(refused))]
#[derive(SharedArg)]
struct Pair<'a, T: bytemuck::Pod> {
    left: &'a [T],
    right: &'a [T],
}

pub fn main() {
    let pair = Pair { left: &[2.0], right: &[3.0] };
    let job = over(0..1).shared(pair).map(|i, pair| pair.left[i] + pair.right[i]);
    assert_eq!(job.run(&Loopback).unwrap(), [5.0]);
}
