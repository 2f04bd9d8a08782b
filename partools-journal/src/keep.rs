//! What is done with an output as soon as it is finished, whatever it waits for: it goes into the file. On whatever thread
//! finished it; the file is behind a lock.

use crate::account::Account;
use crate::store::Store;
use partools_core::{Keeper, Portable};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The file, for a map of the items that it has not.
pub(crate) struct Keeping {
    store: Mutex<Store>,
    missing: Missing,
}

impl Keeping {
    pub(crate) fn new(store: Store, missing: Missing) -> Self {
        Keeping {
            store: Mutex::new(store),
            missing,
        }
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes and syncs all that was kept.
    pub(crate) fn finish(&self) -> Account {
        self.store().finish()
    }
}

impl<O: Portable> Keeper<O> for Keeping {
    fn keep(&self, position: usize, output: &O) {
        let index = self.missing.index(position);
        let mut store = self.store();
        // The user's own `Serialize` may panic. The map has its output all the same.
        if catch_unwind(AssertUnwindSafe(|| store.add(index, output))).is_err() {
            store.give_up(&format!("encoding the output of item {index} panicked"));
        }
    }
    fn settle(&self) {
        self.store().settle();
    }
}

/// The items that a journal has not, in order, as ranges without a gap.
#[derive(Debug, Default)]
pub(crate) struct Missing {
    /// The position of the first item of each range among those that are missing, and its index.
    firsts: Vec<(usize, usize)>,
}

impl FromIterator<usize> for Missing {
    fn from_iter<N: IntoIterator<Item = usize>>(indices: N) -> Self {
        let (mut firsts, mut next) = (Vec::new(), None);
        for (position, index) in indices.into_iter().enumerate() {
            if next != Some(index) {
                firsts.push((position, index));
            }
            next = Some(index + 1);
        }
        Missing { firsts }
    }
}

impl Missing {
    /// The index of the one at `position`.
    fn index(&self, position: usize) -> usize {
        let behind = self.firsts.partition_point(|&(at, _)| at <= position);
        let (at, index) = self.firsts[behind - 1];
        index + (position - at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_lead_back_to_indices_for_every_subset_of_ten() {
        for subset in 1..1_usize << 10 {
            let indices: Vec<usize> = (0..10).filter(|i| subset >> i & 1 == 1).collect();
            let missing: Missing = indices.iter().copied().collect();
            let led = (0..indices.len()).map(|position| missing.index(position));
            assert!(led.eq(indices.iter().copied()), "{indices:?}");
        }
    }
}
