//! The live [`Region`](crate::Region)s of this process, by address.
//!
//! Two questions are answered here: which shared mappings are ours (`mappings.rs` leaves them out), and whether a
//! region that is dropped is mapped in *this* process at all (in a forked child, regions that were not lent are
//! holes, and something else may live there by now).
//!
//! Invariant: whoever maps, unmaps or forks holds the lock, so a child always inherits a list that is whole, with the
//! lock held by the one thread that it has.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// One region that is mapped in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Live {
    /// Given out once per region and process family, so that a reused address is not taken for the region before it.
    pub(crate) id: u64,
    pub(crate) start: usize,
    pub(crate) bytes: usize,
}

/// The list itself, with the next free id.
#[derive(Debug)]
pub(crate) struct Registry {
    next_id: u64,
    live: Vec<Live>,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    next_id: 0,
    live: Vec::new(),
});

/// Nothing panics while the lock is held, and every change is a single call: a poisoned list is still whole.
pub(crate) fn lock() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_covered_only_by_one_region_that_holds_all_of_it() {
        let mut registry = Registry {
            next_id: 0,
            live: Vec::new(),
        };
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
        let mut registry = Registry {
            next_id: 0,
            live: Vec::new(),
        };
        let lent = registry.enter(0x1000, 0x1000);
        let kept_back = registry.enter(0x8000, 0x1000);
        registry.keep_only(|id| id == lent);
        let newcomer = registry.enter(0x8000, 0x1000);
        assert!(!registry.leave(kept_back));
        assert!(registry.leave(lent));
        assert!(registry.leave(newcomer));
    }
}
