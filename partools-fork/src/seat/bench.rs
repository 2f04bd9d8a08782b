//! A seat whose child outlives a run: how it is left to the next one, and taken over there.
//!
//! ```text
//!   run 1: Seat .. REST ── leave ──> Bench, nobody's ── kept ──> run 2: Seat, its child rests ── call ──> it works
//! ```
//! Invariant: what is kept has no chunk of a run that is over, and its child is one that nobody has killed or found corrupt.

use super::Seat;
use crate::books::Stage;
use crate::panic_note::PanicNote;
use partools_core::{Chunk, Event, Portable, Run};
use partools_os::{Child, Inbox, Region, Ring};
use std::collections::VecDeque;
use std::time::Instant;

/// What stays of a seat when a run is over and its child lives on.
pub(crate) struct Bench {
    ring: Option<Ring>,
    inbox: Inbox,
    clock: Option<Region>,
    panic_note: Option<PanicNote>,
    child: Option<Child>,
}

impl Bench {
    pub(crate) fn child(&self) -> Option<&Child> {
        self.child.as_ref()
    }
}

impl<O> Seat<'_, O> {
    /// Has it a child that can be called?
    pub(crate) fn is_resting(&self) -> bool {
        self.child.is_some() && self.books.stage == Stage::Resting && self.is_trusted()
    }

    /// Can it be given work: to a child that is to be born here, or to one that rests?
    pub(crate) fn is_free(&self) -> bool {
        self.child.is_none() || self.is_resting()
    }

    fn is_trusted(&self) -> bool {
        self.killed.is_none() && !self.is_corrupt
    }
}

impl<'r, O: Portable> Seat<'r, O> {
    /// As it was left by the run before: its child rests.
    pub(crate) fn kept(number: usize, base: Instant, bench: Bench) -> Self {
        let mut seat = Seat::empty(number, base);
        seat.books.stage = Stage::Resting;
        Seat {
            ring: bench.ring,
            inbox: bench.inbox,
            clock: bench.clock,
            panic_note: bench.panic_note,
            child: bench.child,
            ..seat
        }
    }

    /// Leaves it for the next run, at the end of one in which nobody works any more.
    pub(crate) fn leave(mut self) -> Bench {
        // Whoever was killed, or cannot be trusted, is reaped here.
        let is_kept = self.is_resting();
        Bench {
            ring: self.ring,
            inbox: self.inbox,
            clock: self.clock,
            panic_note: self.panic_note,
            child: self.child.take().filter(|_| is_kept),
        }
    }

    /// The child that rests is called to another round, with these chunks: from now on it works.
    pub(crate) fn call(&mut self, dealt: VecDeque<Chunk<'r, O>>, careful: bool) {
        self.arm();
        self.books.open(dealt);
        self.careful = careful;
    }

    /// The child has come to rest: what it was dealt and did not begin goes back, and observers hear what it sent.
    pub(crate) fn rest(&mut self, run: &Run<O>, number: usize) {
        self.books.dealt.clear();
        let bytes = std::mem::take(&mut self.moved);
        if bytes > 0 {
            run.note(Event::Moved {
                bytes,
                worker: Some(number),
            });
        }
    }
}
