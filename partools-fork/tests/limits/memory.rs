//! Workers that grow: past a limit, into what is to stay free, a little with each item.

use crate::trials;
use partools_core::{Cause, Chunks, ItemError, MemoryBound, over};
use partools_fork::{Fork, Limits};
use std::cell::Cell;
use std::hint::black_box;
use std::thread::sleep;
use std::time::{Duration, Instant};

trials![
    an_item_that_takes_too_much_memory_is_named_with_figures,
    memory_that_was_inherited_counts_when_it_is_written_and_not_before,
    an_item_that_allocates_without_end_is_stopped_in_time,
    what_earlier_items_left_behind_is_not_blamed_on_the_last_one,
    a_state_that_grows_too_large_is_the_error_of_the_map,
    the_last_worker_is_blamed_for_what_is_left,
    items_over_the_limit_are_named_one_and_all,
    a_worker_that_leaks_is_replaced_between_items,
    limits_of_nothing_are_refused,
    limits_beyond_reach_change_nothing,
];

const MB: usize = 1 << 20;

fn limited(workers: usize, limits: Limits) -> Fork {
    Fork::new().workers(workers).limits(limits)
}

/// Takes so many bytes, and touches them a little at a time, as code does that computes.
fn hoard(bytes: usize) -> Vec<u8> {
    let mut taken = Vec::with_capacity(bytes);
    while taken.len() < bytes {
        taken.resize(taken.len() + MB, 1);
    }
    black_box(taken)
}

/// The items that failed for their worker's memory, with what it had grown by; all others are as they should be.
fn hogs(results: &[Result<usize, ItemError>], limit: usize) -> Vec<(usize, u64)> {
    let mut hogs = Vec::new();
    for (i, result) in results.iter().enumerate() {
        match result {
            Ok(output) => assert_eq!(*output, i),
            Err(error) => match error.cause() {
                Cause::Memory {
                    grown,
                    bound: MemoryBound::Worker { limit: l },
                } if *l == limit as u64 && *grown >= limit as u64 => hogs.push((i, *grown)),
                _ => panic!("{error}"),
            },
        }
    }
    hogs
}

fn an_item_that_takes_too_much_memory_is_named_with_figures() {
    for workers in [1, 3] {
        let fork = limited(workers, Limits::new().memory(128 * MB as u64));
        let job = over(0..20).chunk(Chunks::of(4)).map(|i| {
            let taken = hoard(if i == 7 { 2000 * MB } else { 30 * MB });
            // Long enough to be looked at.
            sleep(Duration::from_millis(5));
            taken.len().min(1) * i
        });
        let hogs = hogs(&job.try_run(&fork).expect("a map"), 128 * MB);
        assert_eq!(hogs.iter().map(|hog| hog.0).collect::<Vec<_>>(), [7]);
        // It was stopped long before it had all.
        assert!(hogs[0].1 < 1000 * MB as u64, "{hogs:?}");
        let error = job.run(&fork).expect_err("item 7 cannot end");
        assert!(
            error
                .to_string()
                .starts_with("item 7 had its worker stopped, which had grown by"),
            "{error}"
        );
    }
}

fn memory_that_was_inherited_counts_when_it_is_written_and_not_before() {
    let inherited: Vec<Cell<u64>> = vec![Cell::new(1); 40 * MB]; // 320 MB
    let limit = 100 * MB;
    let fork = limited(2, Limits::new().memory(limit as u64));
    let job = over(0..6).chunk(Chunks::of(1)).map(|i| {
        match i {
            // Reads all of it, again and again.
            2 => {
                let sum = || inherited.iter().map(Cell::get).sum::<u64>();
                assert_eq!((0..5).map(|_| black_box(sum())).max(), Some(40 * MB as u64));
            }
            4 => {
                for (k, cell) in inherited.iter().enumerate() {
                    cell.set(2);
                    if k % MB == 0 {
                        sleep(Duration::from_millis(2));
                    }
                }
                sleep(Duration::from_secs(30));
            }
            _ => {}
        }
        i
    });
    let hogs = hogs(&job.try_run(&fork).expect("a map"), limit);
    assert_eq!(hogs.iter().map(|hog| hog.0).collect::<Vec<_>>(), [4]);
    assert!(inherited.iter().all(|cell| cell.get() == 1));
}

fn an_item_that_allocates_without_end_is_stopped_in_time() {
    let limit = 64 * MB;
    let fork = limited(2, Limits::new().memory(limit as u64));
    let job = over(0..8).chunk(Chunks::of(1)).map(|i| {
        let mut taken = Vec::new();
        if i == 5 {
            loop {
                taken.push(black_box(vec![1_u8; 4 * MB]));
            }
        }
        i
    });
    let begun = Instant::now();
    let hogs = hogs(&job.try_run(&fork).expect("a map"), limit);
    assert_eq!(hogs[0].0, 5);
    assert!(begun.elapsed() < Duration::from_secs(20));
}

fn what_earlier_items_left_behind_is_not_blamed_on_the_last_one() {
    // Each item leaves 40 MB; one more than the third is too much for a worker, and for no item alone.
    let fork = limited(1, Limits::new().memory(150 * MB as u64));
    let job = over(0..12).chunk(Chunks::of(12)).map(|i| {
        std::mem::forget(hoard(40 * MB));
        sleep(Duration::from_millis(60));
        i
    });
    let outputs = job.run(&fork).expect("nobody is to blame");
    assert!(outputs.into_iter().eq(0..12));
}

fn a_state_that_grows_too_large_is_the_error_of_the_map() {
    let fork = limited(2, Limits::new().memory(64 * MB as u64));
    let job = over(0..10)
        .state(|_| {
            let taken = hoard(1000 * MB);
            sleep(Duration::from_secs(30));
            taken
        })
        .map_cx(|i, _| i);
    let error = job.run(&fork).expect_err("there is no state");
    assert!(
        error.is_start() && error.to_string().contains("may grow by"),
        "{error}"
    );
}

/// How many bytes the machine has left.
fn available() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").expect("meminfo");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib: u64 = line
        .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse().ok())
        .expect("a number");
    kib << 10
}

/// Keeping a limit is no reason to give up, as it is where workers die by themselves.
fn items_over_the_limit_are_named_one_and_all() {
    let limit = 32 * MB;
    let fork = limited(2, Limits::new().memory(limit as u64));
    let job = over(0..12).respawns(3).chunk(Chunks::of(1)).map(|i| {
        let taken = hoard(2 * limit);
        sleep(Duration::from_secs(30));
        taken.len().min(1) * i
    });
    let hogs = hogs(&job.try_run(&fork).expect("a map"), limit);
    assert!(hogs.iter().map(|hog| hog.0).eq(0..12), "{hogs:?}");
}

fn the_last_worker_is_blamed_for_what_is_left() {
    // All but 500 MB of what this machine has is to stay free. What others take meanwhile only makes it less.
    let fork = limited(2, Limits::new().reserve(available() - 500 * MB as u64));
    let job = over(0..4).chunk(Chunks::of(1)).map(|i| {
        if i == 2 {
            let taken = hoard(3000 * MB);
            sleep(Duration::from_secs(30));
            return taken.len();
        }
        i
    });
    let results = job.try_run(&fork).expect("a map");
    for (i, result) in results.iter().enumerate() {
        match result {
            Ok(output) => assert_eq!(*output, i),
            Err(error) => {
                let is_reserve = |bound: &MemoryBound| matches!(bound, MemoryBound::Reserve { reserve, left } if left < reserve);
                assert!(
                    i == 2
                        && matches!(error.cause(), Cause::Memory { bound, .. } if is_reserve(bound)),
                    "{error}"
                );
            }
        }
    }
    assert!(results[2].is_err());
}

fn a_worker_that_leaks_is_replaced_between_items() {
    let fork = limited(2, Limits::new().recycle_at(100 * MB as u64));
    let job = over(0..20).chunk(Chunks::of(5)).map(|i| {
        std::mem::forget(hoard(30 * MB));
        // Looks are 10 ms apart.
        sleep(Duration::from_millis(12));
        let status = std::fs::read_to_string("/proc/self/status").expect("status");
        let own = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"))
            .expect("a line");
        let kib: usize = own
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .expect("a number");
        (i, std::process::id(), kib)
    });
    let outputs = job.run(&fork).expect("a map");
    assert!(outputs.iter().map(|output| output.0).eq(0..20));
    let workers: std::collections::BTreeSet<_> = outputs.iter().map(|output| output.1).collect();
    // Four items a worker: 20 items are five lives at least.
    assert!(workers.len() >= 5, "{outputs:?}");
    assert!(
        outputs.iter().all(|output| output.2 < 300 << 10),
        "{outputs:?}"
    );
}

fn limits_of_nothing_are_refused() {
    let calls = Cell::new(0);
    let job = over(0..3).map(|_| calls.set(calls.get() + 1));
    let zero = Duration::ZERO;
    for limits in [
        Limits::new().memory(0),
        Limits::new().cpu_time(zero),
        Limits::new().recycle_after(0),
        Limits::new().recycle_at(0),
    ] {
        let error = job
            .run(&limited(1, limits))
            .expect_err("nothing can be done");
        assert!(
            error.is_refused() && error.to_string().contains("fork refuses"),
            "{error}"
        );
    }
}

fn limits_beyond_reach_change_nothing() {
    let all = Limits::new()
        .memory(1 << 50)
        .reserve(1)
        .cpu_time(Duration::from_secs(3600))
        .recycle_after(1 << 40)
        .recycle_at(1 << 50)
        .nice(1)
        .pin();
    for workers in [1, 2, 5] {
        let job = over(0..3000).map(|i| i * 3);
        let outputs = job.run(&limited(workers, all.clone())).expect("a map");
        assert!(outputs.into_iter().eq((0..3000).map(|i| i * 3)));
        let mut next = 0;
        let each = job.for_each(&limited(workers, all.clone()), |i, _| {
            assert_eq!(i, next);
            next += 1;
        });
        each.expect("a stream");
        assert_eq!(next, 3000);
    }
}
