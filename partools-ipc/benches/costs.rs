//! What `Ipc` costs, beside `Fork` and what cannot be avoided: `cargo bench -p partools-ipc`. Medians, two workers; a busy
//! machine shows.
#![allow(clippy::print_stdout)] // a program: it prints what it found

use partools_core::{Chunks, Executor, Job, PortableTask, over};
use partools_fork::Fork;
use partools_ipc::Ipc;
use partools_os::SharedVec;
use std::hint::black_box;
use std::time::{Duration, Instant};

const WORKERS: usize = 2;

fn main() {
    partools_ipc::init();
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let (ipc, fork) = (Ipc::new().workers(WORKERS), Fork::new().workers(WORKERS));

    say(
        "cold: 2 items on 2 new workers",
        median(15, || {
            let cold = Ipc::new().workers(WORKERS);
            time(|| run(over(0..2).chunk(Chunks::of(1)).map(|i| i), &cold))
        }),
    );
    run(over(0..1000).map(|i| i), &ipc);
    let tiny = || over(0..10).map(|i| i);
    say(
        "warm: 10 tiny items",
        median(300, || time(|| run(tiny(), &ipc))),
    );
    let forks = median(50, || time(|| run(tiny(), &fork)));
    say("fork: 10 tiny items", forks);

    let million = || over(0..1_000_000).map(|i| i as u64);
    let here = median(9, || time(|| run(million(), &ipc)));
    let there = median(9, || time(|| run(million(), &fork)));
    say("warm: a million items that do nothing", here);
    say(
        "fork: the same, without what forking costs",
        there.saturating_sub(forks),
    );

    let spins = || {
        over(0..20_000).map(|i| {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_micros(10) {}
            i
        })
    };
    say(
        "warm: 20,000 items of 10 us (ideal: 100 ms)",
        median(5, || time(|| run(spins(), &ipc))),
    );

    let numbers: Vec<f64> = (0..100_000_000).map(f64::from).collect();
    say(
        "800 MB, a copy into fresh pages",
        median(5, || time(|| drop(black_box(numbers.clone())))),
    );
    say(
        "800 MB, a plain vector",
        median(5, || time(|| first(&numbers, &ipc))),
    );
    say(
        "an empty argument",
        median(50, || time(|| first(&numbers[..2], &ipc))),
    );
    let shared = SharedVec::from_slice(&numbers).expect("memory");
    drop(numbers);
    say(
        "800 MB, a SharedVec",
        median(50, || time(|| first(&shared, &ipc))),
    );
}

fn run<T: PortableTask>(job: Job<T>, on: &impl Executor<T>) {
    black_box(job.run(on).expect("all is well").len());
}

/// A map that looks at next to nothing of what it shares.
fn first(numbers: &[f64], on: &Ipc) {
    run(over(0..2).shared(numbers).map(|i, numbers| numbers[i]), on);
}

fn time(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn median(times: usize, mut once: impl FnMut() -> Duration) -> Duration {
    let mut all: Vec<Duration> = (0..times).map(|_| once()).collect();
    all.sort_unstable();
    all[times / 2]
}

fn say(what: &str, took: Duration) {
    println!("{what:<44} {took:>12.1?}");
}
