//! The peer fork-map: one call is one forked child, which sends its result as JSON. Items in as many shares as workers;
//! a thread for each share waits for its child, as the crate's documentation has it with rayon.

use crate::contender::{Contender, Trouble};
use crate::work::Work;

/// A fork for each worker and map.
pub(super) struct ForkMap(usize);

impl Contender for ForkMap {
    fn start(workers: usize) -> Self {
        ForkMap(workers)
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
        // SAFETY: the child calls functions of this crate that take no lock, and malloc, which glibc makes safe in a
        // child; the other threads of this process only wait for children of their own.
        let in_child = &|items: &[W::Item]| unsafe { fork_map::fork_map(|| Ok(part(items))) };
        std::thread::scope(|scope| {
            let threads: Vec<_> = items
                .chunks(share)
                .map(|share| scope.spawn(move || in_child(share)))
                .collect();
            let mut outputs = Vec::with_capacity(items.len());
            for thread in threads {
                let part = thread
                    .join()
                    .map_err(|_| Trouble::Failed("a thread panicked".to_owned()))?;
                outputs.extend(part.map_err(|error| Trouble::Failed(error.to_string()))?);
            }
            Ok(outputs)
        })
    }
}
