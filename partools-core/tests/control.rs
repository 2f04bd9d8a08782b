//! Cancelling and deadlines, as far as they are the core's: who sleeps wakes up to look, who works looks often enough,
//! and what had failed before is still told. What every executor must keep is in `partools-conformance` (C12).

use partools_core::{
    Caller, CancelToken, Capabilities, Cause, Error, Executor, ItemError, MemoryBound, Run, Serial,
    Task, over,
};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// An executor that does what a function says, and no work.
struct Doing(fn(&Run<usize>, &mut Caller<'_, usize>));

impl<T: Task<Output = usize>> Executor<T> for Doing {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("doing", 2)
    }
    fn execute(
        &self,
        _: &T,
        run: &Run<usize>,
        caller: &mut Caller<'_, usize>,
    ) -> Result<(), Error> {
        (self.0)(run, caller);
        Ok(())
    }
}

/// On scoped threads; as in the documentation of [`Executor`].
struct Scoped(usize);

impl<T: Task + Sync> Executor<T> for Scoped
where
    T::Output: Send,
{
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("scoped", self.0)
    }
    fn execute(
        &self,
        task: &T,
        run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        thread::scope(|s| {
            for worker in 1..self.0 {
                s.spawn(move || run.work(task, worker));
            }
            caller.work(task);
        });
        Ok(())
    }
}

/// From the cancel, by another thread, to the end of a map that sleeps.
fn wakes_after(on: &Doing) -> Duration {
    let token = CancelToken::new();
    let job = over(0..100).window(2).cancel(&token).map(|i| i);
    thread::scope(|s| {
        let cancels = s.spawn(|| {
            thread::sleep(Duration::from_millis(10));
            token.cancel();
            Instant::now()
        });
        let result = job.for_each(on, |_, _| {});
        let ended = Instant::now();
        assert!(result.expect_err("it was cancelled").is_cancelled());
        ended - cancels.join().expect("it cancels")
    })
}

/// The best of some tries: a busy machine makes any of them slow, but not all.
fn fastest(on: &Doing) -> Duration {
    (0..20).map(|_| wakes_after(on)).min().expect("20 tries")
}

#[test]
fn a_caller_that_sleeps_wakes_within_milliseconds() {
    let waits = Doing(|_, caller| while caller.wait() {});
    assert!(fastest(&waits) < Duration::from_millis(20));
}

#[test]
fn a_helper_that_sleeps_in_a_claim_wakes_within_milliseconds() {
    // Nobody moves the window.
    let claims = Doing(|run, _| {
        let mut held = Vec::new();
        while let Some(chunk) = run.claim() {
            held.push(chunk);
        }
    });
    assert!(fastest(&claims) < Duration::from_millis(20));
}

#[test]
fn a_caller_that_sleeps_wakes_at_the_deadline() {
    let waits = Doing(|_, caller| while caller.wait() {});
    let job = over(0..100).deadline(Duration::from_millis(30)).map(|i| i);
    let took = (0..5).map(|_| {
        let begun = Instant::now();
        assert!(job.run(&waits).expect_err("nobody works").is_deadline());
        begun.elapsed()
    });
    let fastest = took.min().expect("5 tries");
    assert!(fastest >= Duration::from_millis(30));
    assert!(fastest < Duration::from_millis(50), "{fastest:?}");
}

#[test]
fn behind_cheap_items_at_most_32_are_called_after_a_cancel() {
    for workers in [1, 3] {
        let (token, late) = (CancelToken::new(), AtomicUsize::new(0));
        let job = over(0..1_000_000).cancel(&token).map(|i| {
            if i == 500_000 {
                token.cancel();
            } else if token.is_cancelled() {
                late.fetch_add(1, Relaxed);
            }
        });
        let error = job.run(&Scoped(workers)).expect_err("it was cancelled");
        assert!(error.is_cancelled(), "{error}");
        let late = late.into_inner();
        assert!(late < 32 * workers, "{late} with {workers}");
    }
}

#[test]
fn a_failure_below_which_all_is_done_is_the_error_also_of_a_map_cancelled_then() {
    let token = CancelToken::new();
    let job = over(0..100).cancel(&token).map(|i| {
        if i == 7 {
            token.cancel();
            panic!("item 7 gives up");
        }
    });
    let error = job.run(&Serial).expect_err("it failed");
    assert_eq!(error.item().map(|item| item.index()), Some(7), "{error}");
}

#[test]
fn the_error_says_how_much_was_done() {
    let token = CancelToken::new();
    let job = over(0..100).cancel(&token).map(|i| {
        if i == 2 {
            token.cancel();
        }
    });
    let error = job.run(&Serial).expect_err("it was cancelled").to_string();
    assert!(error.starts_with("the map was cancelled when "), "{error}");
    assert!(
        error.contains(" of 100 items were done; try_run "),
        "{error}"
    );
}

#[test]
fn a_map_that_was_complete_before_the_cancel_is_no_error() {
    let token = CancelToken::new();
    let job = over(0..10).cancel(&token).map(|i| {
        if i == 9 {
            token.cancel();
        }
        i
    });
    assert_eq!(job.run(&Serial).expect("all is done").len(), 10);
    // What was delivered before counts; and what is ready is not delivered any more.
    let token = CancelToken::new();
    let job = over(0..10).cancel(&token).map(|i| i);
    let last = job.for_each(&Serial, |i, _| {
        if i == 9 {
            token.cancel()
        }
    });
    last.expect("all was delivered");
}

#[test]
fn outputs_that_an_executor_never_delivers_are_an_error() {
    let hoards = Doing(|run, _| {
        while let Some(mut chunk) = run.try_claim() {
            while chunk.push(0).is_ok() {}
        }
    });
    let mut delivered = 0;
    let job = over(0..10).map(|i| i);
    let result = job.for_each(&hoards, |_, _| delivered += 1);
    let error = result.expect_err("nothing was delivered").to_string();
    assert_eq!(delivered, 0);
    assert!(
        error.contains("returned before items 0..10 were done"),
        "{error}"
    );
}

#[test]
fn workers_that_are_killed_for_a_limit_are_no_reason_to_give_up() {
    let second = Duration::from_secs(1);
    let by_limit: [fn(Duration) -> Cause; 3] = [
        |time| Cause::TimedOut {
            limit: time,
            ran: time,
        },
        |time| Cause::CpuTime {
            limit: time,
            used: time,
        },
        |_| Cause::Memory {
            grown: 2000,
            bound: MemoryBound::Worker { limit: 1000 },
        },
    ];
    for cause in by_limit {
        let results = over(0..20).respawns(3).map(|i| i);
        let results = results.try_run(&Losing(&|| cause(second)));
        let named = |result: &Result<usize, _>| {
            let failure: Option<&ItemError> = result.as_ref().err();
            failure.is_some_and(|failure| *failure.cause() == cause(second))
        };
        assert!(results.expect("it ran").iter().all(named));
    }
    let results = over(0..20).respawns(3).map(|i| i);
    let results = results.try_run(&Losing(&|| Cause::Exited { code: 1 }));
    let spared = |result: &Result<usize, ItemError>| {
        let cause = result.as_ref().map_err(ItemError::cause);
        matches!(cause, Err(Cause::NotRun { .. }))
    };
    let spared = results
        .expect("it ran")
        .iter()
        .filter(|r| spared(r))
        .count();
    assert_eq!(spared, 16);
}

/// Loses a worker at each item, for this cause.
struct Losing<'c>(&'c dyn Fn() -> Cause);

impl<T: Task> Executor<T> for Losing<'_> {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("losing", 1)
    }
    fn execute(
        &self,
        _: &T,
        run: &Run<T::Output>,
        _: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        while let Some(chunk) = run.try_claim() {
            chunk.lost((self.0)());
        }
        Ok(())
    }
}
