//! The end of a run: the verdict, and its outputs as a vector, as batches, or dropped.

use crate::caller::Batch;
use crate::error::Error;
use crate::item_error::{Cause, ItemError};
use crate::ranges::RangeSet;
use crate::run::Run;
use crate::slots::Slots;
use crate::sync::{Ordering, lock, unlocked};

impl<O> Run<O> {
    /// The verdict on a finished run: its own error, or the items that are missing.
    pub(crate) fn verdict(&mut self, executor: &'static str) -> Result<(), Error> {
        let hub = unlocked(&mut self.hub);
        if let Some(error) = hub.error.take() {
            return Err(error);
        }
        let bound = self.bound.load(Ordering::Relaxed);
        let reached = hub.done.reach(self.delivered.load(Ordering::Relaxed));
        if reached < bound {
            return Err(Error::incomplete(executor, reached..bound));
        }
        Ok(())
    }

    /// The failure of the lowest item, where one is below the bound.
    pub(crate) fn first_failure(&mut self) -> Option<ItemError> {
        let bound = self.bound.load(Ordering::Relaxed);
        let hub = unlocked(&mut self.hub);
        let mut first = hub.failures.first_entry().filter(|f| *f.key() < bound)?;
        // Something stays in its place: an index without a failure is one with a filled slot.
        let stand_in = ItemError::new(*first.key(), 0, Cause::NoOutput);
        Some(std::mem::replace(first.get_mut(), stand_in))
    }

    /// Items below this index were needed, also where the run was stopped once all of them were done.
    pub(crate) fn needed(&mut self) -> usize {
        self.bound.load(Ordering::Relaxed)
    }

    /// All outputs, where all are there.
    pub(crate) fn into_vec(mut self) -> Option<Vec<O>> {
        let (count, capacity) = (self.count(), self.slots.capacity());
        let hub = unlocked(&mut self.hub);
        let whole = hub.failures.is_empty()
            && self.delivered.load(Ordering::Relaxed) == 0
            && hub.done.reach(0) == count
            && capacity == count;
        if !whole {
            return None;
        }
        // Nothing is left for `Drop` to drop.
        hub.done = RangeSet::default();
        let slots = std::mem::replace(&mut self.slots, Slots::none());
        // SAFETY: `whole` says that every index is done and none failed; a done index's slot is filled
        // (`Chunk`), and nothing was taken out (`delivered` is 0).
        Some(unsafe { slots.into_vec() })
    }

    /// All that is finished and not delivered, in order, with gaps where items are missing.
    pub(crate) fn drain(&mut self) -> Vec<Batch<'_, O>> {
        let mut hub = lock(&self.hub);
        let delivered = self.delivered.load(Ordering::Relaxed);
        let ranges: Vec<_> = hub
            .done
            .iter()
            .map(|r| r.start.max(delivered)..r.end)
            .collect();
        hub.done = RangeSet::default();
        let ranges = ranges.into_iter().filter(|r| !r.is_empty());
        ranges.map(|r| self.batch(&mut hub, r)).collect()
    }

    /// Drops all that is finished and not delivered; how many outputs panicked at that.
    pub(crate) fn discard(&mut self) -> usize {
        if unlocked(&mut self.hub).done.iter().next().is_none() {
            return 0;
        }
        self.drain().into_iter().map(Batch::discard).sum()
    }
}

impl<O> Drop for Run<O> {
    fn drop(&mut self) {
        self.discard();
    }
}
