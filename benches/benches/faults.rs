//! What a fault costs: 100 items of 100 µs, of which item 37 panics, or kills its process. The baseline is the same map
//! without a fault.
#![allow(clippy::print_stdout, reason = "a bench reports on standard output")]

mod side_by_side;

use partools::{Fork, Threads, over};
use partools_bench::{Turn, spin};
use side_by_side::{Rounds, compare};
use std::time::Duration;

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
}
