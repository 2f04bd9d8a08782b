//! What children that live from window to window are to do next: a round each, for which the parent calls them.
//!
//! ```text
//!   halves: round of seat 0, 1, 2, ..       changes when its child is called
//!   words:  a block for each seat: careful | number of deals | start, end, attempt of each
//! ```
//! The parent writes a block while the child of that seat rests or is not born, and children only read.

use crate::worker::Deal;
use partools_os::{Access, Region, change_and_wake, sleep_while};
use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::time::Duration;

/// So many chunks can be dealt for a round.
pub(crate) const MOST: usize = 20;
const BLOCK: usize = 2 + 3 * MOST;
/// A child that rests looks by itself this often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

pub(crate) struct Sheet {
    region: Region,
    seats: usize,
}

impl Sheet {
    /// For so many seats.
    pub(crate) fn new(seats: usize) -> io::Result<Self> {
        Ok(Sheet {
            region: Region::with_halves(seats, seats.saturating_mul(BLOCK * size_of::<u64>()))?,
            seats,
        })
    }

    pub(crate) fn seats(&self) -> usize {
        self.seats
    }

    /// What to lend to a child.
    pub(crate) fn lent(&self) -> (&Region, Access) {
        (&self.region, Access::ReadOnly)
    }

    /// Calls the child of this seat, or the one that is born next, to a round with these deals: at most [`MOST`].
    pub(crate) fn call(&self, seat: usize, careful: bool, deals: &[Deal]) {
        let block = self.block(seat);
        let deals = &deals[..deals.len().min(MOST)];
        block[0].store(careful.into(), Relaxed);
        block[1].store(deals.len() as u64, Relaxed);
        let numbers = deals
            .iter()
            .flat_map(|deal| [deal.range.start, deal.range.end, deal.attempt as usize]);
        for (word, number) in block[2..].iter().zip(numbers) {
            word.store(number as u64, Relaxed);
        }
        change_and_wake(&self.region.halves()[seat]);
    }

    /// The number of the round to which the child of this seat was called last.
    pub(crate) fn round(&self, seat: usize) -> u32 {
        self.region.halves()[seat].load(Acquire)
    }

    // ---- in a child

    /// Sleeps until there is another round than `last`.
    pub(crate) fn wait(&self, seat: usize, last: u32) {
        while self.round(seat) == last {
            sleep_while(&self.region.halves()[seat], last, LOOK_AGAIN);
        }
    }

    /// Is the child to be careful, and what is it dealt?
    pub(crate) fn read(&self, seat: usize) -> (bool, Vec<Deal>) {
        let block = self.block(seat);
        let count = number(&block[1]).min(MOST);
        let deals = block[2..].chunks_exact(3).take(count).map(|deal| Deal {
            range: number(&deal[0])..number(&deal[1]),
            attempt: u32::try_from(number(&deal[2])).unwrap_or(u32::MAX),
        });
        (number(&block[0]) != 0, deals.collect())
    }

    fn block(&self, seat: usize) -> &[AtomicU64] {
        &self.region.words()[seat * BLOCK..][..BLOCK]
    }
}

fn number(word: &AtomicU64) -> usize {
    usize::try_from(word.load(Relaxed)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_told_its_own_deals_and_no_more_than_fit() {
        let sheet = Sheet::new(3).expect("a region");
        let deal = |at: usize| Deal {
            range: at..at + 2,
            attempt: 7,
        };
        let deals: Vec<Deal> = (0..30).map(deal).collect();
        sheet.call(1, true, &deals);
        sheet.call(2, false, &deals[4..5]);
        let (careful, read) = sheet.read(1);
        assert!(careful && read.len() == MOST);
        assert!(read.iter().zip(&deals).all(|(a, b)| a.range == b.range));
        let (careful, read) = sheet.read(2);
        assert_eq!((careful, read.len()), (false, 1));
        assert_eq!((read[0].range.clone(), read[0].attempt), (4..6, 7));
        assert_eq!([0, 1, 2].map(|seat| sheet.round(seat)), [0, 1, 1]);
        sheet.wait(1, 0);
    }
}
