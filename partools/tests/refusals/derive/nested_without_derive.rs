//! A struct in a compound is one too.
//! refused: `Inner<'a>` cannot lie in memory that another process maps
//! refused: a struct goes with `#[derive(SharedArg)]`

use partools::{Loopback, SharedArg, over};

#[cfg_attr(not(refused), derive(SharedArg))]
struct Inner<'a> {
    delay: &'a [f64],
}

#[derive(SharedArg)]
struct Outer<'a> {
    inner: Inner<'a>,
}

pub fn main() {
    let outer = Outer { inner: Inner { delay: &[2.0] } };
    let job = over(0..1).shared(outer).map(|i, outer| outer.inner.delay[i]);
    assert_eq!(job.run(&Loopback).unwrap(), [2.0]);
}
