//! `Ipc`, the executor: its options, and what it checks before the first worker is started.

use crate::crew::Crew;
use crate::pool::Pool;
use crate::terms::Terms;
use partools_core::{
    Caller, Capabilities, Error, Executor, Portable, PortableTask, Remote, Run, StartError,
    worker_count,
};
use partools_os::{Capture, Limits};
use std::cell::Cell;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const NAME: &str = "ipc";

thread_local! {
    /// A map of an `Ipc` is under way on this thread: what starts now was started by its callback.
    static UNDER_WAY: Cell<bool> = const { Cell::new(false) };
}

/// Runs items in worker processes that are this executable, started again, and kept from map to map. The program calls
/// [`init`](crate::init) first in `main`.
///
/// Unlike forked children, workers may be started beside any threads: by a server, under a runtime, from several threads at
/// once. The shared argument is laid out once for each map, in sealed memory that all workers map for reading; what lies in a
/// `SharedVec` or a `MappedSlice` is not copied even once. The closure is a [portable](PortableTask) one: it captures nothing.
///
/// Workers are started when a map first needs them, and are there for the next one; a worker that dies is replaced. Clones
/// share their workers; when the last clone is dropped, and however this process ends, they are gone.
///
/// An item may crash, abort, exit or be killed: its failure is named, the other items complete. One that is not needed any more
/// (an item below it failed, or the map was cancelled) has 100 ms to end by itself; then its worker is killed.
///
/// ```standalone_crate
/// use partools_core::over;
/// use partools_ipc::Ipc;
///
/// fn main() -> Result<(), partools_core::Error> {
///     partools_ipc::init();
///     let ipc = Ipc::new().workers(2);
///     let numbers: Vec<f64> = (0..1000).map(f64::from).collect();
///     let job = over(&[0..500, 500..1000])
///         .shared(numbers.as_slice())
///         .map(|section, numbers| numbers[section.clone()].iter().sum::<f64>());
///     assert_eq!(job.run(&ipc)?, [124_750.0, 374_750.0]);
///
///     let results = over(0..4).map(|i| if i == 2 { std::process::abort() } else { i }).try_run(&ipc)?;
///     assert_eq!(results[2].as_ref().unwrap_err().to_string(), "item 2 had its worker process killed by SIGABRT");
///     assert_eq!(results[3].as_ref().ok(), Some(&3));
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Ipc {
    pub(crate) workers: Option<usize>,
    terms: Arc<Terms>,
    pool: Arc<Pool>,
}

impl Ipc {
    /// As many workers as there are processors for this process, or as `PARTOOLS_WORKERS` says. None is started yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// This many workers, for all maps together that run at a time.
    pub fn workers(self, workers: usize) -> Self {
        self.with(|_| {}, Some(workers))
    }

    /// A worker that was asked for nothing for so long ends; it is started again when there is something to do. Without this
    /// it waits as long as it takes.
    pub fn idle(self, limit: Duration) -> Self {
        let workers = self.workers;
        self.with(|terms| terms.idle = Some(limit), workers)
    }

    /// Sets an environment variable of the workers. They inherit this process's environment as it is when they are started, but
    /// for the numbers of threads that libraries use: those of OpenMP, OpenBLAS, MKL, NumExpr, Accelerate, rayon and polars
    /// are 1 if not set here, since there is a worker for each processor already.
    pub fn env(self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        let (pair, workers) = ((name.into(), value.into()), self.workers);
        self.with(|terms| terms.environment.push(pair), workers)
    }

    /// Workers begin in this directory; in that of this process at their start if not set.
    pub fn current_dir(self, directory: impl Into<PathBuf>) -> Self {
        let (directory, workers) = (directory.into(), self.workers);
        self.with(|terms| terms.directory = Some(directory), workers)
    }

    /// What a worker may take: memory, processor time; see [`Limits`]. Memory is what it has taken since it began with the map.
    /// Niceness, pinning, and replacing workers after so many items or so much growth are refused: that is not done here yet.
    pub fn limits(self, limits: Limits) -> Self {
        let workers = self.workers;
        self.with(|terms| terms.limits = limits, workers)
    }

    /// Keeps the last 4 KB of what a worker writes to standard error while it has a map, for the
    /// [error](partools_core::ItemError::stderr) of an item that fails, as `Fork` does.
    pub fn capture_stderr(self, capture: Capture) -> Self {
        let workers = self.workers;
        self.with(|terms| terms.stderr = capture, workers)
    }

    /// Calls `f` once in each worker process, with the worker's number, before its first item: to open what all items need,
    /// load a library, begin a license. What it leaves in statics and thread locals is there for every item of every map; one
    /// thread calls it and them. A worker that takes the place of a dead one calls it, too. It captures nothing, as closures
    /// do that cross.
    ///
    /// A setup that returns an error, panics, or ends its process (a crash, an exit) is the error of the map for which the
    /// worker was started, and says so; it is not tried again within that map. So is one that takes longer than a minute, or than
    /// [`setup_within`](Self::setup_within) says. Cancelling the map, and its deadline, end a setup, too; limits and timeouts of
    /// items do not. A worker that somebody else kills meanwhile (SIGKILL) is replaced, as always.
    ///
    /// ```standalone_crate
    /// use partools_core::over;
    /// use partools_ipc::Ipc;
    /// use std::sync::OnceLock;
    ///
    /// static WORDS: OnceLock<Vec<String>> = OnceLock::new();
    ///
    /// fn main() -> Result<(), partools_core::Error> {
    ///     partools_ipc::init();
    ///     let ipc = Ipc::new().workers(2).setup(|worker| {
    ///         let words = std::fs::read_to_string("/proc/self/comm")?; // any error
    ///         WORDS.set(vec![words, format!("worker {worker}")]).map_err(|_| "called twice")?; // or words
    ///         Ok(())
    ///     });
    ///     let counts = over(0..4).map(|_| WORDS.get().map_or(0, Vec::len)).run(&ipc)?;
    ///     assert_eq!(counts, [2; 4]);
    ///
    ///     let broken = Ipc::new().workers(1).setup(|_| Err("no license".into()));
    ///     let error = over(0..4).map(|i| i).run(&broken).unwrap_err();
    ///     assert_eq!(error.to_string(), "setting up worker process 0 failed: no license");
    ///     Ok(())
    /// }
    /// ```
    pub fn setup<F>(self, f: F) -> Self
    where
        F: Remote + Fn(usize) -> Result<(), StartError>,
    {
        let workers = self.workers;
        self.with(|terms| terms.setup.set(f), workers)
    }

    /// A [setup](Self::setup) may take so long; a minute if not set.
    pub fn setup_within(self, limit: Duration) -> Self {
        let workers = self.workers;
        self.with(|terms| terms.setup.set_within(limit), workers)
    }

    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Another executor: workers that were started under other terms are not its.
    pub(crate) fn with(self, change: impl FnOnce(&mut Terms), workers: Option<usize>) -> Self {
        let mut terms = Terms::clone(&self.terms);
        change(&mut terms);
        Ipc {
            workers,
            terms: Arc::new(terms),
            pool: Arc::default(),
        }
    }
}

impl<T> Executor<T> for Ipc
where
    T: PortableTask<Output: Portable>,
{
    fn capabilities(&self) -> Capabilities {
        let workers = worker_count(self.workers).unwrap_or(1);
        Capabilities::new(NAME, workers)
            .with_isolation()
            .with_item_kill()
    }

    fn execute(
        &self,
        task: &T,
        run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        let size = worker_count(self.workers)?;
        self.terms.limits.check(NAME)?;
        if self.terms.limits.shape_workers() {
            let why = "its limits ask for workers that are nicer, pinned, or replaced after a while, which is not done for \
                       workers that are kept";
            let instead = "leave that out, or run on Fork";
            return Err(Error::refused(NAME, why, instead));
        }
        // A map that was begun by the callback of another cannot wait for its workers: it has some of its own.
        let own = Pool::default();
        let (pool, _guard) = match UNDER_WAY.replace(true) {
            true => (&own, None),
            false => (&*self.pool, Some(UnderWay)),
        };
        Crew::new(task, run, (pool, size), &self.terms)?.work(caller)
    }
}

struct UnderWay;

impl Drop for UnderWay {
    fn drop(&mut self) {
        UNDER_WAY.set(false);
    }
}
