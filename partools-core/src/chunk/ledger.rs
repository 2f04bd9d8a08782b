//! What one worker has finished and not yet told: chunks that touch are merged, and the run hears of many at once, so that the
//! hot loop takes no lock.

use crate::run::Run;
use std::ops::Range;

/// The chunks that one worker has finished, told to the run a few at a time: the hot loop takes no lock.
pub(crate) struct Ledger<'r, O> {
    run: &'r Run<O>,
    /// The last ones, merged as far as they touch. Empty only where `done` is, too.
    last: Range<usize>,
    /// Those before. Often there are none, and it never allocates.
    done: Vec<Range<usize>>,
}

const LEDGER: usize = 64;

impl<'r, O> Ledger<'r, O> {
    pub(crate) fn new(run: &'r Run<O>) -> Self {
        Ledger {
            run,
            last: 0..0,
            done: Vec::new(),
        }
    }

    #[inline]
    pub(super) fn add(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        if self.last.is_empty() {
            self.last = range;
        } else if self.last.end == range.start {
            self.last.end = range.end;
        } else {
            let last = std::mem::replace(&mut self.last, range);
            self.set_aside(last);
        }
    }

    /// `range` touches nothing that is still to come.
    #[cold]
    fn set_aside(&mut self, range: Range<usize>) {
        self.done.reserve_exact(LEDGER - self.done.len());
        self.done.push(range);
        if self.done.len() == LEDGER {
            self.run.record_all(&self.done);
            self.done.clear();
        }
    }

    pub(crate) fn flush(&mut self) {
        if self.last.is_empty() {
            return;
        }
        let last = std::mem::replace(&mut self.last, 0..0);
        if self.done.is_empty() {
            self.run.record_all(&[last]);
        } else {
            self.done.push(last);
            self.run.record_all(&self.done);
            self.done.clear();
        }
    }
}

impl<O> Drop for Ledger<'_, O> {
    fn drop(&mut self) {
        self.flush();
    }
}
