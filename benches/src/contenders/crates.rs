//! Peers on threads: rayon, orx-parallel, and what std has.

use crate::contender::{Contender, Trouble};
use crate::work::Work;
use rayon::prelude::{IntoParallelRefIterator, ParallelIterator as _};

/// `par_iter().map().collect()` in the global pool, as most programs use it.
pub(super) struct Rayon;

impl Contender for Rayon {
    fn start(workers: usize) -> Self {
        global_rayon_pool(workers);
        Rayon
    }

    fn map<W: Work>(
        &mut self,
        items: &[W::Item],
        shared: &[W::Shared],
    ) -> Result<Vec<W::Output>, Trouble> {
        Ok(items.par_iter().map(|item| W::call(item, shared)).collect())
    }
}

/// Starts rayon's global pool with so many threads.
pub(super) fn global_rayon_pool(workers: usize) {
    rayon::ThreadPoolBuilder::new()
        .num_threads(workers)
        .build_global()
        .expect("a contender is alone in its process, so nobody else has set up rayon's pool");
}

/// `par().map().collect()`, in the pool that the crate keeps.
pub(super) struct Orx(usize);

impl Contender for Orx {
    fn start(workers: usize) -> Self {
        Orx(workers)
    }

    fn map<W: Work>(
        &mut self,
        items: &[W::Item],
        shared: &[W::Shared],
    ) -> Result<Vec<W::Output>, Trouble> {
        use orx_parallel::{IntoParIter as _, Par as _};
        Ok(items
            .into_par()
            .num_threads(self.0)
            .map(|item| W::call(item, shared))
            .collect())
    }
}

/// Without a crate: as many equal shares as workers, a scoped thread for each but the first.
pub(super) struct Scope(usize);

impl Contender for Scope {
    fn start(workers: usize) -> Self {
        Scope(workers)
    }

    fn map<W: Work>(
        &mut self,
        items: &[W::Item],
        shared: &[W::Shared],
    ) -> Result<Vec<W::Output>, Trouble> {
        let share = items.len().div_ceil(self.0).max(1);
        let part = |items: &[W::Item]| -> Vec<W::Output> {
            items.iter().map(|item| W::call(item, shared)).collect()
        };
        let mut shares = items.chunks(share);
        let first = shares.next().unwrap_or_default();
        std::thread::scope(|scope| {
            let rest: Vec<_> = shares
                .map(|share| scope.spawn(move || part(share)))
                .collect();
            let mut outputs = part(first);
            for thread in rest {
                outputs.extend(
                    thread
                        .join()
                        .map_err(|_| Trouble::Failed("a thread panicked".to_owned()))?,
                );
            }
            Ok(outputs)
        })
    }
}
