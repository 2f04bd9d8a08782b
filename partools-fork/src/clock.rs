//! Which item is in flight, since when, and what the worker had used of processor time by then: the child writes it, the
//! parent looks.
//!
//! Invariant: the time is [`IDLE`] while the rest changes. So a look that finds the same time before and behind has found
//! what belongs together. What a wild child writes here can harm nobody but its own item.

use partools_os::{Region, cpu_time};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU64, fence};
use std::time::{Duration, Instant};

const BEGUN: usize = 0;
const INDEX: usize = 1;
const USED: usize = 2;
/// How many bytes a clock takes.
pub(crate) const BYTES: usize = 3 * 8;
/// No item is in flight.
const IDLE: u64 = u64::MAX;

/// The clock of one child, in memory that both sides see. Times are nanoseconds since `base`.
#[derive(Clone, Copy)]
pub(crate) struct Clock<'a> {
    words: &'a [AtomicU64],
    base: Instant,
    /// The child also notes its processor time, which costs a system call an item.
    with_cpu: bool,
}

/// The item in flight, as a look at the clock found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flight {
    /// When it began.
    pub(crate) begun: u64,
    pub(crate) index: u64,
    /// What the worker had used of processor time then.
    used: u64,
}

impl<'a> Clock<'a> {
    pub(crate) fn new(region: &'a Region, base: Instant, with_cpu: bool) -> Self {
        Clock {
            words: region.words(),
            base,
            with_cpu,
        }
    }

    pub(crate) fn now(self) -> u64 {
        nanos(self.base.elapsed())
    }

    /// For the child.
    pub(crate) fn item_begins(self, index: usize) {
        self.item_ended();
        fence(Release);
        self.words[INDEX].store(index as u64, Relaxed);
        if self.with_cpu {
            self.words[USED].store(nanos(cpu_time()), Relaxed);
        }
        self.words[BEGUN].store(self.now(), Release);
    }

    /// For the child; and for the parent before there is one.
    pub(crate) fn item_ended(self) {
        self.words[BEGUN].store(IDLE, Relaxed);
    }

    /// What is in flight now, if anything is. For the parent.
    pub(crate) fn look(self) -> Option<Flight> {
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
    /// How long it has run at the time `now`.
    pub(crate) fn ran(self, now: u64) -> Duration {
        Duration::from_nanos(now.saturating_sub(self.begun))
    }

    /// How much processor time it has used, of all that its worker has.
    pub(crate) fn used(self, worker: Duration) -> Duration {
        worker.saturating_sub(Duration::from_nanos(self.used))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(IDLE - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_finds_what_began_and_nothing_between_items() {
        let region = Region::new(BYTES).expect("a region");
        let clock = Clock::new(&region, Instant::now(), true);
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
