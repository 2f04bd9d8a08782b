//! The few words of memory that a worker and the parent both see, beside the ring.
//!
//! ```text
//!   bound    near writes: nothing from here on is needed
//!   tickets  near offers a request, far takes it; near may withdraw one that was not taken
//!   clock    far writes: which item is in flight, and since when
//! ```
//! A request lies in the line before it is begun, and whoever changes its ticket first has it: so a chunk that waits behind a
//! slow item can be given to somebody else, and is never called twice. What a wild worker writes here harms nobody but itself:
//! the parent believes tickets only as far as its own books say the same, and a worker that finds a ticket overwritten ends, since
//! it cannot know whether the request is still its own, and the parent would wait for an answer for ever.

use partools_os::Region;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

const BOUND: usize = 0;
const TICKETS: usize = 16;
/// No more tickets than this may lie between the first that was not answered and the next: each has a word of its own.
pub(crate) const MOST: usize = 16;
const CLOCK: usize = 48;
const BYTES: usize = 64 * 8;
/// So many tickets are not offered in the time that a message lies in the line.
const LONG: u64 = 1 << 32;

/// The lowest bits of a ticket's word; above them is its number.
const OFFERED: u64 = 1;
const TAKEN: u64 = 2;
const WITHDRAWN: u64 = 3;

#[derive(Debug)]
pub(crate) struct Desk(Region);

/// What came of taking a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ticket {
    Taken,
    Withdrawn,
    /// It is in none of the states in which the near side leaves it.
    Overwritten,
}

impl Desk {
    /// The near side's, and what the far side attaches.
    pub(crate) fn new() -> io::Result<(Desk, OwnedFd)> {
        let (region, file) = Region::shared(0, BYTES)?;
        Ok((Desk(region), file))
    }

    pub(crate) fn attach(file: OwnedFd) -> io::Result<Desk> {
        Ok(Desk(Region::attach(file, 0)?))
    }

    /// Nothing from here on is needed.
    pub(crate) fn bound(&self) -> usize {
        usize::try_from(self.0.words()[BOUND].load(Relaxed)).unwrap_or(usize::MAX)
    }

    /// For the near side.
    pub(crate) fn set_bound(&self, bound: usize) {
        self.0.words()[BOUND].store(bound as u64, Relaxed);
    }

    /// Where the far side says what is in flight.
    pub(crate) fn clock(&self) -> &[AtomicU64] {
        &self.0.words()[CLOCK..]
    }

    fn word(&self, ticket: u64) -> &AtomicU64 {
        // Of the two lowest bits it has room for.
        #[expect(clippy::cast_possible_truncation, reason = "a remainder of 16")]
        let place = (ticket % MOST as u64) as usize;
        &self.0.words()[TICKETS + place]
    }

    /// A request is on its way. For the near side.
    pub(crate) fn offer(&self, ticket: u64) {
        self.word(ticket).store(ticket << 2 | OFFERED, Release);
    }

    /// Takes a request, if it was not withdrawn. For the far side.
    pub(crate) fn take(&self, ticket: u64) -> Ticket {
        match self.change(ticket, TAKEN) {
            Ok(_) => Ticket::Taken,
            // Withdrawn, and its place used again since: the near side may offer a later one before we are told of it.
            Err(found) if is_later(found, ticket) => Ticket::Withdrawn,
            Err(_) => Ticket::Overwritten,
        }
    }

    /// Takes it back, if it was not taken. For the near side.
    pub(crate) fn withdraw(&self, ticket: u64) -> bool {
        self.change(ticket, WITHDRAWN).is_ok()
    }

    /// Was it taken, as far as the far side can be believed?
    pub(crate) fn is_taken(&self, ticket: u64) -> bool {
        self.word(ticket).load(Acquire) == ticket << 2 | TAKEN
    }

    fn change(&self, ticket: u64, to: u64) -> Result<u64, u64> {
        let (offered, to) = (ticket << 2 | OFFERED, ticket << 2 | to);
        let word = self.word(ticket);
        word.compare_exchange(offered, to, AcqRel, Acquire)
    }
}

/// Is it the word of `ticket`, withdrawn, or of one that has had the same place since?
fn is_later(word: u64, ticket: u64) -> bool {
    let (number, state) = (word >> 2, word & 3);
    let passed = number.wrapping_sub(ticket);
    match passed {
        0 => state == WITHDRAWN,
        _ => passed.is_multiple_of(MOST as u64) && passed < LONG && state != 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_has_one_owner() {
        let (near, file) = Desk::new().unwrap();
        let far = Desk::attach(file).unwrap();
        for ticket in 0..100 {
            near.offer(ticket);
            assert!(!near.is_taken(ticket));
            if ticket % 3 == 0 {
                assert!(near.withdraw(ticket));
                assert_eq!(far.take(ticket), Ticket::Withdrawn);
            } else {
                assert_eq!(far.take(ticket), Ticket::Taken);
                assert!(!near.withdraw(ticket));
                assert!(near.is_taken(ticket));
            }
            assert_ne!(far.take(ticket), Ticket::Taken, "once");
        }
    }

    #[test]
    fn a_ticket_that_was_overwritten_is_known_as_such() {
        let (near, file) = Desk::new().unwrap();
        let far = Desk::attach(file).unwrap();
        for junk in [
            0,
            u64::MAX,
            0x5555_5555_5555_5555,
            37 << 2,
            38 << 2 | OFFERED,
        ] {
            near.offer(37);
            near.word(37).store(junk, Relaxed);
            assert_eq!(far.take(37), Ticket::Overwritten, "{junk:#x}");
        }
        // Its place was used again since: it had been withdrawn.
        near.offer(37);
        assert!(near.withdraw(37));
        near.offer(37 + MOST as u64);
        assert_eq!(far.take(37), Ticket::Withdrawn);
        assert_eq!(far.take(37 + MOST as u64), Ticket::Taken);
    }

    #[test]
    fn the_bound_is_seen_over_there() {
        let (near, file) = Desk::new().unwrap();
        let far = Desk::attach(file).unwrap();
        near.set_bound(usize::MAX);
        assert_eq!(far.bound(), usize::MAX);
        near.set_bound(7);
        assert_eq!(far.bound(), 7);
        assert!(far.clock().len() >= 3);
    }
}
