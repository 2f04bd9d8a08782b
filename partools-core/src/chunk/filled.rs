//! What follows when outputs are in their slots: whoever keeps them is given them, and an output that ends the map lowers the bound.
//!
//! Both only read what has just been filled, which is why they are here, beside the claim that makes it theirs.

use super::Chunk;
use crate::error::Error;
use crate::item_error::Cause;
use crate::kept::Keeper;
use crate::panics::catch;

impl<O> Chunk<'_, O> {
    /// The next `items` slots are filled.
    #[inline]
    pub(super) fn go_on(&mut self, items: usize) {
        if let Some(halts) = self.run.halts() {
            // SAFETY: the claim is ours, and the writer has just filled these slots.
            let outputs = unsafe { self.run.slots().filled(self.at, items) };
            if let Some(k) = halts(outputs) {
                // Their items follow one another, so the first is the lowest.
                self.run.lower_bound(self.run.needed_with(self.at + k));
            }
        }
        self.at += items;
        if items > 0 {
            self.attempt = 0;
        }
    }

    /// Gives the next `items` outputs, which are in their slots, to whoever keeps them, if somebody does.
    #[inline]
    pub(super) fn keep(&self, items: usize, settles: bool) {
        if let Some(keeper) = self.run.keeper() {
            self.tell(keeper, items, settles);
        }
    }

    /// Apart, so that the loop of a run that nobody keeps stays small.
    #[inline(never)]
    fn tell(&self, keeper: &dyn Keeper<O>, items: usize, settles: bool) {
        // SAFETY: the claim is ours, and its next slots have just been filled.
        let outputs = unsafe { self.run.slots().filled(self.at, items) };
        let kept = catch(|| {
            for (place, output) in (self.at..).zip(outputs) {
                keeper.keep(self.run.item_at(place), output);
            }
            if settles {
                keeper.settle();
            }
        });
        if let Err(panic) = kept {
            let (message, location) = (panic.message, panic.location);
            let cause = Cause::Panicked { message, location };
            let why = format!("what keeps the outputs of this map {cause}");
            self.run.abort(Error::executor(why));
        }
    }
}
