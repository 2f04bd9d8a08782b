//! What the windows of a stream cost on `Fork`: ten million integers, each of which becomes another one, with two workers; children
//! forked for each window, beside children that live as long as the stream (`persistent_workers`), beside one map over all
//! of them. Then the same two beside a gigabyte of ordinary memory, whose page tables each fork copies.
//!
//! All ways take turns, since the machine is never the same twice. `cargo bench --bench windows [rounds]`.
#![allow(clippy::print_stdout, reason = "a bench reports on standard output")]

use partools_core::{Report, over, over_iter};
use partools_fork::Fork;
use std::hint::black_box;
use std::time::{Duration, Instant};

const ITEMS: u64 = 10_000_000;

/// A name, and what it does; how often it forked.
type Way = (&'static str, fn() -> usize);

fn stream(persistent: bool, window: Option<usize>) -> usize {
    let (report, mut sum) = (Report::new(), 0);
    let mut stream = over_iter(0..ITEMS).observe(&report);
    if persistent {
        stream = stream.persistent_workers();
    }
    if let Some(window) = window {
        stream = stream.window(window);
    }
    stream
        .map(|n| n * 3 + 1)
        .for_each(&Fork::new().workers(2), |_, n| sum += n)
        .expect("nothing fails");
    assert_eq!(sum, 3 * (ITEMS * (ITEMS - 1) / 2) + ITEMS);
    report.summary().forks
}

fn whole() -> usize {
    let (report, mut sum) = (Report::new(), 0);
    let items: Vec<u64> = (0..ITEMS).collect();
    over(&items)
        .observe(&report)
        .window(items.len())
        .map(|n| n * 3 + 1)
        .for_each(&Fork::new().workers(2), |_, n| sum += n)
        .expect("nothing fails");
    assert_eq!(sum, 3 * (ITEMS * (ITEMS - 1) / 2) + ITEMS);
    report.summary().forks
}

const WAYS: [Way; 5] = [
    ("one window", whole),
    ("growing windows", || stream(false, None)),
    ("growing windows, persistent", || stream(true, None)),
    ("windows of 65,536", || stream(false, Some(1 << 16))),
    ("windows of 65,536, persistent", || {
        stream(true, Some(1 << 16))
    }),
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let rounds = arguments.find_map(|text| text.parse().ok()).unwrap_or(5);
    println!("10,000,000 integers, two workers, median of {rounds}");
    compare(&WAYS, rounds);
    let memory = black_box(vec![1_u8; 1 << 30]);
    println!("beside 1 GB of ordinary memory");
    compare(&WAYS[1..], rounds.div_ceil(2));
    drop(memory);
}

fn compare(ways: &[Way], rounds: usize) {
    let mut times = vec![Vec::new(); ways.len()];
    let mut forks = vec![0; ways.len()];
    for _ in 0..rounds {
        for (at, (_, run)) in ways.iter().enumerate() {
            let begun = Instant::now();
            forks[at] = run();
            times[at].push(begun.elapsed());
        }
    }
    for ((name, _), (times, forks)) in ways.iter().zip(times.iter_mut().zip(forks)) {
        times.sort();
        let median: Duration = times[times.len() / 2];
        println!("{name:>32} {:7.2} s {forks:5} forks", median.as_secs_f64());
    }
}
