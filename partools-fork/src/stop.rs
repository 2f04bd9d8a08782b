//! Why a child is stopped, and what its item is told for it.
//!
//! An item that takes too long is told to stop before it is killed (see [`Notice`]). From then on nothing that it returns
//! counts: it may be half a result, made by code that heard the signal. Which item that is, the clock says; so an item that
//! begins while the signal is on its way is not blamed. One that takes too much memory is killed at once.

use crate::clock::{Clock, Flight};
use partools_core::Cause;
use partools_os::{Child, Excess, Limits, Notice};
use std::time::Duration;

/// Why we stopped a child.
#[derive(Debug)]
pub(crate) enum Killed {
    /// What it worked on was not needed.
    Unneeded,
    /// Its item takes too long.
    Late(Late),
    /// It, or all of them together, took too much memory.
    Memory(Hog),
    /// Its ring was overwritten.
    Corrupt,
}

/// How long an item may take, and its worker to stop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) item: Option<Duration>,
    pub(crate) cpu: Option<Duration>,
    grace: Duration,
    /// So many threads of a worker can use processor time at once.
    threads: u32,
}

impl Patience {
    pub(crate) fn new(item: Option<Duration>, limits: &Limits) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
        Patience {
            item,
            cpu: limits.item_cpu_time(),
            grace: limits.stop_grace(),
            threads: u32::try_from(threads).unwrap_or(u32::MAX),
        }
    }

    /// No item that has not begun takes too long before that.
    pub(crate) fn shortest(&self) -> Option<Duration> {
        let cpu = self.cpu.map(|limit| limit / self.threads);
        self.item.into_iter().chain(cpu).min()
    }

    /// Stops the child if its item takes too long; else how long until it may.
    pub(crate) fn judge(&self, child: &Child, flight: Flight, now: u64) -> Result<Duration, Late> {
        let mut next = Duration::MAX;
        if let Some(limit) = self.item {
            let left = limit.saturating_sub(flight.ran(now));
            if left.is_zero() {
                return Err(self.tell(child, flight, Excessive::Time { limit }));
            }
            next = left;
        }
        if let Some(limit) = self.cpu
            && let Some(worker) = child.cpu_time()
        {
            let used = flight.used(worker);
            if used >= limit {
                return Err(self.tell(child, flight, Excessive::Processor { limit, used }));
            }
            next = next.min((limit - used) / self.threads);
        }
        Ok(next)
    }

    fn tell(&self, child: &Child, flight: Flight, what: Excessive) -> Late {
        Late {
            flight,
            what,
            notice: Notice::give(child, self.grace),
        }
    }
}

/// An item that takes too long, and the notice that its worker was given.
#[derive(Debug)]
pub(crate) struct Late {
    flight: Flight,
    what: Excessive,
    notice: Notice,
}

#[derive(Debug, Clone, Copy)]
enum Excessive {
    Time { limit: Duration },
    Processor { limit: Duration, used: Duration },
}

impl Late {
    /// Kills the child if its grace is over; else how long it still has.
    pub(crate) fn enforce(&self, child: &Child) -> Option<Duration> {
        Some(self.notice.enforce(child)).filter(|left| !left.is_zero())
    }

    /// Is it this item?
    pub(crate) fn is_item(&self, index: usize) -> bool {
        self.flight.index == index as u64
    }

    /// As observers are told.
    pub(crate) fn why(&self) -> &'static str {
        match self.what {
            Excessive::Time { .. } => "its item ran longer than the item timeout",
            Excessive::Processor { .. } => "its item used more processor time than it may",
        }
    }

    /// What becomes of the item, now that it is over.
    pub(crate) fn cause(&self, clock: Option<Clock<'_>>) -> Cause {
        match self.what {
            Excessive::Time { limit } => {
                let ran = clock.map_or(limit, |clock| self.flight.ran(clock.now()));
                Cause::TimedOut { limit, ran }
            }
            Excessive::Processor { limit, used } => Cause::CpuTime { limit, used },
        }
    }
}

/// A child that took too much memory.
#[derive(Debug)]
pub(crate) struct Hog {
    pub(crate) excess: Excess,
    /// The item that was in flight when that was seen.
    pub(crate) flight: Option<Flight>,
    /// There was no other child.
    pub(crate) is_alone: bool,
}

impl Hog {
    /// It was all of them together: with fewer it may do.
    pub(crate) fn is_crowded_out(&self) -> bool {
        self.excess.is_shared() && !self.is_alone
    }

    /// As observers are told.
    pub(crate) fn why(&self) -> &'static str {
        match self.excess.is_shared() {
            true => "too little memory was left",
            false => "it grew by more memory than it may",
        }
    }

    /// Was it this item that was in flight, as far as is known?
    pub(crate) fn is_item(&self, index: usize) -> bool {
        self.flight
            .is_none_or(|flight| flight.index == index as u64)
    }
}
