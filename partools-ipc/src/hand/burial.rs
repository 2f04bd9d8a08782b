//! A worker's end: what it had said counts, and the item in flight is blamed, if it is known and to blame.

use super::{HELLO_WITHIN, Hand, Stage};
use crate::seat::Life;
use partools_core::{Chunk, Error, Portable, Run, WorkerError};
use partools_os::{End, Exit, Killed};
use std::collections::BTreeSet;

/// What a worker's end means for the map.
#[derive(Debug)]
pub(crate) enum Death {
    /// By itself, or because there was no more use for it.
    Clean,
    /// The item in flight is known and was blamed.
    Blamed,
    /// It was killed because there was too little memory for all of them.
    Crowded,
    /// No item was in flight.
    BetweenItems,
    /// Which item was in flight is not known for sure.
    Doubtful,
    /// Somebody else killed it before it served.
    Slain,
    /// It never came to serve: why, as far as that is known.
    Stillborn(String),
}

impl<'r, O: Portable> Hand<'r, '_, O> {
    /// It has ended: settles its books. Its chunks go back to the run, or their item in flight is blamed.
    pub(crate) fn bury(
        mut self,
        run: &'r Run<O>,
        exit: Exit,
        pardoned: &mut BTreeSet<usize>,
    ) -> Death {
        self.seat.child.hear();
        while !self.is_corrupt && self.read(run).more {}
        // One that trips over its own ring may do so long after the item that overwrote it.
        self.is_corrupt |= !self.seat.inbox.is_intact(&self.seat.ring);
        let front = self.queue.pop_front();
        self.queue.clear();
        let moved = (self.number(), std::mem::take(&mut self.moved));
        let at = front.as_ref().filter(|posted| posted.begun);
        let is_well = matches!(self.killed, Some(Killed::Unneeded)) || run.is_stopped();
        let end = self.ended(exit);
        end.tell(run, moved, at.map(|posted| &posted.chunk), is_well);
        if is_well {
            if let Some(posted) = front.filter(|posted| posted.begun) {
                posted.chunk.stopped();
            }
            return Death::Clean;
        }
        if self.seat.life == Life::Started && !self.is_corrupt {
            // Somebody else killed it, unless it was we who had waited long enough.
            let is_victim = exit.is_kill() && self.seat.born.elapsed() < HELLO_WITHIN;
            return match is_victim {
                true => Death::Slain,
                false => Death::Stillborn(self.why_stillborn(exit)),
            };
        }
        if let (Life::SettingUp(_), false) = (self.seat.life, self.is_corrupt) {
            if exit.is_kill() {
                return Death::Slain;
            }
            let words = self.seat.child.last_words();
            let words = words.map_or(String::new(), |words| format!("; it had written: {words}"));
            let (number, ended) = (self.number(), self.ended(exit));
            run.abort(Error::executor(format!(
                "worker process {number} {ended} while its setup was called{words}"
            )));
            return Death::Clean;
        }
        // SIGKILL is nobody's own fault: it comes from the system when memory runs out, or from an operator.
        let from_outside =
            exit.is_kill() && !matches!(self.killed, Some(Killed::Corrupt | Killed::Memory(_)));
        if matches!(&self.killed, Some(Killed::Memory(hog)) if hog.is_crowded_out()) {
            return Death::Crowded;
        }
        match (self.stage, front) {
            // Its outputs are all there.
            (Stage::Closed, _) => Death::Clean,
            (Stage::Closing, _) if from_outside || !self.touched => Death::Clean,
            (Stage::Closing, _) => {
                let (number, ended) = (self.number(), self.ended(exit));
                let what = format!("dropping the state of worker {number}: its process {ended}");
                run.abort(WorkerError::task(what));
                Death::Clean
            }
            (_, Some(posted)) if self.is_corrupt && !(posted.careful && posted.begun) => {
                Death::Doubtful
            }
            (_, Some(posted)) if posted.begun && !posted.chunk.is_full() => {
                self.blame(posted.chunk, exit, pardoned)
            }
            _ if self.is_corrupt => Death::Doubtful,
            // It took its first request, and has begun no item: it died while making its state.
            (Stage::Open, Some(posted))
                if !self.touched && self.seat.desk.is_taken(posted.ticket) && !from_outside =>
            {
                let why = format!("its process {}", self.ended(exit));
                run.abort(WorkerError::start(self.number(), why.into()));
                Death::Clean
            }
            // Nobody had asked for anything for so long that it went, and then somebody did.
            (Stage::Opening, _) if exit == Exit::Code(0) => Death::Clean,
            _ => Death::BetweenItems,
        }
    }

    fn why_stillborn(&self, exit: Exit) -> String {
        let words = self.seat.line.last_words();
        let ended = match self.seat.born.elapsed() >= HELLO_WITHIN {
            true => format!("did not answer within {HELLO_WITHIN:?}"),
            false => self.ended(exit).to_string(),
        };
        match words.is_empty() {
            true => ended,
            false => format!("{ended}: {words}"),
        }
    }

    /// As in "its process ...".
    fn ended(&self, exit: Exit) -> End<'_> {
        End::new(exit, self.killed.as_ref())
    }

    /// It died with an item in flight.
    fn blame(&self, chunk: Chunk<'r, O>, exit: Exit, pardoned: &mut BTreeSet<usize>) -> Death {
        let at = chunk.position();
        let cause = match &self.killed {
            // It was on its way to the next item when the notice reached it: that one is innocent.
            Some(Killed::Late(late)) if !late.is_item(at) => return Death::BetweenItems,
            Some(Killed::Late(late)) => late.cause(Some(self.clock())),
            Some(Killed::Memory(hog)) if !hog.is_item(at) => return Death::BetweenItems,
            // Those before it may have left the memory behind: once it is called again, by a fresh worker.
            Some(Killed::Memory(_)) if self.answered > 0 && pardoned.insert(at) => {
                return Death::Clean;
            }
            Some(Killed::Memory(hog)) => hog.excess().cause(),
            _ => self.ended(exit).cause(),
        };
        chunk.lost_saying(cause, self.seat.child.last_words());
        Death::Blamed
    }
}
