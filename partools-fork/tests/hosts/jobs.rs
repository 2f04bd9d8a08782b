//! The maps that every strange host must get right.

use partools_conformance::leaks::Snapshot;
use partools_core::{Cause, Chunks, ItemError, over};
use partools_fork::Fork;
use std::time::Duration;

/// So many maps must every strange host get right.
pub(crate) const MAPS: usize = 200;

/// What is known of how a child died.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Causes {
    /// All of it.
    Told,
    /// Somebody else was told.
    Unknown,
}

/// [`MAPS`] maps of all kinds, on 1 to `workers` workers; after each nothing is left.
pub(crate) fn two_hundred(workers: usize, causes: Causes) {
    let before = Snapshot::take();
    two_hundred_with(workers, causes, || before.assert_unchanged());
}

/// As [`two_hundred`], for hosts that look by themselves what is left.
pub(crate) fn two_hundred_with(workers: usize, causes: Causes, nothing_is_left: impl Fn()) {
    for round in 0..MAPS {
        let workers = 1 + round % workers;
        match round % 8 {
            3 | 5 => crashing(workers, causes),
            // Each takes as long as its limit.
            7 if round % 40 == 39 => late(workers),
            7 => streaming(workers),
            _ => sound(workers),
        }
        nothing_is_left();
    }
}

/// All that must work: a sound map, crashes, a late item, a stream; and nothing is left.
pub(crate) fn all(workers: usize, causes: Causes) {
    let before = Snapshot::take();
    sound(workers);
    crashing(workers, causes);
    late(workers);
    streaming(workers);
    before.assert_unchanged();
}

pub(crate) fn sound(workers: usize) {
    let squares = over(0..500)
        .chunk(Chunks::of(3))
        .map(|i| i * i)
        .run(&Fork::new().workers(workers))
        .expect("a map");
    assert!(squares.into_iter().eq((0..500).map(|i| i * i)));
}

pub(crate) fn crashing(workers: usize, causes: Causes) {
    let map = over(0..200).map(|i| {
        match i {
            37 => std::process::abort(),
            73 => kill_self(libc::SIGKILL),
            111 => exit(3),
            _ => {}
        }
        i
    });
    let results = map.try_run(&Fork::new().workers(workers)).expect("a map");
    for (i, result) in results.iter().enumerate() {
        let expected = match i {
            37 => "SIGABRT",
            73 => "SIGKILL",
            111 => "exit code 3",
            _ => {
                assert_eq!(result.as_ref().ok(), Some(&i), "{result:?}");
                continue;
            }
        };
        let error = result.as_ref().expect_err("it cannot have finished");
        assert_eq!(error.index(), i);
        assert_eq!(
            name(error),
            if causes == Causes::Told {
                expected
            } else {
                "lost"
            }
        );
    }
}

pub(crate) fn late(workers: usize) {
    let limit = Duration::from_millis(150);
    let map = over(0..20)
        .chunk(Chunks::of(2))
        .item_timeout(limit)
        .map(|i| {
            if i == 5 {
                std::thread::sleep(Duration::from_secs(60));
            }
            i
        });
    let results = map.try_run(&Fork::new().workers(workers)).expect("a map");
    for (i, result) in results.iter().enumerate() {
        match result {
            Ok(x) => assert!(*x == i && i != 5),
            Err(error) => {
                let is_late = matches!(error.cause(), Cause::TimedOut { limit: l, ran } if *l == limit && *ran >= limit);
                assert!(i == 5 && is_late, "{error}");
            }
        }
    }
}

pub(crate) fn streaming(workers: usize) {
    let mut next = 0;
    over(0..2000)
        .window(64)
        .map(|i| i * 3)
        .for_each(&Fork::new().workers(workers), |i, x| {
            assert_eq!((i, x), (next, next * 3));
            next += 1;
        })
        .expect("a stream");
    assert_eq!(next, 2000);
}

/// The cause in a word.
pub(crate) fn name(error: &ItemError) -> String {
    match error.cause() {
        Cause::Killed { name, .. } => name.clone(),
        Cause::Exited { code } => format!("exit code {code}"),
        Cause::Lost { .. } => "lost".to_owned(),
        other => format!("{other:?}"),
    }
}

pub(crate) fn kill_self(signal: i32) {
    // SAFETY: a signal to this very process.
    unsafe { libc::raise(signal) };
}

#[expect(
    clippy::disallowed_methods,
    reason = "an item that ends its process is what is tested"
)]
pub(crate) fn exit(code: i32) -> ! {
    std::process::exit(code)
}
