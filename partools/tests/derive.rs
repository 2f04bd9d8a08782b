//! `#[derive(SharedArg)]` for whoever depends on `partools` alone.

use partools::{Loopback, Serial, SharedArg, Threads, over};

#[derive(SharedArg)]
struct Columns<'a> {
    delay: &'a [f64],
    scale: f64,
}

#[test]
fn a_compound_derived_through_the_facade_is_seen_by_every_executor() {
    let delay: Vec<f64> = (0..100).map(f64::from).collect();
    let columns = Columns {
        delay: &delay,
        scale: 0.5,
    };
    let job = over(0..100)
        .shared(columns)
        .map(|i, columns| columns.delay[i] * columns.scale);
    let serial = job.run(&Serial).unwrap();
    assert_eq!(serial[99], 49.5);
    assert_eq!(job.run(&Threads::new().workers(2)).unwrap(), serial);
    assert_eq!(job.run(&Loopback).unwrap(), serial);
}
