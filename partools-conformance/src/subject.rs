//! What is tested: an executor, how to make one with so many workers, and what is known of it.

use crate::candidate::Candidate;
use crate::ensure::ensure;
use crate::leaks::Snapshot;
use crate::quiet;
use crate::record::Pen;
use crate::tasks::{Answer, Nest, Script};
use partools_core::{Capabilities, Chunks, Error, Executor, Job, Plan, Remote};
use std::time::Duration;

/// Runs a map of items that nest, on an executor, with a log or without.
pub(crate) type Nesting<E> =
    dyn Fn(&E, usize, Option<Pen>, Chunks) -> Result<Vec<Answer>, Error> + Sync;

/// An executor to be tested.
///
/// ```
/// use partools_conformance::{Subject, cases};
/// use partools_core::Serial;
/// use std::time::Duration;
/// let serial = Subject::new("serial", |_workers| Serial).hangs_after(Duration::from_secs(20));
/// assert!(cases(serial).iter().any(|case| case.name() == "serial::c2_order::strings_of_1000"));
/// ```
pub struct Subject<E: 'static> {
    pub(crate) name: &'static str,
    pub(crate) make: &'static (dyn Fn(usize) -> E + Sync),
    /// Runs [`Nest`]s whose items make their executors as `make` does.
    pub(crate) nest: &'static Nesting<E>,
    pub(crate) keeps_workers: bool,
    pub(crate) thread_grace: Duration,
    pub(crate) limit: Duration,
}

impl<E> Subject<E> {
    /// The executors that `make(workers)` makes. A function that captures nothing, so that a task can carry it
    /// to a worker and nest; what it needs of pools and the like it makes, or finds in a static.
    pub fn new<F>(name: &'static str, make: F) -> Self
    where
        F: Remote + Fn(usize) -> E,
        E: Executor<Script> + Executor<Nest<F>>,
    {
        let nest = move |executor: &E, count, pen, chunks| {
            let mut task = Nest::new(count, make);
            if let Some(pen) = pen {
                task = task.log(pen);
            }
            Job::new(task).plan(Plan::new().chunk(chunks)).run(executor)
        };
        Subject {
            name,
            // Of no size: nothing is leaked.
            make: Box::leak(Box::new(make)),
            nest: Box::leak(Box::new(nest)),
            keeps_workers: false,
            thread_grace: Duration::ZERO,
            limit: Duration::from_secs(120),
        }
    }

    /// The executor is a pool, which keeps its workers from map to map: nothing may be left when it is
    /// dropped, rather than when a map returns.
    #[must_use]
    pub fn keeps_workers(mut self) -> Self {
        self.keeps_workers = true;
        self
    }

    /// Threads of a map may be listed by the system for so long after it returned. Not at all if not set:
    /// C4 says that their ids are gone. For executors that only join their threads; printed.
    #[must_use]
    pub fn thread_grace(mut self, grace: Duration) -> Self {
        self.thread_grace = grace;
        self
    }

    /// A case that runs longer hangs, and the process is ended with words. Two minutes if not set; in
    /// whole seconds.
    #[must_use]
    pub fn hangs_after(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }
}

impl<E> std::fmt::Debug for Subject<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subject")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<E> Clone for Subject<E> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<E> Copy for Subject<E> {}

impl<E: Candidate> Subject<E> {
    /// What the executor says it can do.
    pub(crate) fn capabilities(&self) -> Capabilities {
        Executor::<Script>::capabilities(&(self.make)(2))
    }

    /// Runs `body` on a fresh executor of so many workers. Then nothing may be left (C4), and nothing of the
    /// host's changed (C10).
    pub(crate) fn on<R>(
        &self,
        workers: usize,
        body: impl FnOnce(&E) -> Result<R, String>,
    ) -> Result<R, String> {
        // What the host keeps for good, such as a pool in a static, is made now.
        drop((self.make)(workers));
        let before = Snapshot::take();
        let executor = (self.make)(workers);
        let result = body(&executor).map_err(|why| format!("with {workers} workers: {why}"))?;
        if !self.keeps_workers {
            self.nothing_left(&before)?;
        }
        drop(executor);
        if self.keeps_workers {
            self.nothing_left(&before)?;
        }
        ensure!(
            quiet::is_chained(),
            "C10: the host's panic hook is not called any more"
        );
        Ok(result)
    }

    /// C4 and C10, since `before`.
    pub(crate) fn nothing_left(&self, before: &Snapshot) -> Result<(), String> {
        let changes = before.changes_after(self.thread_grace);
        ensure!(
            changes.is_empty(),
            "C4: something was left behind or changed: {changes}"
        );
        Ok(())
    }
}
