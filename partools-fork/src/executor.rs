//! `Fork`, the executor: its options, and what it checks before the first fork.

use crate::crew::{Crew, Terms};
use crate::host::{self, NAME, Tolerated};
use crate::quarters::Quarters;
use partools_core::{Caller, Capabilities, Error, Executor, Portable, Run, Task, worker_count};
use partools_os::{Capture, Limits};
use std::time::Instant;

/// Runs items in forked children, one per worker, made for each map (or for each stream, where it asks for
/// [persistent workers](partools_core::OverIter::persistent_workers)).
///
/// Closure, items and shared argument are inherited by copy-on-write: nothing is copied or serialised on the way
/// in, and the closure may capture anything. An item may crash, abort, exit or be killed: its failure is named, the
/// other items complete. Outputs must be [`Portable`]; plain data goes as bytes, the rest through serde.
///
/// An item that runs longer than [`item_timeout`](partools_core::Over::item_timeout) is told to stop by SIGTERM, and its
/// worker is killed a second later if it has not ([`Limits::grace`]): code that blocks or ignores that signal is stopped
/// all the same.
///
/// # What it refuses
/// - A process with other threads, but for those that `Threads` keeps and that rest: a forked child would hang on the
///   first lock that one of them held. Start them after the map, join them before it, or vouch for them
///   ([`tolerate_threads`](Self::tolerate_threads)).
/// - A process that shares writable memory with others: what a child writes there, the parent would see. Unmap or
///   freeze it, or vouch for it ([`tolerate_shared_memory`](Self::tolerate_shared_memory)).
///
/// # What a child shares beside memory
/// File offsets, sockets, pipes and database handles that were open at the fork: a child that reads from an inherited
/// file moves the parent's offset too. Open what an item needs in the item, or in
/// [`state`](partools_core::Over::state). A child that is started again after a crash sees the parent's memory of that
/// moment, which a callback of `for_each` may have changed.
///
/// ```
/// use partools_core::over;
/// use partools_fork::Fork;
///
/// // In a program with one thread (a test that forks needs `harness = false`).
/// let squares = over(0..100).map(|i| i * i).run(&Fork::new().workers(2))?;
/// assert_eq!(squares[9], 81);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Fork {
    workers: Option<usize>,
    core_dumps: bool,
    limits: Limits,
    stderr: Capture,
    tolerated: Tolerated,
}

impl Fork {
    /// As many workers as there are processors for this process, or as `PARTOOLS_WORKERS` says.
    pub fn new() -> Self {
        Self::default()
    }

    /// This many workers, at most one per item.
    ///
    /// ```
    /// use partools_core::over;
    /// use partools_fork::Fork;
    /// use std::collections::BTreeSet;
    /// let pids = over(0..100).map(|_| std::process::id()).run(&Fork::new().workers(2))?;
    /// let processes = BTreeSet::from_iter(pids);
    /// assert!(processes.len() <= 2 && !processes.contains(&std::process::id()));
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Whether a worker that crashes may leave a core dump, where the system is set up for them. It leaves none by
    /// default.
    pub fn core_dumps(mut self, wanted: bool) -> Self {
        self.core_dumps = wanted;
        self
    }

    /// What a worker may take: memory, processor time, a number of items, a place among others; see [`Limits`].
    ///
    /// ```
    /// use partools_core::{Cause, over};
    /// use partools_fork::{Fork, Limits};
    ///
    /// let greedy = over(0..4).map(|i| vec![1_u8; if i == 2 { 1 << 30 } else { 1000 }].len());
    /// let results = greedy.try_run(&Fork::new().workers(2).limits(Limits::new().memory(100 << 20)))?;
    /// let failure = results[2].as_ref().unwrap_err();
    /// assert!(matches!(failure.cause(), Cause::Memory { grown, .. } if *grown > 100 << 20), "{failure}");
    /// assert_eq!(results[3].as_ref().ok(), Some(&1000));
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Keeps the last 4 KB of what a worker writes to standard error, for the [error](partools_core::ItemError::stderr) of an
    /// item that fails: what Rust prints there, what C does (the words with which glibc aborts, too), and programs that the
    /// item starts. It is the worker's, so other items may have written some of it.
    ///
    /// A worker that writes more than a pipe holds (64 KB) waits until the parent is awake: in a callback of `for_each` it is
    /// not. A program that outlives the worker that started it has nobody who reads any more.
    ///
    /// ```
    /// use partools_core::over;
    /// use partools_fork::{Capture, Fork};
    ///
    /// let job = over(0..3).map(|i| {
    ///     if i == 1 {
    ///         eprintln!("row {i} has no date");
    ///         std::process::abort();
    ///     }
    ///     i
    /// });
    /// let results = job.try_run(&Fork::new().workers(2).capture_stderr(Capture::Swallow))?;
    /// let failure = results[1].as_ref().unwrap_err();
    /// assert_eq!(failure.stderr(), Some("row 1 has no date\n"));
    /// assert!(failure.to_string().ends_with("SIGABRT; the worker's last words: row 1 has no date"));
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    pub fn capture_stderr(mut self, capture: Capture) -> Self {
        self.stderr = capture;
        self
    }

    /// Forks although threads with these names live. The system keeps 15 bytes of a thread's name.
    ///
    /// ```
    /// use partools_core::over;
    /// use partools_fork::Fork;
    /// use std::{sync::mpsc, thread};
    ///
    /// let (begun, begins) = mpsc::channel::<()>();
    /// let named = thread::Builder::new().name("watchdog".into());
    /// named.spawn(move || { drop(begun); loop { thread::park() } })?;
    /// begins.recv().unwrap_err(); // it runs
    ///
    /// let job = over(0..3).map(|i| i * i);
    /// let refused = job.run(&Fork::new()).unwrap_err();
    /// assert!(refused.is_refused() && refused.to_string().contains("watchdog"), "{refused}");
    /// // SAFETY: all that this thread does is to sleep, so it holds no lock that the closure needs.
    /// let fork = unsafe { Fork::new().tolerate_threads(["watchdog"]) };
    /// assert_eq!(job.run(&fork)?, [0, 1, 4]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Safety
    /// At the moment of each fork (also when a crashed worker is replaced) none of these threads holds a lock that
    /// the closure, the state, an output's `Serialize`, or anything that they call takes in the child: in std that is
    /// among others `println!`, `set_var`, the panic hook's standard error and the spawning of threads; in C
    /// libraries, whatever they say. Children do not flush the standard streams then.
    pub unsafe fn tolerate_threads<N: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        self.tolerated
            .threads
            .extend(names.into_iter().map(Into::into));
        self
    }

    /// Forks although memory with these names is shared and writable, named as in the refusal.
    ///
    /// ```
    /// use partools_core::over;
    /// use partools_fork::Fork;
    ///
    /// // Stands for a mapping of somebody else's: a driver's, a profiler's.
    /// let filling = partools_os::SharedVec::<u64>::zeroed(1000)?;
    /// let job = over(0..3).map(|i| i * i);
    /// let refused = job.run(&Fork::new()).unwrap_err();
    /// assert!(refused.is_refused() && refused.to_string().contains("a SharedVecMut of partools"), "{refused}");
    /// // SAFETY: the closure writes nowhere.
    /// let fork = unsafe {
    ///     Fork::new().tolerate_shared_memory(partools_os::foreign_writable_shared()?.into_iter().map(|m| m.name))
    /// };
    /// assert_eq!(job.run(&fork)?, [0, 1, 4]);
    /// # drop(filling);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Safety
    /// Neither the closure nor anything that it calls writes to that memory through safe code that relies on being its
    /// only writer; what children write there is written in the parent too.
    pub unsafe fn tolerate_shared_memory<N: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        self.tolerated
            .mappings
            .extend(names.into_iter().map(Into::into));
        self
    }
}

impl<T: Task> Executor<T> for Fork
where
    T::Output: Portable,
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
        let workers = worker_count(self.workers)?;
        let near = task.persistent();
        let quarters = match near {
            Some(near) => Some((near, Quarters::ready::<T>(near, run, workers)?)),
            None => None,
        };
        let began = Instant::now();
        let host = host::look(&self.tolerated)?;
        self.limits.check(NAME)?;
        let terms = Terms {
            core_dumps: self.core_dumps,
            beside_threads: host.has_threads,
            limits: &self.limits,
            stderr: self.stderr,
        };
        let mut crew = Crew::new(task, run, workers, terms, quarters)?;
        crew.work(caller, began)?;
        if let Some((near, quarters)) = crew.leave() {
            near.berth().keep(quarters);
        }
        Ok(())
    }
}
