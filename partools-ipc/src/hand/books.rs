//! What a record of a worker changes: believed as far as a sound worker could have said it.

use super::{Posted, Stage};
use crate::message::{CLOSED, HELLO, OPENED, READY, REFUSED, UNFIT};
use crate::seat::Life;
use partools_core::wire::{Record, accept};
use partools_core::{Error, ItemError, Portable, Run, decode, encode};
use partools_os::{Child, Killed, Late};
use std::collections::{BTreeSet, VecDeque};

/// What one record brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entered {
    Nothing,
    Item,
    /// A chunk is answered.
    Chunk,
}

/// What a record changes.
pub(super) struct Books<'h, 'r, O> {
    pub(super) stage: &'h mut Stage,
    pub(super) queue: &'h mut VecDeque<Posted<'r, O>>,
    pub(super) worker: usize,
    pub(super) life: &'h mut Life,
    pub(super) has_setup: bool,
    pub(super) known: &'h mut BTreeSet<u64>,
    pub(super) unconfirmed: &'h mut usize,
    pub(super) killed: Option<&'h Killed>,
    pub(super) touched: &'h mut bool,
    pub(super) answered: &'h mut usize,
    pub(super) is_over: &'h mut bool,
    pub(super) child: &'h Child,
}

impl<O: Portable> Books<'_, '_, O> {
    /// Enters one record. `None` where a sound worker could not have sent it.
    pub(super) fn enter(&mut self, run: &Run<O>, kind: u8, payload: &[u8]) -> Option<Entered> {
        match kind {
            HELLO if *self.life == Life::Started => *self.life = Life::after_hello(self.has_setup),
            READY => *self.life = Life::Ready,
            UNFIT => {
                *self.life = Life::Unfit;
                run.abort(Error::executor(format!(
                    "setting up worker process {} failed: {}",
                    self.worker,
                    String::from_utf8_lossy(payload)
                )));
            }
            // Of a map that began nothing there: nobody waited for this.
            OPENED | REFUSED if *self.unconfirmed > 0 => {}
            CLOSED if *self.unconfirmed > 0 => *self.unconfirmed -= 1,
            OPENED => *self.stage = (*self.stage).max_open(),
            REFUSED => {
                // It has let go of all of it.
                self.known.clear();
                run.abort(Error::executor(format!(
                    "a worker process cannot serve this map: {}",
                    String::from_utf8_lossy(payload)
                )));
            }
            CLOSED => {
                if !payload.is_empty() {
                    run.abort(Error::executor(String::from_utf8_lossy(payload)));
                }
                *self.stage = Stage::Closed;
            }
            _ => return self.record(run, Record::from_byte(kind)?, payload),
        }
        Some(Entered::Nothing)
    }

    /// A record of an answer.
    fn record(&mut self, run: &Run<O>, record: Record, payload: &[u8]) -> Option<Entered> {
        let posted = self.queue.front_mut()?;
        let is_item = matches!(record, Record::Output | Record::Row | Record::Failed);
        if posted.begun == (record == Record::Begin) {
            return None;
        }
        let is_late = |late: &Late| late.is_item(posted.chunk.position());
        if is_item && matches!(self.killed, Some(Killed::Late(late)) if is_late(late)) {
            *self.is_over = true;
            return Some(Entered::Nothing);
        }
        let told = match record {
            Record::Failed => with_words(payload, self.child),
            _ => None,
        };
        let payload = told.as_deref().unwrap_or(payload);
        let before = posted.chunk.position();
        match accept(record, payload, &mut posted.chunk) {
            Ok(false) if is_item => {
                *self.answered += posted.chunk.position() - before;
                Some(Entered::Item)
            }
            Ok(false) => {
                // Its beginning was about the items that it was asked for.
                (posted.begun, *self.touched) = (true, true);
                Some(Entered::Nothing)
            }
            Ok(true) => {
                drop(self.queue.pop_front());
                Some(Entered::Chunk)
            }
            Err(why) if record == Record::Broken => {
                run.abort(why);
                drop(self.queue.pop_front());
                Some(Entered::Chunk)
            }
            Err(_) => None,
        }
    }
}

/// The failure of an item with what its worker wrote to standard error, where that is captured.
fn with_words(payload: &[u8], child: &Child) -> Option<Vec<u8>> {
    let words = child.last_words()?;
    let failure = decode::<ItemError>(payload).ok()?.with_stderr(&words);
    let mut scratch = Vec::new();
    let told = encode(&failure, &mut scratch);
    told.ok().map(<[u8]>::to_vec)
}

impl Stage {
    /// Open, unless it is being closed already.
    fn max_open(self) -> Stage {
        match self {
            Stage::Opening => Stage::Open,
            later => later,
        }
    }
}
