//! What the parent knows of one child's work: the records of its ring, entered one by one.
//!
//! A child's chunk is filled as its outputs arrive; what was not filled when the books are closed goes back to the run.
//! Invariant: what a child says counts as far as the run admits it, and no further.

use crate::notes;
use crate::record;
use crate::worker::broken;
use partools_core::wire::{Record, accept};
use partools_core::{Chunk, ItemError, Portable, Run, decode};
use std::collections::VecDeque;
use std::time::Instant;

/// How far a child has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Born,
    Starting,
    Working,
    Finishing,
    /// It lives on, and waits to be called again.
    Resting,
    Ended,
}

pub(crate) struct Books<'r, O> {
    /// The number of the worker, and what its times are told from.
    number: usize,
    base: Instant,
    pub(crate) stage: Stage,
    /// What the child works on.
    pub(crate) chunk: Option<Chunk<'r, O>>,
    /// What it was handed at its birth and did not begin yet.
    pub(crate) dealt: VecDeque<Chunk<'r, O>>,
    /// So many items has the child answered.
    pub(crate) answered: usize,
    /// The last of what the child wrote to standard error, where that is captured.
    pub(crate) words: Option<String>,
    /// A careful child said that the item in flight began.
    pub(crate) begun: bool,
    /// What it works on was not admitted: nobody needs it.
    pub(crate) is_stray: bool,
    /// No child of this seat was admitted to an item from here on.
    pub(crate) reach: usize,
    /// So many claims of this seat's children were not admitted.
    pub(crate) strays: usize,
}

impl<'r, O: Portable> Books<'r, O> {
    /// Of worker `number`, whose times are since `base`.
    pub(crate) fn new(number: usize, base: Instant) -> Self {
        Books {
            number,
            base,
            stage: Stage::Born,
            chunk: None,
            dealt: VecDeque::new(),
            answered: 0,
            words: None,
            begun: false,
            is_stray: false,
            reach: 0,
            strays: 0,
        }
    }

    /// For a new child, which was handed `dealt`.
    pub(crate) fn open(&mut self, dealt: VecDeque<Chunk<'r, O>>) {
        *self = Books {
            dealt,
            reach: self.reach,
            strays: self.strays,
            ..Books::new(self.number, self.base)
        };
    }

    /// Enters one record. `None` where a sound child could not have sent it.
    pub(crate) fn enter(&mut self, run: &'r Run<O>, kind: u8, payload: &[u8]) -> Option<()> {
        match kind {
            record::STARTING => self.stage = Stage::Starting,
            record::READY => self.stage = Stage::Working,
            record::CLAIM => self.claim(run, payload)?,
            record::ITEM => self.begun = true,
            record::AGAIN => {
                let attempt = u32::from_ne_bytes(payload.try_into().ok()?);
                if let Some(chunk) = &mut self.chunk {
                    chunk.again(attempt);
                }
            }
            record::OUTPUT => self.outputs(Record::Output, payload)?,
            record::ROW => self.outputs(Record::Row, payload)?,
            record::FAILED => {
                let error: ItemError = decode(payload).ok()?;
                let error = match &self.words {
                    Some(words) => error.with_stderr(words),
                    None => error,
                };
                if let Some(chunk) = &mut self.chunk {
                    chunk.fail(error);
                }
                self.close_if_full(1);
            }
            record::BROKEN => run.abort(broken(payload)),
            record::FINISHING => {
                self.chunk = None;
                self.is_stray = false;
                self.stage = Stage::Finishing;
            }
            record::REST => {
                self.chunk = None;
                self.is_stray = false;
                self.stage = Stage::Resting;
            }
            record::END => self.stage = Stage::Ended,
            _ => notes::tell(run, self.number, self.base, kind, payload)?,
        }
        Some(())
    }

    fn claim(&mut self, run: &'r Run<O>, payload: &[u8]) -> Option<()> {
        let range = record::parse_claim(payload)?;
        // What was left of the chunk before goes back (it is not needed, or the child would not go on).
        self.chunk = None;
        self.begun = false;
        let is_dealt = |chunk: &Chunk<'_, O>| chunk.range() == range;
        self.chunk = match self.dealt.front().is_some_and(is_dealt) {
            true => self.dealt.pop_front(),
            false => run.admit(range.clone()),
        };
        if let Some(chunk) = &mut self.chunk {
            chunk.given_to(self.number);
        }
        // A claim that is not admitted was made from a counter that somebody scribbled over: its items were handed out
        // before, and what arrives for them is thrown away.
        self.is_stray = self.chunk.is_none();
        match self.is_stray {
            true => self.strays += 1,
            false => self.reach = self.reach.max(range.end),
        }
        Some(())
    }

    /// A full chunk counts at once: others may wait for what is behind it.
    fn close_if_full(&mut self, answered: usize) {
        self.begun = false;
        self.answered += answered;
        if self.chunk.as_ref().is_some_and(Chunk::is_full) {
            self.chunk = None;
        }
    }

    /// One output, or a row of them.
    fn outputs(&mut self, record: Record, payload: &[u8]) -> Option<()> {
        // What a stray sends is thrown away.
        let mut answered = 1;
        if let Some(chunk) = &mut self.chunk {
            let before = chunk.position();
            accept(record, payload, chunk).ok()?;
            answered = chunk.position() - before;
        }
        self.close_if_full(answered);
        Some(())
    }
}
