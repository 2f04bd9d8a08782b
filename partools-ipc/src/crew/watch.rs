//! Who of the crew must stop: because nobody needs what it does, because its item takes too long, because of its memory.

use super::{Crew, GRACE, WIND_DOWN};
use partools_core::{Event, Portable, PortableTask};
use partools_os::{Hog, Killed};
use std::time::Duration;

impl<T> Crew<'_, '_, T>
where
    T: PortableTask<Output: Portable>,
{
    /// C7: workers that are at items above the bound have a moment to end them, and are killed then.
    pub(super) fn dismiss_unneeded(&mut self, bound: usize) -> Option<Duration> {
        let hands = self.hands.iter_mut();
        hands.filter_map(|hand| hand.dismiss(bound, GRACE)).min()
    }

    /// Workers that were started and do not answer, or are not set up in time, are killed; how long until that is due.
    pub(super) fn await_hellos(&mut self) -> Option<Duration> {
        let (run, within) = (self.run, self.terms.setup.within());
        let waits = self.hands.iter_mut().flat_map(|hand| {
            let hello = hand.await_hello();
            [hello, hand.await_setup(run, within)]
        });
        waits.flatten().min()
    }

    /// Stops workers whose item takes too long; how long until the next look.
    pub(super) fn stop_late(&mut self) -> Option<Duration> {
        let patience = self.patience.as_ref()?;
        let looks = self.hands.iter_mut();
        let next = looks.filter_map(|hand| hand.stop_if_late(patience));
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

    /// Kills the worker whose memory is too much; how long until the next look.
    pub(super) fn stop_hogs(&mut self) -> Option<Duration> {
        let watch = self.watch.as_mut()?;
        if self.hands.iter().any(super::Hand::is_dying_of_memory) {
            // What it has is not free yet. Its end wakes us.
            return None;
        }
        let is_alone = self.hands.len() == 1;
        let (mut places, mut children) = (Vec::new(), Vec::new());
        for (place, hand) in self.hands.iter_mut().enumerate() {
            if let Some(child) = hand.weighed() {
                places.push(place);
                children.push(child);
            }
        }
        match watch.look(children.into_iter()) {
            Ok(look_again) => Some(look_again),
            Err(excess) => {
                let hand = &mut self.hands[places[excess.worker]];
                let flight = hand.flight();
                hand.kill(Killed::Memory(Hog::new(excess, flight, is_alone)));
                None
            }
        }
    }
}
