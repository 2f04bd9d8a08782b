//! How a worker is stopped: because nobody needs it, because of its memory, because it or its item takes too long.

use super::{HELLO_WITHIN, Hand, Stage};
use crate::seat::Life;
use partools_core::{Error, Portable, Run};
use partools_os::{Child, Clock, Flight, Killed, Patience};
use std::time::Duration;

impl<O: Portable> Hand<'_, '_, O> {
    pub(crate) fn kill(&mut self, why: Killed) {
        match &self.killed {
            None => {
                self.seat.child.kill();
                self.killed = Some(why);
            }
            // It has had a notice, and now there is no time for its grace.
            Some(Killed::Late(_)) => self.seat.child.kill(),
            Some(_) => {}
        }
    }

    /// The worker, unless it was stopped or has not yet begun; it is weighed when it begins.
    pub(crate) fn weighed(&mut self) -> Option<&mut Child> {
        if self.killed.is_some() || self.stage == Stage::Opening {
            return None;
        }
        if !std::mem::replace(&mut self.is_weighed, true) {
            self.seat.child.weigh();
        }
        Some(&mut self.seat.child)
    }

    pub(crate) fn is_dying_of_memory(&self) -> bool {
        matches!(self.killed, Some(Killed::Memory(_)))
    }

    pub(super) fn clock(&self) -> Clock<'_> {
        Clock::new(self.seat.desk.clock(), false)
    }

    /// The item in flight by the clock, where that is kept.
    pub(crate) fn flight(&self) -> Option<Flight> {
        self.clock().look().filter(|_| self.timed)
    }

    /// Kills a worker that was started and never said hello. How long until that is due, where it may be.
    pub(crate) fn await_hello(&mut self) -> Option<Duration> {
        if self.seat.life != Life::Started {
            return None;
        }
        let left = HELLO_WITHIN.saturating_sub(self.seat.born.elapsed());
        if left.is_zero() {
            self.seat.child.kill();
        }
        Some(left.max(Duration::from_millis(1)))
    }

    /// Ends the map where a worker's setup takes longer than `limit`. How long until that is due, where it may be.
    pub(crate) fn await_setup(&mut self, run: &Run<O>, limit: Duration) -> Option<Duration> {
        let Life::SettingUp(since) = self.seat.life else {
            return None;
        };
        let left = limit.saturating_sub(since.elapsed());
        if left.is_zero() {
            run.abort(Error::executor(format!(
                "worker process {} was still being set up after {limit:?}, and was killed; `.setup_within(..)` gives a setup \
                 more time",
                self.number()
            )));
            self.seat.child.kill();
        }
        Some(left.max(Duration::from_millis(1)))
    }

    /// Tells it to stop if its item takes too long, and kills it when it was told and its grace is over. How long until that is
    /// due, where it may be.
    pub(crate) fn stop_if_late(&mut self, patience: &Patience) -> Option<Duration> {
        match &self.killed {
            Some(Killed::Late(late)) => return late.enforce(&self.seat.child),
            Some(_) => return None,
            None => {}
        }
        let (flight, now) = (self.flight()?, self.clock().now());
        if flight.begun() > now {
            // No sound worker writes a time to come. It would never be late.
            self.kill(Killed::Corrupt);
            return None;
        }
        match patience.judge(&self.seat.child, flight, now) {
            Ok(left) => Some(left),
            Err(late) => {
                let left = late.enforce(&self.seat.child);
                self.killed = Some(Killed::Late(late));
                left
            }
        }
    }
}
