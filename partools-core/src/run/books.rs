//! The books of a run: what chunks tell it, and what the caller asks of it. All of it goes through the hub's lock.

use crate::caller::Batch;
use crate::control::Halt;
use crate::hub::Hub;
use crate::item_error::ItemError;
use crate::run::Run;
use crate::slots::Slots;
use crate::sync::{MutexGuard, Ordering, lock};
use std::ops::Range;

/// A caller that worked looks so often before it sleeps, and waits so long in between: together some 20 µs.
const LOOKS: usize = if cfg!(partools_model) { 0 } else { 32 };
const SPINS: usize = 16;

impl<O> Run<O> {
    // ---- what a chunk tells

    pub(crate) fn slots(&self) -> &Slots<O> {
        &self.slots
    }

    pub(crate) fn failed_at(&self, index: usize) {
        if self.stops_at_failures() {
            self.lower_bound(self.needed_with(index));
        }
    }

    pub(crate) fn lower_bound(&self, bound: usize) {
        let _hub = lock(&self.hub);
        self.bound.fetch_min(bound, Ordering::Relaxed);
        self.bell.ring();
    }

    pub(crate) fn give_back(&self, range: Range<usize>, attempt: u32) {
        if !range.is_empty() {
            lock(&self.hub)
                .returned
                .insert(range.start, (range.end, attempt));
            self.bell.ring();
        }
    }

    pub(crate) fn record(
        &self,
        done: Range<usize>,
        failures: Vec<ItemError>,
        rest: Range<usize>,
        attempt: u32,
    ) {
        let mut hub = lock(&self.hub);
        hub.done.insert(done);
        hub.failures
            .extend(failures.into_iter().map(|f| (f.index(), f)));
        if !rest.is_empty() {
            hub.returned.insert(rest.start, (rest.end, attempt));
        }
        self.bell.ring();
    }

    /// The item's worker was killed by somebody else. True the first time.
    pub(crate) fn excuse(&self, index: usize) -> bool {
        lock(&self.hub).excused.insert(index)
    }

    /// A worker died with an item in flight. Where every item kills its worker, the map ends here.
    pub(crate) fn a_worker_died(&self) {
        let workers = self.deaths.fetch_add(1, Ordering::Relaxed) + 1;
        if self.plan.is_too_deadly(workers) {
            self.give_up(Halt::Deaths { workers });
        }
    }

    /// A worker elsewhere did an item.
    #[inline]
    pub(crate) fn a_worker_lives(&self) {
        if self.deaths.load(Ordering::Relaxed) > 0 {
            self.deaths.store(0, Ordering::Relaxed);
        }
    }

    /// The item was under way when its worker was stopped.
    pub(crate) fn was_under_way(&self, index: usize) {
        lock(&self.hub).under_way.insert(index);
    }

    /// What was ready from this index on was not delivered, although it was taken out.
    pub(crate) fn withheld(&self, index: usize) {
        lock(&self.hub).withheld.get_or_insert(index);
    }

    pub(crate) fn record_all(&self, done: &[Range<usize>]) {
        let mut hub = lock(&self.hub);
        for range in done {
            hub.done.insert(range.clone());
        }
        self.bell.ring();
    }

    // ---- what the caller asks

    /// Finished outputs that may be delivered now: those behind the last one delivered, without a gap; in a run without
    /// order (C14) the lowest there are. `None` where the run is over. In a run that is not streaming nothing is ready before the end.
    pub(crate) fn ready(&self) -> Option<Batch<'_, O>> {
        let mut hub = lock(&self.hub);
        let (from, to) = self.extent(&hub)?;
        if self.is_unordered() {
            let range = hub.done.take_first(self.bound()).unwrap_or(from..from);
            return Some(self.batch(&mut hub, range));
        }
        let to = if self.setup.windowed { to } else { from };
        Some(self.batch(&mut hub, from..to))
    }

    /// Sleeps until something may have become ready, or over, or (`or_work`) claimable.
    pub(crate) fn sleep(&self, or_work: bool) {
        // Who worked until now waits for what others have begun, mostly as cheap as its own: a while awake costs less.
        for _ in 0..if or_work { LOOKS } else { 0 } {
            if self.goes_on(&lock(&self.hub), or_work) {
                return;
            }
            for _ in 0..SPINS {
                std::hint::spin_loop();
            }
        }
        let mut hub = lock(&self.hub);
        while !self.goes_on(&hub, or_work) {
            hub = self.wait(hub);
        }
    }

    /// Is there something for the caller to do: to deliver, to end, or (`or_work`) to claim?
    fn goes_on(&self, hub: &Hub, or_work: bool) -> bool {
        let Some((from, to)) = self.extent(hub) else {
            return true;
        };
        let ready = match self.is_unordered() {
            true => hub.done.begins_below(self.bound()),
            false => self.setup.windowed && from < to,
        };
        ready || (or_work && self.is_claimable(hub))
    }

    /// Sleeps until the bell rings, or it is time for a look at what may stop the run.
    pub(super) fn wait<'a>(&self, hub: MutexGuard<'a, Hub>) -> MutexGuard<'a, Hub> {
        match self.look_again() {
            None => self.bell.wait(hub),
            Some(patience) => self.bell.wait_for(hub, patience),
        }
    }

    /// Can anything be claimed here now: what was given back, or what lies ahead of the cursor within the
    /// window? (Nobody else may be left to claim the latter.)
    fn is_claimable(&self, hub: &Hub) -> bool {
        let limit = self.claim_limit();
        hub.claimable(limit) || self.cursor.load(Ordering::Relaxed) < limit as u64
    }

    /// From the first index not delivered to the end of what is finished behind it; `None` where the run
    /// is stopped, or all that is needed is finished and (in a streaming run) delivered.
    fn extent(&self, hub: &Hub) -> Option<(usize, usize)> {
        let bound = self.bound();
        let from = self.delivered.load(Ordering::Relaxed);
        let to = hub.done.reach(from).min(bound);
        let over = if self.setup.windowed {
            from >= bound
        } else {
            to >= bound
        };
        (!over).then_some((from, to))
    }

    /// Takes the finished outputs and failures of `range` out of the run.
    pub(crate) fn batch(&self, hub: &mut Hub, range: Range<usize>) -> Batch<'_, O> {
        let mut failures = hub.failures.split_off(&range.start);
        hub.failures.append(&mut failures.split_off(&range.end));
        Batch::new(self, range, failures)
    }

    /// The items of `range` were delivered: the window moves to the lowest that was not.
    pub(crate) fn was_delivered(&self, range: Range<usize>) {
        let mut hub = lock(&self.hub);
        let to = match self.is_unordered() {
            true => {
                hub.sent.insert(range);
                hub.sent.reach(0)
            }
            false => range.end,
        };
        self.delivered.fetch_max(to, Ordering::Release);
        self.bell.ring();
    }
}
