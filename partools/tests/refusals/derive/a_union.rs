//! Nobody knows which field of a union is there.
//! refused: `SharedArg` is derived for structs

use partools::{Loopback, SharedArg, over};

#[cfg(refused)]
#[derive(Clone, Copy, SharedArg)]
union Number {
    bits: u64,
}

#[cfg(not(refused))]
#[derive(Clone, Copy, SharedArg)]
struct Number {
    bits: u64,
}

pub fn main() {
    let job = over(0..1).shared(Number { bits: 3 }).map(|i, number| {
        #[cfg(refused)]
        let bits = unsafe { number.bits };
        #[cfg(not(refused))]
        let bits = number.bits;
        bits + i as u64
    });
    assert_eq!(job.run(&Loopback).unwrap(), [3]);
}
