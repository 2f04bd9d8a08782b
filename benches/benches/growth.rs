//! How costs grow. Time for each item, from a hundred thousand items that do nothing to a hundred million, each with an output
//! of 8 bytes, two workers; the plain loop beside it shows what is the memory's doing, since fresh pages are not free.
//! And time for a map of a thousand items of a microsecond, from one worker to sixty-four.
//!
//! All take turns. `cargo bench -p partools-bench --bench growth [rounds]`.
#![allow(clippy::print_stdout, reason = "a bench reports on standard output")]

use partools::{Fork, Ipc, Threads};
use partools_core::{Executor, Job, PortableTask, Task, over};
use std::hint::black_box;
use std::time::{Duration, Instant};

const COUNTS: [usize; 4] = [100_000, 1_000_000, 10_000_000, 100_000_000];
const WORKERS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];

fn cheap(count: usize) -> Job<impl PortableTask<Output = u64> + Sync> {
    over(0..count).map(|i| black_box(i as u64) * 3)
}

/// A thousand items of a microsecond.
fn busy() -> Job<impl PortableTask<Output = u64> + Sync> {
    over(0..1000).map(|i| {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_micros(1) {}
        i as u64
    })
}

fn once<T: Task>(job: &Job<T>, on: &impl Executor<T>) -> Duration {
    let begun = Instant::now();
    let outputs = job.run(on).expect("nothing fails");
    let took = begun.elapsed();
    drop(black_box(outputs));
    took
}

fn by_hand(count: usize) -> Duration {
    let begun = Instant::now();
    let outputs: Vec<u64> = (0..count).map(|i| black_box(i as u64) * 3).collect();
    let took = begun.elapsed();
    drop(black_box(outputs));
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn items(rounds: usize) {
    let (threads, ipc, fork) = (
        Threads::new().workers(2),
        Ipc::new().workers(2),
        Fork::new().workers(2),
    );
    println!("\nnanoseconds an item, two workers, medians of {rounds}");
    println!(
        "{:>12} {:>10} {:>10} {:>10} {:>10}",
        "items", "loop", "threads", "fork", "ipc"
    );
    for count in COUNTS {
        let job = cheap(count);
        let ways: [&dyn Fn() -> Duration; 4] = [
            &|| by_hand(count),
            &|| once(&job, &threads),
            &|| once(&job, &fork),
            &|| once(&job, &ipc),
        ];
        print!("{count:>12}");
        for nanoseconds in turns(&ways, rounds).map(|took| took.as_secs_f64() * 1e9) {
            print!(" {:>10.2}", nanoseconds / count as f64);
        }
        println!();
    }
}

fn workers(rounds: usize) {
    println!("\nmilliseconds a map of 1000 items of 1 us, medians of {rounds}");
    println!(
        "{:>12} {:>10} {:>10} {:>10}",
        "workers", "threads", "fork", "ipc"
    );
    let job = busy();
    for workers in WORKERS {
        let (threads, ipc, fork) = (
            Threads::new().workers(workers),
            Ipc::new().workers(workers),
            Fork::new().workers(workers),
        );
        let ways: [&dyn Fn() -> Duration; 3] =
            [&|| once(&job, &threads), &|| once(&job, &fork), &|| {
                once(&job, &ipc)
            }];
        print!("{workers:>12}");
        for took in turns(&ways, rounds) {
            print!(" {:>10.3}", took.as_secs_f64() * 1e3);
        }
        println!();
    }
}

/// The median of each way; the first round is for nobody.
fn turns<const N: usize>(ways: &[&dyn Fn() -> Duration; N], rounds: usize) -> [Duration; N] {
    let mut times = [const { Vec::new() }; N];
    for round in 0..=rounds {
        for (way, times) in ways.iter().zip(&mut times) {
            let took = way();
            if round > 0 {
                times.push(took);
            }
        }
    }
    times.map(median)
}

fn main() {
    partools::init();
    let mut arguments = std::env::args().skip(1);
    let rounds = arguments.find_map(|text| text.parse().ok()).unwrap_or(5);
    items(rounds);
    workers(rounds * 4);
}
