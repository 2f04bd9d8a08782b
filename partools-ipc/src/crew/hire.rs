//! Who is there, or can be started: one more worker for a map.

use super::Crew;
use crate::hand::Hand;
use crate::seat::Seat;
use partools_core::{Error, Event, Portable, PortableTask};
use std::time::Duration;

/// With no worker at all, how often and how far apart to try to start one.
const TRIES: usize = 20;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

impl<T> Crew<'_, '_, T>
where
    T: PortableTask<Output: Portable>,
{
    /// One more worker, which is sent the map; `None` where there is none to be had for now.
    pub(super) fn hire(&mut self) -> Result<Option<usize>, Error> {
        let slot = match self.hands.is_empty() {
            true => self.pool.wait(self.size, || self.run.is_stopped()),
            false => self.pool.take(self.size),
        };
        let Some(mut slot) = slot else {
            return Ok(None);
        };
        // One that ended meanwhile is replaced.
        let kept = slot.seat.take();
        let kept = kept.and_then(|mut seat| (!seat.has_ended()).then_some(seat));
        let is_new = kept.is_none();
        let mut tries = 0;
        let seat = match kept {
            Some(seat) => seat,
            None => loop {
                match Seat::start(slot.number, self.terms) {
                    Ok(seat) => break seat,
                    Err(_) if !self.hands.is_empty() => return Ok(self.make_do()),
                    Err(refused) if tries == TRIES || !refused.is_os() => return Err(refused),
                    Err(_) if self.run.is_stopped() => return Ok(None),
                    Err(_) => std::thread::sleep(BETWEEN_TRIES),
                }
                tries += 1;
            },
        };
        if is_new {
            self.run.note(Event::WorkerStarted {
                worker: slot.number,
                process: Some(seat.child.pid()),
                again: self.has_lost,
            });
        }
        let timed = self.patience.is_some() || self.watch.is_some();
        let has_state = std::mem::needs_drop::<T::State>();
        let mut hand = Hand::new(slot, seat, (timed, has_state));
        match hand.seat.open(&self.freight) {
            Ok(()) => self.hands.push(hand),
            // No descriptors are left to send to it.
            Err(_) if !self.hands.is_empty() => return Ok(self.make_do()),
            Err(why) => return Err(Error::os("sending a map to a worker", why)),
        }
        Ok(Some(self.hands.len() - 1))
    }

    /// There are no more workers to be had than those that are here.
    fn make_do(&mut self) -> Option<usize> {
        self.wanted = self.hands.len();
        let (left, why) = (self.wanted, "no more processes could be started");
        self.run.note(Event::FewerWorkers { left, why });
        None
    }
}
