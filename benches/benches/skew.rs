//! How well items of uneven length are spread over two workers, where nobody says how to cut them
//! (`Chunks::Auto`), beside rayon and the ideal: the time that all items take, halved.
//!
//! - 20,000 items of 10 µs: what cutting and claiming costs.
//! - 1000 items of 200 µs, of which the last ten take a hundred times as long: what happens where large
//!   chunks are taken before the items turn out to be slow.
//!
//! Items spin, so both processors must be free: beside a busy neighbour all contenders are late alike.
#![allow(clippy::print_stdout, reason = "a bench reports on standard output")]

mod side_by_side;

use criterion::Criterion;
use partools_bench::{Turn, spin, uneven};
use partools_core::over;
use partools_threads::Threads;
use rayon::prelude::*;
use side_by_side::{Rounds, compare};
use std::time::Duration;

const WORKERS: usize = 2;

fn main() {
    rayon::ThreadPoolBuilder::new()
        .num_threads(WORKERS)
        .build_global()
        .expect("nobody else has set up rayon's pool");
    let mut criterion = side_by_side::criterion();
    let even = [Duration::from_micros(10); 20_000];
    skew(&mut criterion, "skew/20,000 items of 10 µs", &even);
    let uneven = uneven(1000, Duration::from_micros(200));
    skew(
        &mut criterion,
        "skew/1000 items, the last 1 % long",
        &uneven,
    );
}

fn skew(criterion: &mut Criterion, name: &str, items: &[Duration]) {
    let ideal = items.iter().sum::<Duration>() / 2;
    let threads = Threads::new().workers(WORKERS);
    let contenders = [
        Turn::clocked("ideal", |times| {
            ideal * u32::try_from(times).unwrap_or(u32::MAX)
        }),
        Turn::whole("Threads, 2 workers", || {
            over(items)
                .map(|time| spin(*time))
                .run(&threads)
                .expect("threads")
        }),
        Turn::whole("rayon, 2 threads", || {
            items
                .par_iter()
                .map(|time| spin(*time))
                .collect::<Vec<()>>()
        }),
    ];
    let rounds = Rounds {
        rounds: 9,
        times: 1,
    };
    compare(criterion, name, contenders, 10, &rounds);
}
