//! The gate between a caller and its helpers: one word that says whether a map is under way, which one, and how many
//! helpers are inside.
//!
//! ```text
//!   open    caller: a map is under way              enter   helper: one more inside, if it is open
//!   close   caller: nobody enters any more          leave   helper: one fewer
//!   call    caller: come now, it pays               doze    helper 1: wake me at the next opening, if it is closed
//! ```
//!
//! Every step is one change of the word, so each of them knows what came before it: an opening sees that somebody dozes
//! or has not dozed yet, and who dozes sees that nothing was opened. What the caller wrote before it opened is seen by
//! who entered, and what a helper wrote before it left is seen by the caller who finds nobody inside.

use crate::sync::{AtomicU64, Ordering};

const INSIDE: u64 = (1 << 20) - 1;
const OPEN: u64 = 1 << 20;
const CALLED: u64 = 1 << 21;
const DOZING: u64 = 1 << 22;
const SHUT: u64 = 1 << 23;
/// Maps are counted above, and the count may wrap: a helper compares it with the one before.
const MAP: u64 = 1 << 24;

/// What the gate said at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look(u64);

impl Look {
    /// A map is under way.
    pub(crate) fn is_open(self) -> bool {
        self.0 & OPEN != 0
    }

    /// For ever.
    pub(crate) fn is_shut(self) -> bool {
        self.0 & SHUT != 0
    }

    pub(crate) fn is_dozing(self) -> bool {
        self.0 & DOZING != 0
    }

    /// Which map it is, or was.
    pub(crate) fn map(self) -> u64 {
        self.0 / MAP
    }

    fn inside(self) -> u64 {
        self.0 & INSIDE
    }
}

#[derive(Debug)]
pub(crate) struct Gate(AtomicU64);

impl Gate {
    pub(crate) fn new() -> Self {
        Gate(AtomicU64::new(0))
    }

    pub(crate) fn look(&self) -> Look {
        Look(self.0.load(Ordering::Acquire))
    }

    /// A map begins. For one caller at a time, who closes it before the next. True where helper 1 dozed, who must be woken.
    pub(crate) fn open(&self) -> bool {
        let before = Look(self.0.fetch_add(MAP + OPEN, Ordering::AcqRel));
        debug_assert!(!before.is_open() && before.inside() == 0, "{before:?}");
        if before.is_dozing() {
            self.0.fetch_and(!DOZING, Ordering::Relaxed);
        }
        before.is_dozing()
    }

    /// True the first time in a map, unless somebody is inside already: then helper 1 must be woken.
    pub(crate) fn call(&self) -> bool {
        let before = Look(self.0.fetch_or(CALLED, Ordering::Relaxed));
        before.0 & CALLED == 0 && before.inside() == 0
    }

    /// The map is over: nobody enters any more. True where nobody is inside.
    pub(crate) fn close(&self) -> bool {
        Look(self.0.fetch_and(!(OPEN | CALLED), Ordering::AcqRel)).inside() == 0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.look().inside() == 0
    }

    /// Goes inside, where a map is under way: that one.
    pub(crate) fn enter(&self) -> Option<Look> {
        let step = |word| Look(word).is_open().then_some(word + 1);
        let entered = self
            .0
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, step);
        entered.ok().map(Look)
    }

    /// True for the last one out of a map that is over: its caller may wait for that.
    pub(crate) fn leave(&self) -> bool {
        let before = Look(self.0.fetch_sub(1, Ordering::Release));
        !before.is_open() && before.inside() == 1
    }

    /// From now on an opening wakes helper 1. False, and nothing changed, where a map is under way or there are no more.
    pub(crate) fn doze(&self) -> bool {
        let step = |word| {
            let idle = !Look(word).is_open() && !Look(word).is_shut();
            idle.then_some(word | DOZING)
        };
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, step)
            .is_ok()
    }

    /// There are no more maps.
    pub(crate) fn shut(&self) {
        self.0.fetch_or(SHUT, Ordering::AcqRel);
    }
}
