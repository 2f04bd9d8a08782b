//! An output crosses as well.
//! refused: `Point` cannot cross to or from another process
//! refused: `#[derive(serde::Serialize, serde::Deserialize)]`

use partools_core::{Loopback, over};

#[derive(Debug, PartialEq)]
#[cfg_attr(not(refused), derive(serde::Serialize, serde::Deserialize))]
struct Point(f64, f64);

pub fn main() {
    let job = over(0..1).map(|_| Point(0.0, 1.0));
    assert_eq!(job.run(&Loopback).unwrap(), [Point(0.0, 1.0)]);
}
