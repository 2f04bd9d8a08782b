//! The two pieces of memory that all children of a map see.
//!
//! ```text
//!   counter (children write)   next: the index behind the last claim
//!   board   (children read)    gate, change | limit: claims end here | bound: nothing from here on is needed
//! ```
//!
//! They are separate regions so that a child that runs wild can spoil claims, which the parent checks, but not what
//! the parent says.

use partools_os::{Access, Region, change_and_wake, sleep_while};
use std::io;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;

const GATE: usize = 0;
const CHANGE: usize = 1;
const LIMIT: usize = 0;
const BOUND: usize = 1;
/// A child that waits for the limit to move looks again by itself this often.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

pub(crate) struct Board {
    counter: Region,
    board: Region,
}

impl Board {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Board {
            counter: Region::new(8)?,
            board: Region::with_halves(2, 16)?,
        })
    }

    /// What to lend to a child.
    pub(crate) fn lent(&self) -> [(&Region, Access); 2] {
        [
            (&self.counter, Access::ReadWrite),
            (&self.board, Access::ReadOnly),
        ]
    }

    /// Where children wait until the parent is ready for them.
    pub(crate) fn gate(&self) -> &AtomicU32 {
        &self.board.halves()[GATE]
    }

    /// The index behind the last claim; to be taken for a hint by the parent.
    pub(crate) fn counter(&self) -> &AtomicU64 {
        &self.counter.words()[0]
    }

    /// Claims end below this.
    pub(crate) fn limit(&self) -> usize {
        number(&self.board.words()[LIMIT])
    }

    /// Nothing from here on is needed.
    pub(crate) fn bound(&self) -> usize {
        number(&self.board.words()[BOUND])
    }

    /// Says how far claims may go and what is needed. For the parent.
    pub(crate) fn publish(&self, limit: usize, bound: usize) {
        if limit != self.limit() || bound != self.bound() {
            self.board.words()[BOUND].store(bound as u64, Relaxed);
            self.board.words()[LIMIT].store(limit as u64, Release);
            change_and_wake(&self.board.halves()[CHANGE]);
        }
    }

    /// Ends all claims: children that wait for the limit to move go home. For the parent.
    pub(crate) fn close_counter(&self) {
        self.counter().store(u64::MAX, Relaxed);
        change_and_wake(&self.board.halves()[CHANGE]);
    }

    /// Sleeps until `ready` says true of what the parent published. For a child.
    pub(crate) fn wait_until(&self, ready: impl Fn() -> bool) {
        let change = &self.board.halves()[CHANGE];
        loop {
            let seen = change.load(Acquire);
            if ready() {
                return;
            }
            sleep_while(change, seen, LOOK_AGAIN);
        }
    }
}

fn number(word: &AtomicU64) -> usize {
    usize::try_from(word.load(Acquire)).unwrap_or(usize::MAX)
}
