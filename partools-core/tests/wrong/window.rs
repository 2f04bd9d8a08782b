//! The window of `for_each`: it bounds what is held, and holds up nobody for ever.

use crate::{Scoped, within};
use partools_core::{Chunks, over};
use std::sync::atomic::{AtomicUsize, Ordering};

/// An output that knows how many of its kind there are.
struct Live<'c>(&'c AtomicUsize);

impl<'c> Live<'c> {
    /// One more; the most there ever were go to `most`.
    fn new(live: &'c AtomicUsize, most: &AtomicUsize) -> Self {
        let now = live.fetch_add(1, Ordering::SeqCst) + 1;
        most.fetch_max(now, Ordering::SeqCst);
        Live(live)
    }
}

impl Drop for Live<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The most outputs alive at once in a `for_each` whose callback is slow.
fn most_alive(workers: usize, window: usize, chunks: Chunks) -> usize {
    let (live, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let mut next = 0;
    over(0..2000)
        .window(window)
        .chunk(chunks)
        .map(|_| Live::new(&live, &most))
        .for_each(&Scoped(workers), |i, _output| {
            assert_eq!(i, next);
            next += 1;
            if i % 100 == 0 {
                std::thread::sleep(std::time::Duration::from_micros(200));
            }
        })
        .expect("it worked");
    assert_eq!((next, live.load(Ordering::SeqCst)), (2000, 0));
    most.into_inner()
}

#[test]
fn no_more_outputs_are_alive_than_the_window_has() {
    for workers in [1, 2, 8] {
        for window in [1, 2, 7, 64] {
            for chunks in [Chunks::Auto, Chunks::guided(), Chunks::of(1)] {
                let room = match chunks {
                    // A fixed chunk makes room for one of its kind per worker.
                    Chunks::Of(n) => window.max(n * workers),
                    _ => window,
                };
                let most = most_alive(workers, window, chunks);
                assert!(most <= room, "{most} with {workers}, {window}, {chunks:?}");
            }
        }
    }
}

#[test]
fn fixed_chunks_larger_than_the_window_make_room_for_one_each() {
    for workers in [1, 2, 8] {
        let most = most_alive(workers, 3, Chunks::of(50));
        assert!(most <= 50 * workers, "{most} with {workers}");
        let share = 2000_usize.div_ceil(4 * workers);
        let most = most_alive(workers, 3, Chunks::per_worker(4));
        assert!(most <= share * workers, "{most} with {workers}");
    }
}

#[test]
fn a_window_of_one_with_eight_workers_comes_to_an_end() {
    within(120, || {
        for round in 0..500 {
            let chunks = [Chunks::Auto, Chunks::guided(), Chunks::of(1), Chunks::of(3)][round % 4];
            let mut next = 0;
            over(0..40)
                .window(1)
                .chunk(chunks)
                .map(|i| i.to_string())
                .for_each(&Scoped(8), |i, output| {
                    assert_eq!((i, output), (next, next.to_string()));
                    next += 1;
                })
                .expect("it worked");
            assert_eq!(next, 40);
        }
    });
}

#[test]
fn a_callback_that_panics_sends_home_those_who_wait_for_the_window() {
    within(120, || {
        for round in 0..200 {
            let job = over(0..100).window(2).map(|i| i.to_string());
            let panic = std::panic::AssertUnwindSafe(|| {
                job.for_each(&Scoped(4), |i, _| assert_ne!(i, round % 100, "callback"))
            });
            std::panic::catch_unwind(panic).expect_err("the callback's");
        }
    });
}
