//! The peer fork_union: a pool of threads that spin while they wait. It has no `collect`: outputs are written through a
//! pointer. Few items are dealt one by one, many in equal slices; its authors recommend each for that.

use crate::contender::{Contender, Trouble};
use crate::work::Work;
use fork_union::{SyncMutPtr, ThreadPool};

/// More items than this are taken for cheap ones.
const MANY: usize = 50_000;

/// In a pool that is kept. (While others are measured this process is stopped, so its spinning disturbs nobody.)
pub(super) struct ForkUnion(ThreadPool);

impl Contender for ForkUnion {
    fn start(workers: usize) -> Self {
        ForkUnion(ThreadPool::try_spawn(workers).expect("the system starts a few threads"))
    }

    fn map<W: Work>(
        &mut self,
        items: &[W::Item],
        shared: &[W::Shared],
    ) -> Result<Vec<W::Output>, Trouble> {
        let mut outputs: Vec<W::Output> = Vec::with_capacity(items.len());
        let slots = SyncMutPtr::new(outputs.as_mut_ptr());
        let fill = |index: usize| {
            let output = W::call(&items[index], shared);
            // SAFETY: `index` is below the capacity, since `items[index]` did not panic.
            let slot = unsafe { slots.get(index) };
            // SAFETY: the pool deals each index once, so nobody else has this slot.
            unsafe { slot.write(output) };
        };
        // Dropping the operation runs it.
        if items.len() > MANY {
            drop(self.0.for_slices(items.len(), |first, count| {
                (first.task_index..first.task_index + count).for_each(fill);
            }));
        } else {
            drop(
                self.0
                    .for_n_dynamic(items.len(), |item| fill(item.task_index)),
            );
        }
        // SAFETY: the pool has returned, so every index was dealt and every slot is filled.
        unsafe { outputs.set_len(items.len()) };
        Ok(outputs)
    }
}
