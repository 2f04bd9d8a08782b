//! The interleavings of cursor, workers and caller, explored by shuttle: a random scheduler and PCT, some
//! thousand schedules of each case. A deadlock is a failure that prints the schedule.
//!
//! ```text
//! RUSTFLAGS="--cfg partools_model" cargo test -p partools-core --test model --release
//! ```
//!
//! Without that cfg this file is empty: the core has the standard library's locks then. Shuttle's memory is
//! sequentially consistent, so this says nothing of the orderings of atomics, and it does not watch the slots.

#![cfg(partools_model)]

use partools_core::{
    Caller, Capabilities, Chunks, Error, Executor, Failed, Job, Pace, Plan, Run, Span, StartError,
    Task, Writer, over,
};
use shuttle::sync::atomic::AtomicU64;
use shuttle::thread::{scope, yield_now};

/// Explores `f`.
fn explore(f: fn()) {
    shuttle::check_random(f, 4000);
    shuttle::check_pct(f, 4000, 3);
}

/// The caller and two helpers, all of them workers.
struct Three;

impl<T: Task + Sync> Executor<T> for Three
where
    T::Output: Send,
{
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("three", 3)
    }
    fn execute(
        &self,
        task: &T,
        run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        scope(|s| {
            for worker in 1..3 {
                s.spawn(move || run.work(task, worker));
            }
            caller.work(task);
        });
        Ok(())
    }
}

/// An executor that does what a function says.
struct Doing<O>(fn(&Run<O>, &mut Caller<'_, O>, &dyn Fn(&mut Caller<'_, O>)));

impl<T: Task> Executor<T> for Doing<T::Output> {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("doing", 2)
    }
    fn execute(
        &self,
        task: &T,
        run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        (self.0)(run, caller, &|caller| caller.work(task));
        Ok(())
    }
}

fn count(items: usize, chunks: Chunks) -> Job<impl Task<Output = usize> + Sync> {
    over(0..items).chunk(chunks).map(|i| {
        yield_now();
        i
    })
}

fn is_counted(outputs: Result<Vec<usize>, Error>, items: usize) {
    assert_eq!(outputs.expect("it worked"), (0..items).collect::<Vec<_>>());
}

/// Delivers to nobody but the order.
fn stream<T: Task<Output = usize>>(job: &Job<T>, on: &impl Executor<T>, items: usize) {
    let mut next = 0;
    job.for_each(on, |i, output| {
        assert_eq!((i, output), (next, next));
        next += 1;
    })
    .expect("it worked");
    assert_eq!(next, items);
}

#[test]
fn a_cursor_elsewhere_gives_every_index_once() {
    explore(|| {
        let remote = Doing(|run, caller, _| {
            let cursor = AtomicU64::new(0);
            scope(|s| {
                for _ in 0..3 {
                    s.spawn(|| {
                        while let Some(range) =
                            run.schedule().claim(&cursor, run.count(), &Pace::new())
                        {
                            let mut chunk = run.admit(range).expect("claimed once");
                            chunk.range().for_each(|i| chunk.push(i).expect("room"));
                        }
                    });
                }
                while caller.wait() {}
            });
        });
        is_counted(count(7, Chunks::of(2)).run(&remote), 7);
    });
}

#[test]
fn a_collected_map_is_whole_and_in_order() {
    explore(|| {
        is_counted(count(5, Chunks::of(2)).run(&Three), 5);
        is_counted(count(5, Chunks::guided()).run(&Three), 5);
    });
}

#[test]
fn a_streamed_map_goes_through_a_window_smaller_than_itself() {
    explore(|| {
        let window = |items| Plan::new().window(items).chunk(Chunks::of(1));
        // (The window makes room for a chunk for each of the three workers.)
        stream(&count(7, Chunks::Auto).plan(window(1)), &Three, 7);
        stream(
            &count(7, Chunks::Auto).plan(window(2).chunk(Chunks::guided())),
            &Three,
            7,
        );
    });
}

/// Claims and fills until nothing is left.
fn serve(run: &Run<usize>) {
    while let Some(mut chunk) = run.claim() {
        chunk.range().for_each(|i| chunk.push(i).expect("room"));
    }
}

#[test]
fn a_caller_that_only_waits_is_woken_for_all_there_is() {
    explore(|| {
        let one_serves = Doing(|run, caller, _| {
            scope(|s| {
                s.spawn(|| serve(run));
                while caller.wait() {}
            });
        });
        let two_serve = Doing(|run, caller, _| {
            scope(|s| {
                s.spawn(|| serve(run));
                s.spawn(|| serve(run));
                while caller.wait() {}
            });
        });
        let job = || count(6, Chunks::Auto).plan(Plan::new().window(2).chunk(Chunks::guided()));
        for on in [one_serves, two_serve] {
            stream(&job(), &on, 6);
            is_counted(job().run(&on), 6);
        }
    });
}

/// Six items: 2 and 4 fail.
struct Failing;

impl Task for Failing {
    type State = ();
    type Output = usize;
    fn count(&self) -> usize {
        6
    }
    fn start(&self, _: usize) -> Result<(), StartError> {
        Ok(())
    }
    fn call_chunk(&self, _: &mut (), span: &Span, out: &mut Writer<'_, usize>) {
        for i in span.range() {
            yield_now();
            if i == 2 || i == 4 {
                return;
            }
            out.push(i);
        }
    }
}

#[test]
fn the_lowest_failure_wins_while_others_are_in_flight() {
    explore(|| {
        let job = Job::new(Failing).plan(Plan::new().chunk(Chunks::of(1)).window(2));
        let lowest = |error: Error| assert_eq!(error.item().map(|e| e.index()), Some(2), "{error}");
        lowest(job.run(&Three).expect_err("2 fails"));
        let mut next = 0;
        let streamed = job.for_each(&Three, |i, _| {
            assert_eq!(i, next);
            next += 1;
        });
        lowest(streamed.expect_err("2 fails"));
        assert_eq!(next, 2);
        let result = over(0..6)
            .chunk(Chunks::of(1))
            .map(|i| {
                yield_now();
                if i == 2 || i == 4 { Err(i) } else { Ok(i) }
            })
            .run_ok(&Three);
        assert!(matches!(result, Err(Failed::Item { index: 2, error: 2 })));
    });
}

/// A callback that panics stops the run while it unwinds. Shuttle's locks do not bear a task that unwinds
/// while another runs (all tasks share a thread, and so `std::thread::panicking`), so here the caller stops
/// the run by the same door without unwinding; the panic itself is in `wrong/window.rs`, on real threads.
#[test]
fn a_caller_that_stops_ends_those_who_work_and_those_who_wait() {
    explore(|| {
        let stops = Doing(|run, caller, _| {
            scope(|s| {
                s.spawn(|| serve(run));
                s.spawn(|| serve(run));
                caller.wait();
                caller.deliver();
                run.abort(Error::executor("the callback panicked"));
                assert!(!caller.deliver() && !caller.wait());
            });
        });
        let job = count(20, Chunks::Auto).plan(Plan::new().window(2).chunk(Chunks::guided()));
        let error = job.for_each(&stops, |_, _| {}).expect_err("stopped");
        assert_eq!(error.to_string(), "the callback panicked");
    });
}

#[test]
fn what_a_helper_leaves_is_done_by_the_caller() {
    explore(|| {
        let leaves = Doing(|run, caller, work| {
            scope(|s| {
                s.spawn(|| {
                    if let Some(mut chunk) = run.claim() {
                        yield_now();
                        let first = chunk.position();
                        chunk.push(first).expect("room");
                        // Dropped with an item to go, and nobody else comes to claim.
                    }
                });
                work(caller);
            });
        });
        is_counted(count(5, Chunks::of(2)).run(&leaves), 5);
        let window = Plan::new().window(2).chunk(Chunks::of(2));
        stream(&count(7, Chunks::Auto).plan(window), &leaves, 7);
    });
}

#[test]
fn a_caller_whose_helper_is_done_and_gone_goes_on_alone() {
    explore(|| {
        let leaves = Doing(|run, caller, work| {
            let mut first = run.claim().expect("the first chunk");
            scope(|s| {
                s.spawn(move || {
                    yield_now();
                    first.range().for_each(|i| first.push(i).expect("room"));
                    // It held up the window; when the caller has delivered it, only the caller can claim.
                });
                work(caller);
            });
        });
        let window = Plan::new().window(2).chunk(Chunks::of(1));
        stream(&count(7, Chunks::Auto).plan(window), &leaves, 7);
    });
}

#[test]
fn a_gap_reclaimed_on_another_thread_wakes_the_caller() {
    explore(|| {
        let remote = Doing(|run, caller, work| {
            run.claims_elsewhere();
            scope(|s| {
                s.spawn(|| run.reclaim());
                work(caller);
            });
        });
        is_counted(count(5, Chunks::of(1)).run(&remote), 5);
    });
}

#[test]
fn a_start_that_fails_in_a_helper_wakes_the_sleeping_caller() {
    explore(|| {
        struct Waits;
        impl<T: Task + Sync> Executor<T> for Waits
        where
            T::Output: Send,
        {
            fn capabilities(&self) -> Capabilities {
                Capabilities::new("waits", 2)
            }
            fn execute(
                &self,
                task: &T,
                run: &Run<T::Output>,
                caller: &mut Caller<'_, T::Output>,
            ) -> Result<(), Error> {
                scope(|s| {
                    s.spawn(|| run.work(task, 1));
                    s.spawn(|| run.work(task, 2));
                    while caller.wait() {}
                });
                Ok(())
            }
        }
        let job = || {
            over(0..5)
                .chunk(Chunks::of(1))
                .window(2)
                .try_state(|worker| match worker {
                    1 => Err("no licence"),
                    _ => Ok(()),
                })
                .map_cx(|i, _| {
                    yield_now();
                    i
                })
        };
        // Worker 2 may have done all of it before worker 1 comes for its first item.
        match job().run(&Waits) {
            Ok(outputs) => assert_eq!(outputs, [0, 1, 2, 3, 4]),
            Err(error) => assert!(error.is_start(), "{error}"),
        }
        if let Err(error) = job().for_each(&Waits, |_, _| {}) {
            assert!(error.is_start(), "{error}");
        }
    });
}

#[test]
fn a_map_inside_an_item_runs_on_that_worker() {
    explore(|| {
        let sums = over(0..3).chunk(Chunks::of(1)).map(|i| {
            yield_now();
            let inner = over(0..i).map(|j| j).run(&Three).expect("it worked");
            inner.len()
        });
        is_counted(sums.run(&Three), 3);
    });
}
