//! How a child's end is taken: what it still sent is read, its books are closed, observers hear of it, and who is to blame
//! is found. The crew learns from a [`Death`] what to make of it.
//!
//! ```text
//!   reaped -> the rest of its ring -> is the ring whole? -> stage, chunk, who killed it -> blame an item, or doubt
//! ```
//! Invariant: an item is blamed only where it is known that it was in flight.

use super::{Seat, hear};
use crate::books::Stage;
use partools_core::{Cause, Chunk, Portable, Run, WorkerError};
use partools_os::{End, Exit, Killed};
use std::collections::BTreeSet;

/// A start that ends in SIGKILL may have been somebody else's doing; one that does so again and again is at fault.
const LOST_STARTS: usize = 3;

/// What a child's end means for the crew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// By itself, or because we had no more use for it.
    Clean,
    /// The item in flight is known and was blamed.
    Blamed,
    /// It was killed because there was too little memory for all of them.
    Crowded,
    /// The item in flight is known, and somebody else killed its worker: who made a doubt is not found with it.
    Killed,
    /// No item was in flight.
    BetweenItems,
    /// Which item was in flight is not known for sure.
    Doubtful,
}

impl<'r, O: Portable> Seat<'r, O> {
    /// If the child has ended: settles its books. `number` is its worker's.
    pub(crate) fn bury(
        &mut self,
        run: &'r Run<O>,
        number: usize,
        pardoned: &mut BTreeSet<usize>,
    ) -> Option<Death> {
        let exit = self.child.as_mut()?.try_reap()?;
        hear(self.child.take().as_mut(), &mut self.books);
        while !self.is_corrupt && self.read(run).more {}
        // A child that trips over its own ring may do so long after the item that overwrote it.
        self.is_corrupt |= self
            .ring
            .as_ref()
            .is_some_and(|ring| !self.inbox.is_intact(ring));
        self.books.dealt.clear();
        let chunk = self.books.chunk.take();
        let stage = self.books.stage;
        let is_well = matches!(stage, Stage::Ended | Stage::Resting)
            || matches!(self.killed, Some(Killed::Unneeded))
            || run.is_stopped();
        self.is_again = !is_well;
        let moved = std::mem::take(&mut self.moved);
        let end = self.ended(exit);
        end.tell(run, (number, moved), chunk.as_ref(), is_well);
        if !is_well {
            return Some(self.judge(run, number, exit, chunk, pardoned));
        }
        if let (Stage::Working, Some(chunk)) = (stage, chunk) {
            chunk.stopped();
        }
        Some(Death::Clean)
    }

    /// It did not end well: who is to blame?
    fn judge(
        &mut self,
        run: &'r Run<O>,
        number: usize,
        exit: Exit,
        chunk: Option<Chunk<'r, O>>,
        pardoned: &mut BTreeSet<usize>,
    ) -> Death {
        // SIGKILL is nobody's own fault: it comes from the system when memory runs out, or from an operator.
        let from_outside =
            exit.is_kill() && !matches!(self.killed, Some(Killed::Corrupt | Killed::Memory(_)));
        let stage = self.books.stage;
        let is_doubtful = match (self.careful, stage) {
            (true, Stage::Starting | Stage::Finishing) => false,
            (true, _) => !self.books.begun,
            (false, _) => self.is_corrupt,
        };
        match (stage, chunk) {
            _ if matches!(&self.killed, Some(Killed::Memory(hog)) if hog.is_crowded_out()) => {
                Death::Crowded
            }
            _ if is_doubtful => Death::Doubtful,
            (Stage::Starting, _) if from_outside && self.lost_starts < LOST_STARTS => {
                self.lost_starts += 1;
                Death::BetweenItems
            }
            // Its outputs are all there.
            (Stage::Finishing, _) if from_outside => Death::Clean,
            (Stage::Starting, _) => {
                let why = format!("its process {}", self.ended(exit));
                run.abort(WorkerError::start(number, why.into()));
                Death::Clean
            }
            (Stage::Finishing, _) => {
                let ended = self.ended(exit);
                run.abort(WorkerError::task(format!(
                    "dropping the state of worker {number}: its process {ended}"
                )));
                Death::Clean
            }
            (Stage::Working, Some(chunk)) if !chunk.is_full() => self.blame(chunk, exit, pardoned),
            // What a child that is gone before it said anything did, nobody knows; it hardly overwrote its ring first if
            // it was killed from outside.
            (Stage::Born, _) if from_outside => Death::BetweenItems,
            (Stage::Born, _) => Death::Doubtful,
            (Stage::Working | Stage::Resting | Stage::Ended, _) => Death::BetweenItems,
        }
    }

    /// As in "its process ...".
    fn ended(&self, exit: Exit) -> End<'_> {
        End::new(exit, self.killed.as_ref()).after(self.fatal_panic(exit))
    }

    /// The panic that ended the child, where panics end processes.
    fn fatal_panic(&self, exit: Exit) -> Option<Cause> {
        let note = self.panic_note.as_ref()?;
        exit.is_signal("SIGABRT").then(|| note.read()).flatten()
    }

    /// The child died with an item in flight.
    fn blame(&self, chunk: Chunk<'r, O>, exit: Exit, pardoned: &mut BTreeSet<usize>) -> Death {
        let at = chunk.position();
        let cause = match &self.killed {
            // It was on its way to the next item when the notice reached it: that one is innocent.
            Some(Killed::Late(late)) if !late.is_item(at) => return Death::BetweenItems,
            Some(Killed::Late(late)) => late.cause(self.clock()),
            Some(Killed::Memory(hog)) if !hog.is_item(at) => return Death::BetweenItems,
            // Those before it may have left the memory behind: once it is called again, by a fresh worker.
            Some(Killed::Memory(_)) if self.books.answered > 0 && pardoned.insert(at) => {
                return Death::Clean;
            }
            Some(Killed::Memory(hog)) => hog.excess().cause(),
            _ => self.ended(exit).cause(),
        };
        chunk.lost_saying(cause, self.books.words.clone());
        match self.killed {
            None if exit.is_kill() => Death::Killed,
            _ => Death::Blamed,
        }
    }
}
