//! What needs a fork: a program of its own, because the main thread of a process with no other thread is the one place
//! where a fork is safe (libtest runs each test on a second thread).
//!
//! One file per promise of the crate: how children end (`exits.rs`), what they may touch (`memory.rs`), what comes back
//! (`rings.rs`), and what becomes of the host (`host.rs`).

use std::process::ExitCode;
use std::time::{Duration, Instant};

use partools_os::{Access, Child, Region, SpawnOptions};

mod exits;
mod host;
mod memory;
#[path = "../one_by_one/mod.rs"]
mod one_by_one;
mod rings;

/// Far beyond what anything here takes, and short enough that a hang is a failure and not a stuck build.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let trials = [
        exits::trials(),
        host::trials(),
        memory::trials(),
        rings::trials(),
    ];
    one_by_one::run(trials.into_iter().flatten())
}

/// Names a trial after its function.
macro_rules! trials {
    ($($test:ident),* $(,)?) => {
        pub(crate) fn trials() -> Vec<libtest_mimic::Trial> {
            vec![$(crate::one_by_one::trial(stringify!($test), $test)),*]
        }
    };
}
pub(crate) use trials;

/// A region with a gate in front, and a page of words.
fn gated() -> Region {
    Region::with_halves(1, 4096).expect("a region")
}

/// Forks a child that is lent `region`, which has the gate, and `more`.
fn spawn_lending(region: &Region, more: &[(&Region, Access)], body: impl FnOnce() -> i32) -> Child {
    spawn_with(region, more, &SpawnOptions::default(), body)
}

fn spawn_with(
    region: &Region,
    more: &[(&Region, Access)],
    options: &SpawnOptions,
    body: impl FnOnce() -> i32,
) -> Child {
    let lent: Vec<_> = more
        .iter()
        .copied()
        .chain([(region, Access::ReadWrite)])
        .collect();
    // SAFETY: this program has one thread; and what the bodies touch is lent to them, or is what the trial is about.
    unsafe { partools_os::spawn(&lent, &region.halves()[0], options, body) }.expect("a child")
}

/// Forks a child that needs nothing.
fn spawn(body: impl FnOnce() -> i32) -> Child {
    spawn_lending(&gated(), &[], body)
}

/// A child's end, unless it takes too long.
fn reap(child: &mut Child) -> partools_os::Exit {
    let begun = Instant::now();
    loop {
        if let Some(exit) = child.try_reap() {
            return exit;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "child {} does not end",
            child.pid()
        );
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Sleeps until killed.
fn sleep_for_ever() -> i32 {
    loop {
        std::thread::sleep(PATIENCE);
    }
}
