//! `Rayon` in every position to its pool: outside, inside, nested, and where the pool is busy or items and
//! callbacks call into rayon themselves. Each case ends, or the watch ends the process.

use partools_core::{Chunks, over};
use partools_threads::Rayon;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, mpsc};
use std::time::Duration;

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("threads")
}

/// Runs `case` on a thread of its own; a case that has not ended within 20 seconds hangs.
fn ends(case: impl FnOnce() + Send + 'static) {
    let (done, end) = mpsc::channel();
    let thread = std::thread::Builder::new().spawn(move || {
        case();
        let _ = done.send(());
    });
    match end.recv_timeout(Duration::from_secs(20)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        _ => thread.expect("a thread").join().expect("the case holds"),
    }
}

#[test]
fn outputs_come_in_order_from_the_global_pool_and_from_any_pool() {
    let expected: Vec<usize> = (0..10_000).map(|i| i * 3).collect();
    let job = over(0..10_000).map(|i| i * 3);
    assert_eq!(job.run(&Rayon::new()).expect("a map"), expected);
    for threads in [1, 2, 5] {
        let pool = pool(threads);
        assert_eq!(
            job.run(&Rayon::in_pool(&pool)).expect("a map"),
            expected,
            "from outside"
        );
        let inside = pool.install(|| job.run(&Rayon::new()));
        assert_eq!(inside.expect("a map"), expected, "from inside");
        let other = self::pool(2);
        let between = other.install(|| job.run(&Rayon::in_pool(&pool)));
        assert_eq!(between.expect("a map"), expected, "from another pool");
    }
}

#[test]
fn all_workers_of_a_pool_work_at_once_with_the_caller_among_them() {
    ends(|| {
        let (pool, barrier) = (pool(3), Barrier::new(3));
        let thread = |_| {
            barrier.wait();
            std::thread::current().id()
        };
        let threads = over(0..3)
            .map(thread)
            .run(&Rayon::in_pool(&pool))
            .expect("a map");
        assert!(threads.contains(&std::thread::current().id()));
        assert_eq!(
            threads
                .iter()
                .map(|id| format!("{id:?}"))
                .collect::<BTreeSet<_>>()
                .len(),
            3
        );
    });
}

#[test]
fn from_inside_every_item_runs_in_the_pool() {
    let pool = pool(2);
    let in_pool = |_| rayon::current_thread_index().is_some();
    let all = pool
        .install(|| over(0..1_000).map(in_pool).run(&Rayon::new()))
        .expect("a map");
    assert!(all.into_iter().all(|inside| inside));
}

#[test]
fn a_nested_map_ends_with_the_same_result() {
    ends(|| {
        let pool = pool(2);
        let inner = |i| {
            over(0..i)
                .map(|k| k)
                .run(&Rayon::new())
                .map_or(0, |v| v.len())
        };
        let lengths = over(0..50)
            .map(inner)
            .run(&Rayon::in_pool(&pool))
            .expect("a map");
        assert_eq!(lengths, (0..50).collect::<Vec<_>>());
    });
}

#[test]
fn from_inside_a_pool_that_is_all_busy_the_caller_does_it_alone() {
    ends(|| {
        let pool = pool(2);
        let (release, blocked) = mpsc::channel::<()>();
        pool.spawn(move || blocked.recv().unwrap_or_default());
        let sum = pool.install(|| over(0..100).map(|i| i).run(&Rayon::new()));
        assert_eq!(sum.expect("a map").len(), 100);
        drop(release);
    });
}

#[test]
fn items_that_run_other_jobs_of_their_pool_do_not_hang_a_for_each() {
    ends(|| {
        // The helper's job waits in the caller's own queue (the other thread is blocked), and the first
        // item takes it up from there: a worker on top of a worker, if nobody minds.
        let pool = pool(2);
        let (release, blocked) = mpsc::channel::<()>();
        let (begun, begin) = mpsc::channel();
        pool.spawn(move || {
            let _ = begun.send(());
            blocked.recv().unwrap_or_default();
        });
        begin.recv().expect("the thread is blocked");
        let mut delivered = Vec::new();
        pool.install(|| {
            let job = over(0..20).window(1).chunk(Chunks::of(1)).map(|i| {
                rayon::yield_now();
                i
            });
            job.for_each(&Rayon::new(), |index, _| delivered.push(index))
        })
        .expect("a map");
        assert_eq!(delivered, (0..20).collect::<Vec<_>>());
        drop(release);
    });
}

#[test]
fn callbacks_that_call_into_the_pool_do_not_hang_where_several_maps_stream() {
    ends(|| {
        // Two callers outside a pool of two: two helpers, who sleep while the callbacks wait for the pool.
        let (pool, delivered) = (&pool(2), &AtomicUsize::new(0));
        let job = || over(0..50).window(2).chunk(Chunks::of(1)).map(|i| i);
        let callback = |_, _| {
            std::thread::sleep(Duration::from_millis(2));
            pool.install(|| delivered.fetch_add(1, Ordering::Relaxed));
        };
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    job()
                        .for_each(&Rayon::in_pool(pool), callback)
                        .expect("a map")
                });
            }
        });
        assert_eq!(delivered.load(Ordering::Relaxed), 100);
    });
}

#[test]
fn a_callback_that_panics_leaves_the_pool_usable() {
    ends(|| {
        let pool = pool(2);
        let job = over(0..100).window(4).map(|i| i);
        for _ in 0..50 {
            let run = || {
                job.for_each(&Rayon::in_pool(&pool), |_, _| {
                    std::panic::resume_unwind(Box::new(7))
                })
            };
            let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
            assert_eq!(unwound.expect_err("it panics").downcast_ref(), Some(&7));
        }
        assert_eq!(job.run(&Rayon::in_pool(&pool)).expect("a map").len(), 100);
    });
}

#[test]
fn a_pool_is_as_it_was_after_2000_maps() {
    let pool = pool(2);
    let ids = || pool.broadcast(|_| std::thread::current().id());
    let before = ids();
    for _ in 0..2_000 {
        over(0..10)
            .map(|i| i)
            .run(&Rayon::in_pool(&pool))
            .expect("a map");
    }
    assert_eq!(ids(), before);
}
