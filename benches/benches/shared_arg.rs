//! What it costs to show workers a large argument: sums of 100 sections of 80 MB, in ordinary memory, in huge
//! pages and in a `SharedVec`. The baseline is the plain loop over the ordinary memory. Before that, maps of ten items that do
//! nothing on `Fork`, from a small process and beside 4 GB in a `SharedVec`: what the forks alone cost.
//!
//! There is no rayon here: its pool lives on, and `Fork` refuses to run beside it. `compare --only sum` has
//! everybody, each in a process of its own.
#![allow(clippy::print_stdout, reason = "a bench reports on standard output")]

mod side_by_side;

use criterion::Criterion;
use partools::{Fork, Serial, SharedVec, Threads, huge_pages, over};
use partools_bench::Turn;
use side_by_side::{Rounds, compare};
use std::hint::black_box;
use std::ops::Range;

const LEN: usize = 10_000_000;
const SECTIONS: usize = 100;
const WORKERS: usize = 2;

fn sum(array: &[f64], section: &Range<usize>) -> f64 {
    array[section.clone()].iter().sum()
}

/// The bytes of a large argument.
const LARGE: usize = 4_000_000_000;

fn main() {
    let mut criterion = side_by_side::criterion();
    let element = |index: usize| (index % 1021) as f64;
    ten_items(&mut criterion, "a small parent");
    let large = SharedVec::from_fn(LARGE / size_of::<f64>(), element).expect("memory");
    ten_items(&mut criterion, "4 GB in a SharedVec");
    drop(large);
    let plain: Vec<f64> = (0..LEN).map(element).collect();
    let mut huge = Vec::with_capacity(LEN);
    // A kernel without huge pages refuses; then this is a second ordinary vector.
    let _ = huge_pages(&mut huge);
    huge.extend((0..LEN).map(element));
    let shared = SharedVec::from_fn(LEN, element).expect("memory");
    let size = LEN / SECTIONS;
    let sections: Vec<_> = (0..SECTIONS).map(|i| i * size..(i + 1) * size).collect();

    let expected: Vec<f64> = sections
        .iter()
        .map(|section| sum(&plain, section))
        .collect();
    let (threads, fork) = (
        Threads::new().workers(WORKERS),
        Fork::new().workers(WORKERS),
    );
    // Each checks its result: 100 numbers, beside 80 MB that are read.
    macro_rules! by {
        ($name:literal, $array:expr, $executor:expr) => {
            Turn::whole($name, || {
                let job = over(&sections)
                    .shared(black_box(&$array[..]))
                    .map(|section, array| sum(array, section));
                assert_eq!(job.run($executor).expect($name), expected);
            })
        };
    }
    let contenders = [
        Turn::whole("plain loop", || {
            let array = black_box(&plain[..]);
            sections
                .iter()
                .map(|section| sum(array, section))
                .collect::<Vec<f64>>()
        }),
        by!("Serial", plain, &Serial),
        by!("Threads", plain, &threads),
        by!("Threads, huge pages", huge, &threads),
        by!("Threads, SharedVec", shared, &threads),
        by!("Fork", plain, &fork),
        by!("Fork, huge pages", huge, &fork),
        by!("Fork, SharedVec", shared, &fork),
    ];
    let rounds = Rounds {
        rounds: 15,
        times: 2,
    };
    compare(&mut criterion, "shared_arg/80 MB", contenders, 10, &rounds);
}

fn ten_items(criterion: &mut Criterion, beside: &str) {
    let fork = Fork::new().workers(WORKERS);
    let contenders = [Turn::whole("Fork", || {
        over(0..10).map(|i| i).run(&fork).expect("ten items")
    })];
    let rounds = Rounds {
        rounds: 51,
        times: 5,
    };
    let name = format!("map/10 on Fork, {beside}");
    compare(criterion, &name, contenders, 10, &rounds);
}
