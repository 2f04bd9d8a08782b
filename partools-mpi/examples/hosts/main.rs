//! Where the shared argument lies: once on each host, whatever number of ranks that has.
//!
//! ```text
//! cargo build --release -p partools-mpi --example hosts
//! mpirun -n 4 target/release/examples/hosts 1000    with an argument of 1000 MB
//! ```
//!
//! For each worker: its rank and host, the memory file in which it sees the argument, and how much memory of its own it has, before
//! it has seen the argument and when it has read all of it. The script `partools-mpi/two-hosts` runs it on two hosts.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a program: it prints what it found

mod own_memory;

use own_memory::memory;
use partools_core::{Chunks, Report, over};
use partools_mpi::Mpi;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("hosts: the argument lies in more than one file of a host");
            ExitCode::FAILURE
        }
        Err(why) => {
            eprintln!("hosts: {why}");
            ExitCode::FAILURE
        }
    }
}

/// What a worker says: its number, its host, the file, the bytes of its own, the sum.
type Said = (usize, String, u64, u64, u64);

fn run() -> Result<bool, Box<dyn Error>> {
    let mpi = partools_mpi::init()?; // first of all: every rank but 0 stays here
    let megabytes: usize = match std::env::args().nth(1) {
        Some(number) => number.parse()?,
        None => 80,
    };
    let numbers: Vec<u64> = (0..megabytes as u64 * 125_000).collect();
    let expected: u64 = numbers.iter().sum();
    let report = Report::new();
    let before = map(&mpi, &numbers[..1], &report)?;
    let begun = Instant::now();
    let after = map(&mpi, &numbers, &report)?;
    let took = begun.elapsed();
    let before: BTreeMap<_, _> = before.into_iter().map(|said| (said.0, said.3)).collect();
    let after: BTreeMap<_, _> = after.into_iter().map(|said| (said.0, said)).collect();
    let places = report.summary().workers;
    let mut files = BTreeMap::<&str, BTreeSet<u64>>::new();
    println!(
        "{megabytes} MB, read whole by each of {} workers in {took:.1?}",
        after.len()
    );
    for (worker, (_, host, file, own, sum)) in &after {
        if *sum != expected {
            return Err(format!("worker {worker} has another argument").into());
        }
        let place = places
            .get(*worker)
            .and_then(|worker| worker.place.as_deref());
        let grown = before
            .get(worker)
            .map_or(0.0, |before| mb(*own) - mb(*before));
        println!(
            "{:24} file {file}   {:.1} MB of its own, {grown:+.1} MB by the argument",
            place.unwrap_or("here"),
            mb(*own),
        );
        files.entry(host).or_default().insert(*file);
    }
    println!(
        "{} hosts, {} files",
        files.len(),
        files.values().flatten().count()
    );
    Ok(files.values().all(|files| files.len() == 1))
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn map(mpi: &Mpi, numbers: &[u64], report: &Report) -> Result<Vec<Said>, partools_core::Error> {
    over(0..4 * mpi.ranks())
        .chunk(Chunks::of(1))
        .shared(numbers)
        .observe(report)
        .map_cx(|_, cx| {
            std::thread::sleep(Duration::from_millis(5)); // so that every rank has some
            let sum = cx.shared.iter().sum();
            let (file, own) = memory(cx.shared.as_ptr() as usize);
            let host = std::fs::read_to_string("/proc/sys/kernel/hostname");
            let host = host.unwrap_or_default().trim().to_owned();
            (cx.worker, host, file, own, sum)
        })
        .run(mpi)
}
