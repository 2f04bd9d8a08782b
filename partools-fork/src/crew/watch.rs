//! Who of the crew must stop: because nobody needs what it does, because its item takes too long, because of its memory.

use super::{Crew, WIND_DOWN};
use crate::seat::Seat;
use partools_core::{Event, Portable, Task};
use partools_os::{Hog, Killed};
use std::time::Duration;

impl<T: Task> Crew<'_, T>
where
    T::Output: Portable,
{
    /// C7: children that work on items above the bound are killed, and those on what others did.
    pub(super) fn dismiss_unneeded(&mut self) {
        let bound = self.run.bound();
        for seat in &mut self.seats {
            if seat.is_stray() || seat.position().is_some_and(|position| position >= bound) {
                seat.dismiss();
            }
        }
    }

    /// Stops children whose item takes too long; how long until the next look.
    pub(super) fn stop_late(&mut self) -> Option<Duration> {
        let patience = self.patience.as_ref()?;
        let looks = self.seats.iter_mut();
        let next = looks.filter_map(|seat| seat.stop_if_late(patience));
        // Where nobody has begun yet, an item that begins right now has all of its time.
        let next = next.chain(patience.shortest()).min()?;
        Some(next.max(WIND_DOWN))
    }

    /// A worker was killed because there was too little memory for all of them.
    pub(super) fn go_on_with_fewer(&mut self) {
        self.wanted = self.wanted.saturating_sub(1).max(1);
        let (left, why) = (self.wanted, "a worker was killed for want of memory");
        self.run.note(Event::FewerWorkers { left, why });
    }

    /// Kills the child whose memory is too much; how long until the next look.
    pub(super) fn stop_hogs(&mut self) -> Option<Duration> {
        let watch = self.watch.as_mut()?;
        if self.seats.iter().any(Seat::is_dying_of_memory) {
            // What it has is not free yet. Its end wakes us.
            return None;
        }
        let is_alone = self.seats.iter().filter_map(Seat::child).count() == 1;
        let (mut numbers, mut children) = (Vec::new(), Vec::new());
        for (number, seat) in self.seats.iter_mut().enumerate() {
            if let Some(child) = seat.living() {
                numbers.push(number);
                children.push(child);
            }
        }
        match watch.look(children.into_iter()) {
            Ok(look_again) => Some(look_again),
            Err(excess) => {
                let seat = &mut self.seats[numbers[excess.worker]];
                let flight = seat.flight();
                seat.kill(Killed::Memory(Hog::new(excess, flight, is_alone)));
                None
            }
        }
    }
}
