//! `Threads`: the calling thread works, and helpers that are kept from map to map work beside it.

use crate::crew::Crews;
use partools_core::{Caller, Capabilities, Error, Executor, Run, Task, worker_count};
use std::fmt;
use std::sync::Arc;

/// Runs a map on the calling thread and on threads of its own.
///
/// The calling thread is worker 0; helpers are called `partools-1`, `partools-2` and so on. There are as
/// many workers as [`workers`](Self::workers) says, else the environment variable `PARTOOLS_WORKERS`, else
/// as many as this process may use processors (affinity and cgroup quotas are respected); never more than
/// items. The number changes how long a map takes, never what it gives. Where the system will not start
/// as many threads, fewer work.
///
/// Helpers are started by the first map that needs them, and kept by this value and its clones until the last of them is
/// dropped; then they are gone, with what their thread-locals hold. Starting and ending one costs some 70 µs, so keep the
/// value where maps are small and many. Between maps they rest: one helper looks every 50 µs whether there is a map, for 2 ms
/// after the last one, then it sleeps as the others do; behind real work it stays awake for 50 µs, and comes at once. So a map of a few cheap items is done by the calling thread before anybody
/// comes, and costs no system call; one that turns out to be long has help within some 0.2 ms, at once where the work done so far
/// shows it. Maps that run at the same time, from several threads, have helpers of their own each.
///
/// Helpers have the affinity, the priority and the signal mask of the thread whose map started them, for good.
///
/// `Fork` runs beside helpers that rest: they hold no lock. A child that you fork yourself has none of them; its maps start
/// others.
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
#[derive(Clone, Default)]
#[must_use]
pub struct Threads {
    asked: Option<usize>,
    crews: Arc<Crews>,
}

impl Threads {
    /// As many workers as there are processors for this process, or as `PARTOOLS_WORKERS` says.
    pub fn new() -> Self {
        Self::default()
    }

    /// This many workers, the calling thread among them. Helpers that a clone keeps are left to it.
    ///
    /// ```
    /// use partools_core::over;
    /// use partools_threads::Threads;
    /// let who = over(0..1000).map_cx(|_, cx| cx.worker).run(&Threads::new().workers(2))?;
    /// assert!(who.iter().all(|&worker| worker < 2));
    /// assert!(over(0..1000).map(|i| i).run(&Threads::new().workers(0)).is_err());
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    pub fn workers(self, count: usize) -> Self {
        Threads {
            asked: Some(count),
            crews: Arc::default(),
        }
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threads")
            .field("asked", &self.asked)
            .finish_non_exhaustive()
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
        let part = |number| run.work(task, number);
        self.crews.play(helpers, &part, |call| {
            let _stop = StopOnUnwind(run);
            caller.work_and_call(task, call);
        });
        Ok(())
    }
}

/// The calling thread unwinds: nobody may wait for it to deliver.
struct StopOnUnwind<'r, O>(&'r Run<O>);

impl<O> Drop for StopOnUnwind<'_, O> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}
