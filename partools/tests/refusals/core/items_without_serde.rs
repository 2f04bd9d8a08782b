//! Items go one by one, through serde.
//! refused: `Point` cannot cross to or from another process
//! refused: what crosses (outputs, items, what is `Serialized`) needs `#[derive(serde::Serialize, serde::Deserialize)]`

use partools_core::{Loopback, over};

#[cfg_attr(not(refused), derive(serde::Serialize, serde::Deserialize))]
struct Point(f64, f64);

pub fn main() {
    let points = [Point(1.0, 2.0)];
    let job = over(&points).map(|point| point.0 + point.1);
    assert_eq!(job.run(&Loopback).unwrap(), [3.0]);
}
