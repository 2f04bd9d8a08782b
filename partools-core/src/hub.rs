//! The books of a run that need its lock: what is done, what failed, what was given back, and (where claims are
//! made elsewhere) all that was ever handed out.

use crate::control::Halt;
use crate::error::Error;
use crate::item_error::ItemError;
use crate::ranges::RangeSet;
use crate::sync::{AtomicU64, Ordering};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The books. Invariant: an index that is done and has no failure has a filled slot, until it is delivered.
#[derive(Default)]
pub(crate) struct Hub {
    /// Where outputs are delivered in any order, those that are not delivered yet.
    pub(crate) done: RangeSet,
    /// What was delivered, where that is in any order.
    pub(crate) sent: RangeSet,
    pub(crate) failures: BTreeMap<usize, ItemError>,
    /// Claimed, given back, to be claimed again: start, and end with the attempt of the first item.
    pub(crate) returned: BTreeMap<usize, (usize, u32)>,
    /// Everything ever handed out, once claims are made elsewhere.
    pub(crate) handed: Option<RangeSet>,
    /// Items that were under way when their worker was stopped, since the run was.
    pub(crate) under_way: BTreeSet<usize>,
    /// The first output that was taken out and not delivered: the callback wants no more, or the run was stopped.
    pub(crate) withheld: Option<usize>,
    /// Items whose worker was killed by somebody else once, which does not count.
    pub(crate) excused: BTreeSet<usize>,
    /// Why the executor gave up.
    pub(crate) given_up: Option<Halt>,
    pub(crate) error: Option<Error>,
}

impl Hub {
    /// Everything handed out, and `cursor` closed: from the first call on, claims are made elsewhere.
    pub(crate) fn handed(&mut self, cursor: &AtomicU64, count: usize) -> &mut RangeSet {
        self.handed.get_or_insert_with(|| {
            let claimed = cursor.swap(u64::MAX, Ordering::Relaxed);
            let mut handed = RangeSet::default();
            handed.insert(0..usize::try_from(claimed).unwrap_or(count).min(count));
            handed
        })
    }

    /// Was anything given back that can be claimed now?
    pub(crate) fn claimable(&self, limit: usize) -> bool {
        self.returned
            .first_key_value()
            .is_some_and(|(&start, _)| start < limit)
    }

    /// The lowest range given back, as far as it lies below `limit`.
    pub(crate) fn take_returned(&mut self, limit: usize) -> Option<(Range<usize>, u32)> {
        let (&start, &(end, attempt)) = self.returned.first_key_value()?;
        if start >= limit {
            return None;
        }
        self.returned.remove(&start);
        if end > limit {
            self.returned.insert(limit, (end, 0));
        }
        Some((start..end.min(limit), attempt))
    }
}
