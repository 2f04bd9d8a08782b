//! The live shared memory of this process, by address: [`Region`](crate::Region)s, and read-only segments
//! ([`SharedVec`](crate::SharedVec), [`MappedSlice`](crate::MappedSlice), [`Attached`](crate::Attached)).
//!
//! Three questions are answered here: which shared mappings are ours (`mappings.rs` leaves them out); whether a
//! region that is dropped is mapped in *this* process at all (in a forked child, regions that were not lent are
//! holes, and something else may live there by now); and in which file a slice lies ([`locate`](crate::locate)).
//!
//! Invariant: whoever changes the lists or forks holds the lock, so a child of ours always inherits lists that are
//! whole, with the lock held by the one thread that it has, which lets go of it at once. (A fork of somebody else's
//! beside a thread that is here at that moment leaves the lock held in the child, as it does with the allocator's
//! users everywhere: one more reason not to do that.) Segments come along with a fork, and so do their entries.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One region that is mapped in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Live {
    /// Given out once per region and process family, so that a reused address is not taken for the region before it.
    pub(crate) id: u64,
    pub(crate) start: usize,
    pub(crate) bytes: usize,
}

/// A part of a file that is mapped for reading.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) bytes: usize,
    pub(crate) file: Arc<OwnedFd>,
    /// Where in the file the first byte lies.
    pub(crate) offset: u64,
    pub(crate) backing: Backing,
}

/// Why nobody changes what a segment holds.
///
/// ```
/// use partools_os::{Backing, SharedVec, locate};
/// let vector = SharedVec::from_slice(&[1_u8, 2, 3])?;
/// assert_eq!(locate(&vector[1..]).map(|found| found.backing()), Some(Backing::Sealed));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backing {
    /// A memory file with all seals: the kernel lets nobody write, shrink or grow it.
    Sealed,
    /// An ordinary file: somebody promised it (see [`MappedSlice`](crate::MappedSlice)).
    Promised,
}

/// The lists themselves, with the next free id of a region.
#[derive(Debug)]
pub(crate) struct Registry {
    next_id: u64,
    live: Vec<Live>,
    /// By the address of their first byte.
    segments: BTreeMap<usize, Segment>,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry::new());

/// Nothing panics while the lock is held, and every change is a single call: a poisoned list is still whole.
pub(crate) fn lock() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    const fn new() -> Registry {
        Registry {
            next_id: 0,
            live: Vec::new(),
            segments: BTreeMap::new(),
        }
    }

    pub(crate) fn enter(&mut self, start: usize, bytes: usize) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.live.push(Live { id, start, bytes });
        id
    }

    /// True when the region was mapped in this process, and must now be unmapped.
    pub(crate) fn leave(&mut self, id: u64) -> bool {
        let place = self.live.iter().position(|live| live.id == id);
        place.map(|place| self.live.swap_remove(place)).is_some()
    }

    /// In a child: only what was lent came along.
    pub(crate) fn keep_only(&mut self, lent: impl Fn(u64) -> bool) {
        self.live.retain(|live| lent(live.id));
    }

    /// Whether all of `start..end` lies in one live region.
    pub(crate) fn covers(&self, start: usize, end: usize) -> bool {
        self.live
            .iter()
            .any(|live| live.start <= start && end - live.start <= live.bytes)
    }

    pub(crate) fn enter_segment(&mut self, start: usize, segment: Segment) {
        self.segments.insert(start, segment);
    }

    /// What was listed there, for the caller to drop when the lock is free again.
    pub(crate) fn leave_segment(&mut self, start: usize) -> Option<Segment> {
        self.segments.remove(&start)
    }

    /// The segment that has all of the `bytes` bytes at `start`, and how far into it they begin.
    pub(crate) fn segment_around(&self, start: usize, bytes: usize) -> Option<(&Segment, usize)> {
        let (&first, segment) = self.segments.range(..=start).next_back()?;
        let skipped = start - first;
        let is_inside = skipped <= segment.bytes && bytes <= segment.bytes - skipped;
        is_inside.then_some((segment, skipped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_covered_only_by_one_region_that_holds_all_of_it() {
        let mut registry = Registry::new();
        let id = registry.enter(0x1000, 0x2000);
        assert!(registry.covers(0x1000, 0x3000));
        assert!(registry.covers(0x2000, 0x3000));
        assert!(!registry.covers(0x0, 0x2000));
        assert!(!registry.covers(0x2000, 0x3001));
        assert!(registry.leave(id));
        assert!(!registry.covers(0x1000, 0x3000));
    }

    #[test]
    fn a_region_that_did_not_come_along_is_not_unmapped() {
        let mut registry = Registry::new();
        let lent = registry.enter(0x1000, 0x1000);
        let kept_back = registry.enter(0x8000, 0x1000);
        registry.keep_only(|id| id == lent);
        let newcomer = registry.enter(0x8000, 0x1000);
        assert!(!registry.leave(kept_back));
        assert!(registry.leave(lent));
        assert!(registry.leave(newcomer));
    }
}
