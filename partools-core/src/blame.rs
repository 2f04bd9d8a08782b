//! Which item is to blame, where a task calls several items of another task for one output ([`Folded`](crate::Folded)).
//! The worker's loop sees one item fail; the item inside is noted here while the panic unwinds, and taken into the
//! [`ItemError`](crate::ItemError) that is made of it. Invariant: a note is taken by the next failure made on its thread, so
//! that none is ever found by another one.

use crate::sync::thread_local;
use std::cell::Cell;

thread_local! {
    static INSIDE: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Notes `next` when it is dropped by a panic.
pub(crate) struct OnUnwind<'n>(pub(crate) &'n Cell<usize>);

impl Drop for OnUnwind<'_> {
    #[inline]
    fn drop(&mut self) {
        if std::thread::panicking() {
            INSIDE.with(|inside| inside.set(Some(self.0.get())));
        }
    }
}

/// The item inside that panicked last, if it was noted.
pub(crate) fn take() -> Option<usize> {
    INSIDE.with(Cell::take)
}
