//! `Threads`: the calling thread works, and helpers made for this map alone work beside it.

use crate::departure::Departures;
use partools_core::{Caller, Capabilities, Error, Executor, Run, Task, worker_count};
use std::thread::{Builder, Scope, ScopedJoinHandle};

/// Runs a map on threads of its own, which are started for the map and gone when it returns.
///
/// The calling thread is worker 0; helpers are called `partools-1`, `partools-2` and so on. There are as
/// many workers as [`workers`](Self::workers) says, else the environment variable `PARTOOLS_WORKERS`, else
/// as many as this process may use processors (affinity and cgroup quotas are respected); never more than
/// items. The number changes how long a map takes, never what it gives. Where the system will not start
/// as many threads, fewer work.
///
/// A helper, started and seen gone, costs a map some 40 µs (Linux 6.18, 2 processors, busy): a map of a few
/// cheap items is better off on [`Serial`](partools_core::Serial).
///
/// ```
/// use partools_core::over;
/// use partools_threads::Threads;
///
/// let squares = over(0..1000).map(|i| i * i).run(&Threads::new().workers(4))?;
/// assert_eq!(squares[30], 900);
/// # Ok::<(), partools_core::Error>(())
/// ```
///
/// # Errors
/// A map of at least one item is an error where 0 workers are asked for, or where `PARTOOLS_WORKERS` counts
/// and holds anything but a whole number of at least 1.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Threads {
    asked: Option<usize>,
}

impl Threads {
    /// As many workers as there are processors for this process, or as `PARTOOLS_WORKERS` says.
    pub fn new() -> Self {
        Self::default()
    }

    /// This many workers, the calling thread among them.
    ///
    /// ```
    /// use partools_core::over;
    /// use partools_threads::Threads;
    /// let who = over(0..1000).map_cx(|_, cx| cx.worker).run(&Threads::new().workers(2))?;
    /// assert!(who.iter().all(|&worker| worker < 2));
    /// assert!(over(0..1000).map(|i| i).run(&Threads::new().workers(0)).is_err());
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    pub fn workers(mut self, count: usize) -> Self {
        self.asked = Some(count);
        self
    }
}

impl<T> Executor<T> for Threads
where
    T: Task + Sync + ?Sized,
    T::Output: Send,
{
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("threads", worker_count(self.asked).unwrap_or(1))
    }

    fn execute(
        &self,
        task: &T,
        run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        let helpers = worker_count(self.asked)?.min(run.count()).saturating_sub(1);
        if helpers == 0 {
            caller.work(task);
            return Ok(());
        }
        // Dropped last, also by a callback that panics: behind the scope every helper was joined.
        let departures = &Departures::of(helpers);
        std::thread::scope(|scope| {
            let mut started = Helpers {
                run,
                joins: Vec::new(),
            };
            for number in 1..=helpers {
                let life = move || {
                    departures.note();
                    run.work(task, number);
                };
                match start(scope, number, life) {
                    Ok(join) => started.joins.push(join),
                    // The system has no thread for us now; those we have will do.
                    Err(_) => break,
                }
            }
            caller.work(task);
        });
        Ok(())
    }
}

fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    number: usize,
    life: impl FnOnce() + Send + 'scope,
) -> std::io::Result<ScopedJoinHandle<'scope, ()>> {
    Builder::new()
        .name(format!("partools-{number}"))
        .spawn_scoped(scope, life)
}

/// The helpers of a run, joined when this is dropped. The scope's own end would not do: it waits for their
/// closures, not for what their thread-local values do on the way out.
struct Helpers<'r, 'scope, O> {
    run: &'r Run<O>,
    joins: Vec<ScopedJoinHandle<'scope, ()>>,
}

impl<O> Drop for Helpers<'_, '_, O> {
    fn drop(&mut self) {
        // The calling thread unwinds, or the run is over already: nobody may wait for it to deliver.
        if std::thread::panicking() {
            self.run.stop();
        }
        for join in self.joins.drain(..) {
            // A helper that panicked has left its items unfinished, which the core finds.
            let _ = join.join();
        }
    }
}
