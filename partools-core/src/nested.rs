//! Is this thread inside a worker right now? A map that starts there runs serially (C8): it can neither
//! deadlock on a pool that waits for it, nor fork from a child, nor multiply threads.

use crate::sync::thread_local;
use std::cell::Cell;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Inside a worker until dropped.
pub(crate) struct Inside(bool);

#[inline]
pub(crate) fn enter() -> Inside {
    Inside(INSIDE.with(|inside| inside.replace(true)))
}

impl Drop for Inside {
    #[inline]
    fn drop(&mut self) {
        INSIDE.with(|inside| inside.set(self.0));
    }
}

#[inline]
pub(crate) fn inside_worker() -> bool {
    INSIDE.with(Cell::get)
}
