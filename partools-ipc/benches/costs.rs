//! What `Ipc` costs, beside `Fork` and what cannot be avoided, and whether it is what was asked for: `cargo bench -p
//! partools-ipc`. Medians, two workers; a busy machine shows. `-- starting`, `gathering`, `dealing` or `sharing` measures that alone.
//! `gathering` has Python's pool (`pool.py`) beside it, where there is a `python3`.
#![allow(clippy::print_stdout)] // a program: it prints what it found

use partools_core::{Chunks, Executor, Job, PortableTask, over};
use partools_fork::Fork;
use partools_ipc::Ipc;
use partools_os::SharedVec;
use std::error::Error;
use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

const WORKERS: usize = 2;

fn main() {
    partools_ipc::init();
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let (ipc, fork) = (Ipc::new().workers(WORKERS), Fork::new().workers(WORKERS));
    println!("{:<58}{:>12}{:>14}", "", "median", "asked for");
    let named = |part| std::env::args().any(|argument| argument == part);
    let parts = ["starting", "gathering", "dealing", "sharing"];
    let all = !parts.into_iter().any(named);
    if all || named("starting") {
        starting(&ipc);
    }
    if all || named("gathering") {
        gathering(&ipc, &fork);
    }
    if all || named("dealing") {
        dealing(&ipc);
    }
    if all || named("sharing") {
        sharing(&ipc);
    }
}

fn starting(ipc: &Ipc) {
    let cold = median(15, || {
        let cold = Ipc::new().workers(WORKERS);
        time(|| run(over(0..2).chunk(Chunks::of(1)).map(|i| i), &cold))
    });
    say(
        "cold: 2 items on 2 new workers",
        cold,
        Duration::from_millis(20),
    );
    run(over(0..1000).map(|i| i), ipc);
    let tiny = median(300, || time(|| run(over(0..10).map(|i| i), ipc)));
    say("warm: 10 tiny items", tiny, Duration::from_micros(200));
    let few = [1.5; 2];
    let shared = median(300, || time(|| first(&few, ipc)));
    tell("warm: 2 tiny items that share two numbers", shared);
}

/// Outputs of 8 bytes on their way home: nothing else is to be done.
fn gathering(ipc: &Ipc, fork: &Fork) {
    // Forking alone: as few items as keep every worker from ending at once.
    let forks = median(50, || time(|| run(over(0..10).map(|i| i), fork)));
    tell("fork: 10 tiny items, which is what forking costs", forks);
    let million = || over(0..1_000_000).map(|i| i as u64);
    let with_forks = median(45, || time(|| run(million(), fork)));
    tell("fork: a million items that do nothing", with_forks);
    let there = with_forks.saturating_sub(forks);
    let here = median(45, || time(|| run(million(), ipc)));
    say(
        "warm: a million items that do nothing: 3 times Fork",
        here,
        3 * there,
    );
    match of_python() {
        Ok((size, python)) => {
            tell(
                &format!("the same on Python's Pool, {size} to a chunk"),
                python,
            );
            say(
                "warm: a million of them: a twentieth of that",
                here,
                python / 20,
            );
        }
        Err(why) => println!("Python's Pool is LEFT OUT: {why}"),
    }
}

/// The best chunk size of `multiprocessing.Pool`, and how long it takes with that.
fn of_python() -> Result<(usize, Duration), Box<dyn Error>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/pool.py");
    let arguments = [script, &WORKERS.to_string(), "1000000"];
    let output = Command::new("python3").args(arguments).output()?;
    let text = String::from_utf8(output.stdout)?;
    let mut all = Vec::new();
    for line in text.lines() {
        let (size, millis) = line.split_once(' ').ok_or("it said something else")?;
        let took = Duration::from_secs_f64(millis.parse::<f64>()? / 1e3);
        all.push((took, size.parse()?));
    }
    let (took, size) = all.into_iter().min().ok_or("it said nothing")?;
    Ok((size, took))
}

fn dealing(ipc: &Ipc) {
    let spins = || {
        over(0..20_000).map(|i| {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_micros(10) {}
            i
        })
    };
    let spun = median(5, || time(|| run(spins(), ipc)));
    let ideal = Duration::from_micros(10 * 20_000) / 2;
    say(
        "warm: 20,000 items of 10 us: 1.10 of ideal",
        spun,
        ideal.mul_f64(1.1),
    );
}

fn sharing(ipc: &Ipc) {
    let numbers: Vec<f64> = (0..100_000_000).map(f64::from).collect();
    let copied = median(5, || {
        let mut copy = None;
        let took = time(|| copy = Some(black_box(numbers.clone())));
        drop(copy);
        took
    });
    tell("800 MB, a copy into fresh pages", copied);
    let published = median(5, || {
        let mut published = None;
        let took = time(|| published = ipc.publish(&numbers).ok());
        assert!(published.is_some(), "there is no room");
        took
    });
    say(
        "800 MB, published: 1.5 of that",
        published,
        copied.mul_f64(1.5),
    );
    let mapped = median(5, || time(|| first(&numbers, ipc)));
    tell("800 MB, a map that shares a plain vector", mapped);

    let empty = median(100, || time(|| first(&numbers[..2], ipc)));
    tell("an empty argument", empty);
    let bound = empty + Duration::from_millis(1);
    let published = ipc.publish(&numbers).expect("room");
    let with_guard = median(100, || time(|| first(&published, ipc)));
    say("800 MB, published before: 1 ms more", with_guard, bound);
    drop(published);
    let shared = SharedVec::from_slice(&numbers).expect("room");
    drop(numbers);
    let with_vector = median(100, || time(|| first(&shared, ipc)));
    say("800 MB, a SharedVec: 1 ms more", with_vector, bound);

    // Each worker reads all of it, and then looks what it has for itself.
    let job = over(0..2 * WORKERS)
        .chunk(Chunks::of(1))
        .shared(&shared[..]);
    let job = job.map(|_, numbers| {
        black_box(numbers.iter().sum::<f64>());
        private()
    });
    let most = job.run(ipc).expect("all is well").into_iter().max();
    let most = most.unwrap_or(0);
    println!(
        "{:<58}{:>9.1} MB{:>11} MB{}",
        "private memory of a worker that has read 800 MB",
        most as f64 / 1e6,
        8,
        verdict(most < 8_000_000)
    );
}

/// Memory that this process alone has, in bytes.
fn private() -> u64 {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let figures = text.lines().filter(|line| line.starts_with("Private_"));
    let figures =
        figures.filter_map(|line| line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok());
    figures.sum::<u64>() << 10
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

fn tell(what: &str, took: Duration) {
    println!("{what:<58}{took:>12.1?}");
}

fn say(what: &str, took: Duration, bound: Duration) {
    println!(
        "{what:<58}{took:>12.1?}{bound:>14.1?}{}",
        verdict(took <= bound)
    );
}

fn verdict(is_kept: bool) -> &'static str {
    match is_kept {
        true => "",
        false => "   MISSED",
    }
}
