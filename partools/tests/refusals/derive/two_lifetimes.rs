//! A view has one lifetime; references that live longer shorten to it.
//! refused: a compound of shared arguments has one lifetime

use partools::{Loopback, SharedArg, over};

#[cfg(refused)]
#[derive(SharedArg)]
struct Columns<'a, 'b> {
    delay: &'a [f64],
    names: &'b str,
}

#[cfg(not(refused))]
#[derive(SharedArg)]
struct Columns<'a> {
    delay: &'a [f64],
    names: &'a str,
}

pub fn main() {
    let delay = vec![2.0];
    let columns = Columns { delay: &delay, names: "abc" };
    let job = over(0..1).shared(columns).map(|i, columns| columns.delay[i] + columns.names.len() as f64);
    assert_eq!(job.run(&Loopback).unwrap(), [5.0]);
}
