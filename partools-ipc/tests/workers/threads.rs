//! Several threads, one pool.

use super::Trials;
use partools_core::{Chunks, over};
use partools_ipc::Ipc;
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

pub(super) fn all() -> Trials {
    vec![
        ("fifty_maps_of_fifty_threads_share_two_workers", fifty),
        ("a_short_map_does_not_wait_for_a_long_one", short_and_long),
        ("a_map_in_the_callback_of_another_does_not_hang", nested),
        ("threads_of_a_rayon_pool_share_two_workers", rayon_pool),
    ]
}

fn fifty() {
    let ipc = Ipc::new().workers(2);
    let seen = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for thread in 0..50_usize {
            let (ipc, seen) = (&ipc, &seen);
            scope.spawn(move || {
                let items: Vec<usize> = (0..200).map(|i| i * thread).collect();
                let job = over(&items).map(|item| (item + 1, std::process::id()));
                let results = job.run(ipc).unwrap();
                let outputs = results.iter().map(|result| result.0);
                assert!(outputs.eq(items.iter().map(|item| item + 1)));
                seen.lock()
                    .unwrap()
                    .extend(results.iter().map(|result| result.1));
            });
        }
    });
    let seen = seen.into_inner().unwrap();
    assert!(seen.len() <= 2, "{seen:?}");
}

fn short_and_long() {
    let ipc = Ipc::new().workers(2);
    std::thread::scope(|scope| {
        let long = scope.spawn(|| {
            let job = over(0..1000).chunk(Chunks::of(1)).map(|_| {
                std::thread::sleep(Duration::from_millis(3));
            });
            job.run(&ipc).unwrap();
            Instant::now()
        });
        std::thread::sleep(Duration::from_millis(100));
        for _ in 0..3 {
            assert_eq!(over(0..10).map(|i| i).run(&ipc).unwrap().len(), 10);
        }
        let short_ended = Instant::now();
        assert!(
            short_ended < long.join().unwrap(),
            "it waited for the end of the long one"
        );
    });
}

fn nested() {
    let ipc = Ipc::new().workers(2);
    let mut sums = Vec::new();
    let job = over(0..20).map(|i| i);
    let delivered = job.for_each(&ipc, |_, i| {
        sums.push(
            over(0..i)
                .map(|i| i)
                .run(&ipc)
                .unwrap()
                .iter()
                .sum::<usize>(),
        );
    });
    delivered.unwrap();
    let expected: Vec<usize> = (0..20).map(|i| (0..i).sum()).collect();
    assert_eq!(sums, expected);
}

fn rayon_pool() {
    let ipc = Ipc::new().workers(2);
    let numbers: Vec<u64> = (0..10_000).collect();
    let published = ipc.publish(&numbers).unwrap();
    // Each thread of the pool waits for a map of its own, and the pool goes on.
    let sums: Vec<u64> = (0..40_usize)
        .into_par_iter()
        .map(|step| {
            let places: Vec<usize> = (0..100).map(|i| i * step).collect();
            let job = over(&places).shared(&published);
            let job = job.map(|place, numbers| numbers[*place]);
            job.run(&ipc).unwrap().into_iter().sum()
        })
        .collect();
    let expected = (0..40).map(|step| step * 99 * 50);
    assert!(sums.into_iter().eq(expected));
}
