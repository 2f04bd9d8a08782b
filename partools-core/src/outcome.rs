//! The end of a run: the verdict, and its outputs as a vector, as batches, or dropped.

use crate::caller::Batch;
use crate::control::Halt;
use crate::error::Error;
use crate::item_error::{Cause, ItemError};
use crate::order::Order;
use crate::panics::quietly;
use crate::ranges::RangeSet;
use crate::run::Run;
use crate::slots::Slots;
use crate::sync::{Ordering, lock, unlocked};

impl<O> Run<O> {
    /// The verdict on a finished run: complete, or stopped by its plan before that; else its own error, or the items
    /// that are missing.
    pub(crate) fn verdict(&mut self, executor: &'static str) -> Result<Option<Halt>, Error> {
        let (is_streaming, halt) = (self.is_streaming(), self.halt());
        let hub = unlocked(&mut self.hub);
        if let Some(error) = hub.error.take() {
            return Err(error);
        }
        let bound = self.bound.load(Ordering::Relaxed);
        let delivered = self.delivered.load(Ordering::Relaxed);
        let reached = match hub.withheld {
            _ if !is_streaming => hub.done.reach(delivered),
            // Without order, something below it may be missing.
            Some(withheld) => withheld.min(delivered),
            None => delivered,
        };
        match halt {
            _ if reached >= bound => Ok(None),
            Some(halt) => Ok(Some(halt)),
            None => Err(Error::incomplete(executor, reached..bound)),
        }
    }

    /// The error of a run that was stopped by its plan.
    pub(crate) fn halted(&mut self, halt: Halt) -> Error {
        let count = self.count();
        let hub = unlocked(&mut self.hub);
        let done = hub.done.iter().chain(hub.sent.iter());
        let done = done.map(|range| range.len()).sum();
        Error::halted(halt, done, count)
    }

    /// Each item's output or failure, in item order; where only some items were picked, in the order of their places. Items
    /// that are not done carry what stopped the run; those above a failure that stopped it are not needed, whatever came of
    /// them.
    pub(crate) fn into_results(mut self) -> Vec<Result<O, ItemError>> {
        let (count, halt) = (self.count(), self.halt());
        let needed = self.bound.load(Ordering::Relaxed);
        let under_way = std::mem::take(&mut unlocked(&mut self.hub).under_way);
        let mut results = Vec::with_capacity(count);
        let fill = |results: &mut Vec<_>, to: usize| {
            let Some(halt) = halt else { return };
            for index in results.len()..to {
                let cause = match under_way.contains(&index) {
                    true => Cause::Stopped { halt },
                    false => Cause::NotRun { halt },
                };
                results.push(Err(ItemError::new(index, 0, cause)));
            }
        };
        for batch in self.drain() {
            for (index, result) in batch.before(needed) {
                fill(&mut results, index);
                results.push(result);
            }
        }
        fill(&mut results, needed);
        let unneeded = (needed..count).map(|index| {
            let cause = Cause::NotNeeded { failed: needed - 1 };
            Err(ItemError::new(index, 0, cause))
        });
        results.extend(unneeded);
        if let Some(order) = &self.plan().order {
            by_item(order, &mut results, self.stops_at_failures());
        }
        results
    }

    /// The failure of the lowest item, where one is below the bound.
    pub(crate) fn first_failure(&mut self) -> Option<ItemError> {
        let bound = self.bound.load(Ordering::Relaxed);
        let places = lock(&self.hub)
            .failures
            .range(..bound)
            .map(|(&p, _)| p)
            .min_by_key(|&p| self.item_at(p));
        let place = places?;
        let item = self.item_at(place);
        let first = unlocked(&mut self.hub).failures.get_mut(&place)?;
        // Something stays in its place: an index without a failure is one with a filled slot.
        let stand_in = ItemError::new(place, 0, Cause::NoOutput);
        let mut first = std::mem::replace(first, stand_in);
        first.set_index(item);
        Some(first)
    }

    /// Items below this index were needed, also where the run was stopped once all of them were done.
    pub(crate) fn needed(&mut self) -> usize {
        self.bound.load(Ordering::Relaxed)
    }

    /// Are all outputs there?
    pub(crate) fn is_whole(&mut self) -> bool {
        let (count, capacity) = (self.count(), self.slots.capacity());
        let hub = unlocked(&mut self.hub);
        hub.failures.is_empty()
            && self.delivered.load(Ordering::Relaxed) == 0
            && hub.done.reach(0) == count
            && capacity == count
    }

    /// All outputs, where all are there.
    pub(crate) fn into_vec(mut self) -> Option<Vec<O>> {
        if !self.is_whole() {
            return None;
        }
        // Nothing is left for `Drop` to drop.
        unlocked(&mut self.hub).done = RangeSet::default();
        let slots = std::mem::replace(&mut self.slots, Slots::none());
        // SAFETY: `is_whole` says that every index is done and none failed; a done index's slot is filled
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

/// Results by place become results by item: failures know their items, all items lie in their order, and what is above a
/// failure that stopped the run was not needed, although some of it lay at places that were.
fn by_item<O>(order: &Order, results: &mut [Result<O, ItemError>], stops: bool) {
    for (result, &item) in results.iter_mut().zip(order.items()) {
        if let Err(error) = result {
            error.set_index(item);
        }
    }
    if order.count() == order.total() {
        order.put_back(results);
    }
    if !stops {
        return;
    }
    let is_failure = |error: &ItemError| {
        !matches!(
            error.cause(),
            Cause::NotNeeded { .. } | Cause::NotRun { .. } | Cause::Stopped { .. }
        )
    };
    let failures = results.iter().filter_map(|result| result.as_ref().err());
    let failures = failures.filter(|error| is_failure(error));
    let Some(failed) = failures.map(ItemError::index).min() else {
        return;
    };
    for (place, result) in results.iter_mut().enumerate() {
        let item = match order.count() == order.total() {
            true => place,
            false => order.item(place),
        };
        if item > failed {
            let unneeded = Err(ItemError::new(item, 0, Cause::NotNeeded { failed }));
            let before = std::mem::replace(result, unneeded);
            quietly(|| drop(before));
        }
    }
}

impl<O> Drop for Run<O> {
    fn drop(&mut self) {
        self.discard();
    }
}
