//! Which item is in flight, since when, and what the worker had used of processor time by then: the worker writes it, the
//! parent looks. For every executor whose workers are processes.
//!
//! Invariant: the time is [`IDLE`] while the rest changes. So a look that finds the same time before and behind has found
//! what belongs together. What a wild child writes here can harm nobody but its own item.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU64, fence};
use std::time::Duration;

use nix::time::ClockId;

use super::weight::cpu_time;

const BEGUN: usize = 0;
const INDEX: usize = 1;
const USED: usize = 2;
/// No item is in flight.
const IDLE: u64 = u64::MAX;

/// The clock of one worker, in memory that both sides see. Times are nanoseconds of the system's monotonic clock, which is
/// the same for all processes.
///
/// ```
/// use partools_os::{Clock, Region};
/// let region = Region::new(Clock::BYTES)?;
/// let clock = Clock::new(region.words(), false);
/// clock.item_begins(7);
/// assert_eq!(clock.look().map(|flight| flight.index()), Some(7));
/// clock.item_ended();
/// assert_eq!(clock.look(), None);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Clock<'a> {
    words: &'a [AtomicU64],
    /// The worker also notes its processor time, which costs a system call an item.
    with_cpu: bool,
}

/// The item in flight, as a look at the [`Clock`] found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flight {
    begun: u64,
    index: u64,
    /// What the worker had used of processor time then.
    used: u64,
}

impl<'a> Clock<'a> {
    /// How many bytes a clock takes.
    pub const BYTES: usize = 3 * 8;

    /// A clock in the first of these words. The worker makes it `with_cpu` where the processor time of items is limited.
    ///
    /// # Panics
    /// Where there are fewer words than it takes.
    pub fn new(words: &'a [AtomicU64], with_cpu: bool) -> Self {
        Clock {
            words: &words[..Self::BYTES / 8],
            with_cpu,
        }
    }

    /// The time now.
    pub fn now(self) -> u64 {
        let now = ClockId::CLOCK_MONOTONIC.now();
        now.map_or(0, |now| nanos(Duration::from(now)))
    }

    /// This item begins. For the worker.
    pub fn item_begins(self, index: usize) {
        self.item_ended();
        fence(Release);
        self.words[INDEX].store(index as u64, Relaxed);
        if self.with_cpu {
            self.words[USED].store(nanos(cpu_time()), Relaxed);
        }
        self.words[BEGUN].store(self.now(), Release);
    }

    /// No item is in flight. For the worker; and for the parent before there is one.
    pub fn item_ended(self) {
        self.words[BEGUN].store(IDLE, Relaxed);
    }

    /// What is in flight now, if anything is. For the parent.
    pub fn look(self) -> Option<Flight> {
        let begun = self.words[BEGUN].load(Acquire);
        let flight = Flight {
            begun,
            index: self.words[INDEX].load(Relaxed),
            used: self.words[USED].load(Relaxed),
        };
        fence(Acquire);
        // Else it ended while we looked, and the next look finds what is then.
        let is_whole = begun != IDLE && self.words[BEGUN].load(Relaxed) == begun;
        is_whole.then_some(flight)
    }
}

impl Flight {
    /// The index of the item, or its place, as the worker has it.
    pub fn index(self) -> u64 {
        self.index
    }

    /// When it began.
    pub fn begun(self) -> u64 {
        self.begun
    }

    /// How long it has run at the time `now`.
    pub fn ran(self, now: u64) -> Duration {
        Duration::from_nanos(now.saturating_sub(self.begun))
    }

    /// How much processor time it has used, of all that its worker has.
    pub fn used(self, worker: Duration) -> Duration {
        worker.saturating_sub(Duration::from_nanos(self.used))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(IDLE - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Region;

    #[test]
    fn a_look_finds_what_began_and_nothing_between_items() {
        let region = Region::new(Clock::BYTES).expect("a region");
        let clock = Clock::new(region.words(), true);
        clock.item_ended();
        assert_eq!(clock.look(), None);
        clock.item_begins(7);
        let flight = clock.look().expect("an item");
        assert_eq!(flight.index, 7);
        let second = nanos(Duration::from_secs(1));
        assert_eq!(flight.ran(flight.begun + second), Duration::from_secs(1));
        assert_eq!(flight.ran(0), Duration::ZERO);
        assert!(flight.used(cpu_time()) < Duration::from_secs(1));
        clock.item_ended();
        assert_eq!(clock.look(), None);
    }
}
