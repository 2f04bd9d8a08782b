//! Bounds stand on the struct.
//! refused: what `T` is stands on the struct, and nothing is added to it: `T: bytemuck::Pod`

use partools::{Loopback, SharedArg, over};

#[cfg(refused)]
#[derive(SharedArg)]
struct Pair<'a, T> {
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
