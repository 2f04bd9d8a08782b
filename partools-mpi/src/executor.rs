//! `Mpi`: the executor, as its user has it.

use crate::map::Map;
use crate::ranks::Ranks;
use partools_core::{
    Caller, Capabilities, Error, Executor, Portable, PortableTask, Run, worker_count,
};
use std::rc::Rc;

/// Runs a map on the ranks of this MPI job but rank 0, which deals. Made by [`init`](crate::init); clones are the same job.
///
/// Workers are ranks 1 and up, so worker 0 is rank 1. In a job of one rank, and for a map that is begun while another one is
/// under way (by the callback of a `for_each`), items run on the calling thread. The shared argument is copied once on rank 0
/// and once on each further host, for each map; all ranks of a host map the same memory. What of it lies in a
/// [`SharedVec`](partools_os::SharedVec) is not copied on rank 0's host, and stays where it is while maps follow one another
/// that have it.
///
/// While a map is under way, SIGTERM, which is how `mpirun` ends a job when a rank dies, is put off on rank 0 until it has said
/// on standard error what each rank was at (not where the program handles SIGTERM itself).
///
/// Open MPI and MPICH want one thread to call them, so it is neither `Send` nor `Sync`.
#[derive(Clone)]
pub struct Mpi {
    ranks: Rc<Ranks>,
    asked: Option<usize>,
    root_works: bool,
}

/// Who works.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crew {
    /// Ranks 1 to this one, as workers 0 and up.
    pub(crate) others: usize,
    /// Rank 0 is the worker behind them.
    pub(crate) root_works: bool,
}

impl Crew {
    pub(crate) fn workers(self) -> usize {
        self.others + usize::from(self.root_works)
    }
}

impl Mpi {
    pub(crate) fn new(ranks: Rc<Ranks>) -> Self {
        Mpi {
            ranks,
            asked: None,
            root_works: false,
        }
    }

    /// At most so many workers, those on the lowest ranks; all, if not set.
    #[must_use]
    pub fn workers(mut self, count: usize) -> Self {
        self.asked = Some(count);
        self
    }

    /// Rank 0 works, too: on a thread of its own, while the one that called goes on dealing. It is the last of the workers.
    /// Worth it where ranks are few: dealing and working share rank 0's processor, if it has but one.
    #[must_use]
    pub fn rank_0_works(mut self) -> Self {
        self.root_works = true;
        self
    }

    /// How many ranks the job has, rank 0 among them.
    #[must_use]
    pub fn ranks(&self) -> usize {
        self.ranks.count()
    }

    fn crew(&self) -> Crew {
        let most = self.asked.unwrap_or(usize::MAX);
        let most = most.saturating_sub(usize::from(self.root_works));
        Crew {
            others: (self.ranks.count() - 1).min(most),
            root_works: self.root_works,
        }
    }
}

impl std::fmt::Debug for Mpi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mpi")
            .field("ranks", &self.ranks())
            .field("crew", &self.crew())
            .finish()
    }
}

impl<T> Executor<T> for Mpi
where
    T: PortableTask,
    T::Output: Portable,
{
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("mpi", self.crew().workers().max(1))
    }

    fn execute(
        &self,
        task: &T,
        run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        if let Some(asked) = self.asked {
            worker_count(Some(asked))?;
        }
        let (ranks, crew) = (&*self.ranks, self.crew());
        if crew.others == 0 || ranks.is_busy.get() {
            caller.work(task);
            return Ok(());
        }
        let mut map = Map::begin(ranks, crew, task, run)?;
        map.deal(task, caller)?;
        map.end()
    }
}
