//! What a fault costs, and what it costs to be ready for one.
//!
//! - 100 items of 100 µs, of which item 37 panics, or kills its process. The baseline is the same map without a fault.
//! - 10,000 items of 10 µs without a fault, with retries, an item timeout and a report asked for. The baseline is the
//!   same map without them. (A report times each of these items by itself.)
//! - From SIGKILL to the error in hand, beside so much private memory of the parent's: the promise is 100 ms, and 50 ms
//!   more for each gigabyte.
#![allow(clippy::print_stdout, reason = "a bench reports on standard output")]

mod side_by_side;

use partools::{Fork, Report, Threads, over};
use partools_bench::{Turn, spin};
use side_by_side::{Rounds, compare};
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::time::{Duration, Instant};

const WORKERS: usize = 2;
const BAD: usize = 37;

fn work(index: usize) -> usize {
    spin(Duration::from_micros(100));
    index
}

fn panics(index: usize) -> usize {
    assert_ne!(index, BAD, "the bad one");
    work(index)
}

fn aborts(index: usize) -> usize {
    if index == BAD {
        std::process::abort();
    }
    work(index)
}

/// Runs `f` over 100 items and checks that `lost` of them have no output.
macro_rules! run {
    ($name:literal, $f:ident, $executor:expr, $lost:literal) => {
        Turn::whole($name, || {
            let results = over(0..100_usize).map($f).try_run($executor).expect($name);
            let lost = results.iter().filter(|result| result.is_err()).count();
            assert_eq!(lost, $lost, $name);
        })
    };
}

/// Runs 10,000 items of 10 µs under the options that are named.
macro_rules! ready {
    ($executor:expr $(, $option:ident($($value:expr),*))*) => {{
        let map = over(0..10_000_usize)$(.$option($($value),*))*.map(|i| {
            spin(Duration::from_micros(10));
            i
        });
        assert_eq!(map.run($executor).expect("a map").len(), 10_000);
    }};
}

fn main() {
    // A panic says so on standard error, thousands of times here.
    std::panic::set_hook(Box::new(|_| {}));
    let (threads, fork) = (
        Threads::new().workers(WORKERS),
        Fork::new().workers(WORKERS),
    );
    let contenders = [
        run!("Threads, no fault", work, &threads, 0),
        run!("Threads, a panic", panics, &threads, 1),
        run!("Fork, no fault", work, &fork, 0),
        run!("Fork, a panic", panics, &fork, 1),
        run!("Fork, an abort", aborts, &fork, 1),
    ];
    let rounds = Rounds {
        rounds: 25,
        times: 2,
    };
    let mut criterion = side_by_side::criterion();
    compare(
        &mut criterion,
        "faults/100 items of 100 µs",
        contenders,
        10,
        &rounds,
    );
    compare(
        &mut criterion,
        "faults/10,000 items of 10 µs, Threads",
        [
            Turn::whole("plain", || ready!(&threads)),
            Turn::whole("retries", || ready!(&threads, retries(2))),
            Turn::whole("a report", || ready!(&threads, observe(&Report::new()))),
            Turn::whole("retries and a report", || {
                ready!(&threads, retries(2), observe(&Report::new()))
            }),
        ],
        10,
        &rounds,
    );
    compare(
        &mut criterion,
        "faults/10,000 items of 10 µs, Fork",
        [
            Turn::whole("plain", || ready!(&fork)),
            Turn::whole("retries", || ready!(&fork, retries(2))),
            Turn::whole("retries and a timeout", || {
                ready!(&fork, retries(2), item_timeout(Duration::from_secs(60)))
            }),
            Turn::whole("a report", || ready!(&fork, observe(&Report::new()))),
            Turn::whole("all three", || {
                let minute = Duration::from_secs(60);
                ready!(
                    &fork,
                    retries(2),
                    item_timeout(minute),
                    observe(&Report::new())
                )
            }),
        ],
        10,
        &rounds,
    );
    for gigabytes in [0, 1, 2, 4] {
        from_kill_to_error(gigabytes);
    }
}

/// So many kills beside so much memory.
const KILLS: usize = 21;
const GIGABYTE: usize = 1 << 30;

/// One item, which is killed each time that it is tried; from the last SIGKILL to the error in the caller's hand.
fn from_kill_to_error(gigabytes: usize) {
    // Ordinary private memory, all of it touched: what a worker has to be torn down with.
    let private = vec![1_u8; gigabytes * GIGABYTE];
    let fork = Fork::new().workers(WORKERS);
    let base = Instant::now();
    let (mut read, write) = std::io::pipe().expect("a pipe");
    let mut times: Vec<Duration> = (0..KILLS)
        .map(|_| {
            let map = over(0..1).map(|_| {
                tell(&write, base);
                let own = rustix::process::getpid();
                let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
            });
            let error = map.run(&fork).expect_err("the item is killed");
            let known = base.elapsed();
            assert!(error.to_string().contains("SIGKILL"), "{error}");
            known.saturating_sub(last_told(&mut read, &write))
        })
        .collect();
    times.sort_unstable();
    let (median, worst) = (times[KILLS / 2], times[KILLS - 1]);
    let promised = Duration::from_millis(100 + 50 * gigabytes as u64);
    println!(
        "faults/SIGKILL to error, {gigabytes} GB private: median {:.2} ms, worst of {KILLS} {:.2} ms; promised {} ms: {}",
        median.as_secs_f64() * 1e3,
        worst.as_secs_f64() * 1e3,
        promised.as_millis(),
        if worst <= promised {
            "kept"
        } else {
            "NOT KEPT"
        }
    );
    drop(private);
}

/// The moment, as the clock of all processes has it.
fn tell(mut pipe: &PipeWriter, base: Instant) {
    let now = u64::try_from(base.elapsed().as_nanos()).unwrap_or(u64::MAX);
    pipe.write_all(&now.to_ne_bytes())
        .expect("room in the pipe");
}

/// The last moment that was told; a zero of our own marks the end.
fn last_told(pipe: &mut PipeReader, mut end: &PipeWriter) -> Duration {
    end.write_all(&0_u64.to_ne_bytes())
        .expect("room in the pipe");
    let mut last = 0;
    loop {
        let mut bytes = [0; 8];
        pipe.read_exact(&mut bytes).expect("a moment");
        match u64::from_ne_bytes(bytes) {
            0 => return Duration::from_nanos(last),
            moment => last = moment,
        }
    }
}
