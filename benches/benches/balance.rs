//! How well items of uneven length are spread over two workers, where nobody says how to cut them
//! (`Chunks::Auto`), beside rayon and the ideal: the time that all items take, halved.
//!
//! - 20,000 items of 10 µs: what cutting and claiming costs.
//! - 1000 items of 200 µs, of which the last ten take a hundred times as long: what happens where large
//!   chunks are taken before the items turn out to be slow.
//!
//! Items spin, so both processors must be free: beside a busy neighbour all contenders are late alike.
#![allow(clippy::print_stdout, reason = "a bench reports on standard output")]

use partools_bench::{Contender, spin, take_turns, uneven};
use partools_core::over;
use partools_threads::Threads;
use rayon::prelude::*;
use std::time::Duration;

const WORKERS: usize = 2;

fn main() {
    rayon::ThreadPoolBuilder::new()
        .num_threads(WORKERS)
        .build_global()
        .expect("nobody else has set up rayon's pool");
    balance(
        "20,000 items of 10 µs",
        &[Duration::from_micros(10); 20_000],
    );
    balance(
        "1000 items, the last 1 % long",
        &uneven(1000, Duration::from_micros(200)),
    );
}

fn balance(name: &str, items: &[Duration]) {
    let ideal = items.iter().sum::<Duration>() / 2;
    let threads = Threads::new().workers(WORKERS);
    let mut contenders = [
        Contender::clocked("ideal", |times| {
            ideal * u32::try_from(times).unwrap_or(u32::MAX)
        }),
        Contender::whole("Threads, 2 workers", || {
            over(items)
                .map(|time| spin(*time))
                .run(&threads)
                .expect("threads")
        }),
        Contender::whole("rayon, 2 threads", || {
            items
                .par_iter()
                .map(|time| spin(*time))
                .collect::<Vec<()>>()
        }),
    ];
    println!("{name}");
    let outcomes = take_turns(&mut contenders, 9, 1);
    for (contender, outcome) in contenders.iter().zip(outcomes) {
        let (ms, ratio) = (outcome.median_ns / 1e6, outcome.ratio);
        println!(
            "    {:20} {ms:8.1} ms   {ratio:6.3} of the ideal",
            contender.name
        );
    }
}
