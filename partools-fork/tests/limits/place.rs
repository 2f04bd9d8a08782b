//! A worker's place: how long it serves, how nice it is, where it runs.

use crate::trials;
use partools_core::{Chunks, over};
use partools_fork::{Fork, Limits};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

trials![
    a_worker_is_replaced_after_so_many_items_whatever_the_chunks,
    a_replaced_worker_ends_cleanly,
    a_stream_goes_on_over_replaced_workers,
    workers_are_nicer_than_their_parent_and_it_stays_as_it_is,
    pinned_workers_keep_to_one_processor_each,
];

fn limited(workers: usize, limits: Limits) -> Fork {
    Fork::new().workers(workers).limits(limits)
}

fn a_worker_is_replaced_after_so_many_items_whatever_the_chunks() {
    for chunks in [
        Chunks::Auto,
        Chunks::of(1),
        Chunks::of(7),
        Chunks::of(100),
        Chunks::guided(),
    ] {
        for workers in [1, 3] {
            let job = over(0..60).chunk(chunks).map(|i| (i, std::process::id()));
            let outputs = job.run(&limited(workers, Limits::new().recycle_after(4)));
            let outputs = outputs.expect("a map");
            assert!(outputs.iter().map(|output| output.0).eq(0..60));
            let mut served = BTreeMap::new();
            for (_, worker) in outputs {
                *served.entry(worker).or_insert(0) += 1;
            }
            assert!(served.values().all(|&items| items <= 4), "{served:?}");
        }
    }
}

/// Its state is dropped, and what it printed is not lost.
fn a_replaced_worker_ends_cleanly() {
    struct Farewell(std::path::PathBuf);
    impl Drop for Farewell {
        fn drop(&mut self) {
            std::fs::write(self.0.join(std::process::id().to_string()), "").expect("written");
        }
    }
    let dir = tempfile::tempdir().expect("a directory");
    let job = over(0..10)
        .state(|_| Farewell(dir.path().to_owned()))
        .map_cx(|_, _| std::process::id());
    let outputs = job.run(&limited(2, Limits::new().recycle_after(2)));
    let workers: BTreeSet<_> = outputs.expect("a map").into_iter().collect();
    assert!(workers.len() >= 5);
    for worker in workers {
        assert!(
            dir.path().join(worker.to_string()).exists(),
            "{worker} did not drop its state"
        );
    }
}

fn a_stream_goes_on_over_replaced_workers() {
    let mut next = 0;
    let job = over(0..500).window(16).map(|i| i);
    let done = job.for_each(
        &limited(3, Limits::new().recycle_after(3)),
        |index, output| {
            assert_eq!((index, output), (next, next));
            next += 1;
        },
    );
    done.expect("a stream");
    assert_eq!(next, 500);
}

/// The niceness of this process.
fn niceness() -> i32 {
    // SAFETY: a plain question; -1 may be an answer, and is not expected here.
    unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }
}

fn workers_are_nicer_than_their_parent_and_it_stays_as_it_is() {
    let own = niceness();
    let seen = over(0..4)
        .map(|_| niceness())
        .run(&limited(2, Limits::new().nice(3)));
    assert_eq!(seen.expect("a map"), [(own + 3).min(19); 4]);
    assert_eq!(niceness(), own);
}

/// The processors that this process may use.
fn allowed() -> Vec<usize> {
    // SAFETY: all zeros are a set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: writes to the set that is passed, of this size.
    let asked = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set) };
    assert_eq!(asked, 0);
    let is_set = |cpu: &usize| {
        // SAFETY: below the size of a set.
        unsafe { libc::CPU_ISSET(*cpu, &set) }
    };
    (0..1024).filter(is_set).collect()
}

fn pinned_workers_keep_to_one_processor_each() {
    let ours = allowed();
    let job = over(0..40).chunk(Chunks::of(1)).map_cx(|_, cx| {
        std::thread::sleep(Duration::from_millis(1));
        (cx.worker, allowed())
    });
    let seen = job
        .run(&limited(ours.len() * 2, Limits::new().pin()))
        .expect("a map");
    let mut places = BTreeMap::new();
    for (worker, cpus) in seen {
        assert!(cpus.len() == 1 && ours.contains(&cpus[0]), "{cpus:?}");
        assert_eq!(*places.entry(worker).or_insert(cpus[0]), cpus[0]);
    }
    // As many neighbours as processors share none.
    for (worker, cpu) in &places {
        let near = (worker + 1)..(worker + ours.len());
        assert!(
            near.filter_map(|other| places.get(&other))
                .all(|other| other != cpu),
            "{places:?}"
        );
    }
    assert_eq!(allowed(), ours);
}
