//! The outputs of a run: one slot for each item of the window (the whole map, where all outputs are
//! wanted at the end), reused in turn. All raw access to outputs in the core is in this file.
//!
//! ```text
//! index     0 .. delivered .. delivered + capacity .. count
//! slot      index % capacity: lent to the one chunk that claimed it, then read by the caller
//! ```
//!
//! Invariant, kept by `Run`: an index is claimed once, and only while it is below
//! `delivered + capacity`; so no two live claims and no undelivered output share a slot.

use std::cell::UnsafeCell;
use std::collections::TryReserveError;
use std::mem::{ManuallyDrop, MaybeUninit};

pub(crate) struct Slots<O>(Box<[UnsafeCell<MaybeUninit<O>>]>);

// SAFETY: through a shared `Slots`, threads write and read outputs of disjoint indices (the invariant
// above); an output then moves from the thread that made it to another, which `O: Send` allows.
unsafe impl<O: Send> Sync for Slots<O> {}

impl<O> Slots<O> {
    /// `capacity` empty slots (at least one). Their memory is not touched.
    pub(crate) fn new(capacity: usize) -> Result<Self, TryReserveError> {
        let capacity = capacity.max(1);
        let mut cells: Vec<UnsafeCell<MaybeUninit<O>>> = Vec::new();
        cells.try_reserve_exact(capacity)?;
        // SAFETY: the capacity was just reserved, and a `MaybeUninit` needs no value.
        unsafe { cells.set_len(capacity) };
        Ok(Slots(cells.into_boxed_slice()))
    }

    /// No slots at all.
    pub(crate) fn none() -> Self {
        Slots(Box::default())
    }

    pub(crate) fn capacity(&self) -> usize {
        self.0.len()
    }

    /// The slot of `index`. Divides only where the window has moved.
    #[inline]
    fn place(&self, index: usize) -> usize {
        if index < self.0.len() {
            index
        } else {
            index % self.0.len()
        }
    }

    /// How many slots lie in a row from that of `index` on.
    #[inline]
    pub(crate) fn in_a_row(&self, index: usize) -> usize {
        self.0.len() - self.place(index)
    }

    /// The slots of `index..index + len`.
    ///
    /// # Safety
    /// The caller holds the claim on these indices, lends their slots to nobody else while the slice
    /// lives, and `len` is at most [`in_a_row`](Self::in_a_row).
    #[allow(
        clippy::mut_from_ref,
        reason = "exclusive by the claim on the indices, not by the borrow"
    )]
    #[inline]
    pub(crate) unsafe fn lend(&self, index: usize, len: usize) -> &mut [MaybeUninit<O>] {
        let first = self.place(index);
        let cells = &self.0[first..first + len];
        let slots = UnsafeCell::raw_get(cells.as_ptr()).cast::<MaybeUninit<O>>();
        // SAFETY: `cells` is a live slice of `len` cells, bounds-checked above; a cell has the layout of
        // what it holds; the caller's claim makes the access exclusive.
        unsafe { std::slice::from_raw_parts_mut(slots, len) }
    }

    /// The finished outputs of `index..index + len`.
    ///
    /// # Safety
    /// The caller holds the claim on these indices, their slots are filled, and `len` is at most
    /// [`in_a_row`](Self::in_a_row).
    pub(crate) unsafe fn filled(&self, index: usize, len: usize) -> &[O] {
        // SAFETY: the claim, by this function's own contract.
        let slots = unsafe { self.lend(index, len) };
        // SAFETY: all of them are filled, by this function's own contract, and a filled `MaybeUninit<O>` has
        // the layout of an `O`.
        unsafe { std::slice::from_raw_parts(slots.as_ptr().cast::<O>(), slots.len()) }
    }

    /// Moves the output of `index` out.
    ///
    /// # Safety
    /// The slot of `index` is filled, nobody else has access to it, and it is not read again until it is
    /// filled anew.
    #[inline]
    pub(crate) unsafe fn take(&self, index: usize) -> O {
        let cell = &self.0[self.place(index)];
        // SAFETY: filled and exclusively ours, by this function's contract; the layout is that of an `O`.
        unsafe { cell.get().cast::<O>().read() }
    }

    /// All slots as a vector.
    ///
    /// # Safety
    /// Every slot is filled.
    pub(crate) unsafe fn into_vec(self) -> Vec<O> {
        let mut cells = ManuallyDrop::new(self.0);
        let (outputs, len) = (cells.as_mut_ptr().cast::<O>(), cells.len());
        // SAFETY: pointer and length are those of a boxed slice that is not dropped; a cell of a filled
        // `MaybeUninit<O>` has the layout of an `O`, and all are filled by this function's contract.
        unsafe { Vec::from_raw_parts(outputs, len, len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_wrap_around_and_come_out_once() {
        let slots: Slots<String> = Slots::new(3).expect("three strings");
        for round in 0..4 {
            for i in 3 * round..3 * round + 3 {
                assert_eq!(slots.in_a_row(i), 3 - i % 3);
                // SAFETY: one thread, one slot, filled here and taken below.
                let slot = unsafe { slots.lend(i, 1) };
                slot[0].write(i.to_string());
            }
            for i in 3 * round..3 * round + 3 {
                // SAFETY: filled above, and taken once.
                assert_eq!(unsafe { slots.take(i) }, i.to_string());
            }
        }
    }

    #[test]
    fn a_full_set_of_slots_becomes_the_vector() {
        let slots: Slots<String> = Slots::new(5).expect("five strings");
        // SAFETY: one thread.
        for (i, slot) in unsafe { slots.lend(0, 5) }.iter_mut().enumerate() {
            slot.write(i.to_string());
        }
        // SAFETY: filled above.
        assert_eq!(unsafe { slots.filled(1, 2) }, ["1", "2"]);
        // SAFETY: filled above.
        assert_eq!(unsafe { slots.into_vec() }, ["0", "1", "2", "3", "4"]);
    }

    #[test]
    fn an_impossible_capacity_is_an_error() {
        assert!(Slots::<u64>::new(usize::MAX).is_err());
        assert!(Slots::<()>::new(usize::MAX).is_ok());
    }
}
