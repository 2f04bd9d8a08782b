//! The counter from which children claim, and what it hides: it is theirs to write, so they may have lost claims there,
//! or overwritten it. Then the run's books are looked through instead, when nobody works.
//!
//! ```text
//!   all wait, the window does not move -> counter closed -> children go home -> what is in the books and not done is free
//!   a claim that is not admitted       -> counter closed for good, the rest is dealt from the books
//! ```

use super::Crew;
use crate::seat::Seat;
use partools_core::{Portable, Task};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Longer than this no child takes between a claim and its record, as a rule.
const STALL: Duration = Duration::from_millis(10);

impl<T: Task> Crew<'_, T>
where
    T::Output: Portable,
{
    /// All children wait for the window to move, and it does not: something in it is theirs no more, and nobody is
    /// free to take it. A child may have died between claim and record, or could not be replaced, or the counter was
    /// overwritten. They are sent home, so that the books can be looked through; should one of them be busy after all,
    /// its claims still count. How long until that is due, where it may be.
    pub(super) fn end_stall(&self) -> Option<Duration> {
        let next = self.board.counter().load(Relaxed);
        let is_waiting = next >= self.run.claim_limit() as u64 && next < self.run.bound() as u64;
        let is_idle = |seat: &Seat<'_, _>| !seat.is_taken() || seat.is_idle();
        if !is_waiting || !self.seats.iter().all(is_idle) {
            return None;
        }
        let left = STALL.saturating_sub(self.heard.elapsed());
        if left.is_zero() {
            self.board.close_counter();
            return None;
        }
        Some(left)
    }

    /// A claim that is not admitted comes from a counter that was overwritten. No child gets anything from it any more:
    /// else one that sets it back would have its items done again and again.
    pub(super) fn look_for_strays(&mut self) {
        let strays = self.seats.iter().map(Seat::strays).sum();
        if strays > self.strays {
            self.strays = strays;
            self.is_spoilt = true;
        }
        if self.is_spoilt {
            self.board.close_counter();
        }
    }

    /// Nobody works, so what was claimed and not announced is free again. What lies behind the last announced claim
    /// is the counter's; the few items before it are looked at one by one, in a stream: they lie within a window.
    pub(super) fn reopen(&mut self) {
        if !self.run.is_streaming() {
            self.run.reclaim();
            return;
        }
        let reach = self.seats.iter().map(Seat::reach).max().unwrap_or(0);
        for index in self.run.handed_out()..reach.min(self.run.claim_limit()) {
            // Given back at once, if it is free.
            drop(self.run.admit(index..index + 1));
        }
        self.board.counter().store(reach as u64, Relaxed);
        self.is_spoilt = false;
    }

    /// Does the counter have items that nobody claimed? It may lie after a child scribbled over it; then the books
    /// still hold, and what it hides is found when nobody works any more.
    pub(super) fn is_counter_open(&self) -> bool {
        !self.is_spoilt && self.board.counter().load(Relaxed) < self.run.bound() as u64
    }
}
