//! Why a worker is stopped, and what its item is told for it.
//!
//! An item that takes too long is told to stop before it is killed (see [`Notice`]). From then on nothing that it returns
//! counts: it may be half a result, made by code that heard the signal. Which item that is, the clock says; so an item that
//! begins while the signal is on its way is not blamed. One that takes too much memory is killed at once.

use std::time::Duration;

use partools_core::Cause;

use super::{Child, Clock, Excess, Flight, Limits, Notice};

/// Why a worker was stopped by its parent.
#[derive(Debug)]
pub enum Killed {
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
///
/// ```
/// use partools_os::{Limits, Patience};
/// use std::time::Duration;
/// let second = Duration::from_secs(1);
/// assert_eq!(Patience::new(Some(second), &Limits::new()).shortest(), Some(second));
/// assert_eq!(Patience::new(None, &Limits::new()).shortest(), None);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    item: Option<Duration>,
    cpu: Option<Duration>,
    grace: Duration,
    /// So many threads of a worker can use processor time at once.
    threads: u32,
}

impl Patience {
    /// As the plan has it for an item, and `limits` for processor time and the grace.
    pub fn new(item: Option<Duration>, limits: &Limits) -> Self {
        let cpu = limits.item_cpu_time();
        // Asked only where it is needed: the answer is read from the files of control groups, for each map.
        let processors = || std::thread::available_parallelism().map_or(1, |n| n.get());
        let threads = cpu.map_or(1, |_| processors());
        Patience {
            item,
            cpu,
            grace: limits.stop_grace(),
            threads: u32::try_from(threads).unwrap_or(u32::MAX),
        }
    }

    /// Must workers note their processor time?
    pub fn counts_cpu(&self) -> bool {
        self.cpu.is_some()
    }

    /// No item that has not begun takes too long before that.
    pub fn shortest(&self) -> Option<Duration> {
        let cpu = self.cpu.map(|limit| limit / self.threads);
        self.item.into_iter().chain(cpu).min()
    }

    /// Stops the child if its item takes too long; else how long until it may.
    ///
    /// # Errors
    /// The item that does take too long; its worker was told.
    pub fn judge(&self, child: &Child, flight: Flight, now: u64) -> Result<Duration, Late> {
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
pub struct Late {
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
    pub fn enforce(&self, child: &Child) -> Option<Duration> {
        Some(self.notice.enforce(child)).filter(|left| !left.is_zero())
    }

    /// Is it this item?
    pub fn is_item(&self, index: usize) -> bool {
        self.flight.index() == index as u64
    }

    /// As observers are told.
    pub fn why(&self) -> &'static str {
        match self.what {
            Excessive::Time { .. } => "its item ran longer than the item timeout",
            Excessive::Processor { .. } => "its item used more processor time than it may",
        }
    }

    /// What becomes of the item, now that it is over.
    pub fn cause(&self, clock: Option<Clock<'_>>) -> Cause {
        match self.what {
            Excessive::Time { limit } => {
                let ran = clock.map_or(limit, |clock| self.flight.ran(clock.now()));
                Cause::TimedOut { limit, ran }
            }
            Excessive::Processor { limit, used } => Cause::CpuTime { limit, used },
        }
    }
}

/// A worker that took too much memory.
#[derive(Debug)]
pub struct Hog {
    excess: Excess,
    flight: Option<Flight>,
    is_alone: bool,
}

impl Hog {
    /// With the item that was in flight when that was seen. `is_alone`: there was no other worker.
    pub fn new(excess: Excess, flight: Option<Flight>, is_alone: bool) -> Hog {
        Hog {
            excess,
            flight,
            is_alone,
        }
    }

    /// What it took.
    pub fn excess(&self) -> &Excess {
        &self.excess
    }

    /// It was all of them together: with fewer it may do.
    pub fn is_crowded_out(&self) -> bool {
        self.excess.is_shared() && !self.is_alone
    }

    /// As observers are told.
    pub fn why(&self) -> &'static str {
        match self.excess.is_shared() {
            true => "too little memory was left",
            false => "it grew by more memory than it may",
        }
    }

    /// Was it this item that was in flight, as far as is known?
    pub fn is_item(&self, index: usize) -> bool {
        self.flight
            .is_none_or(|flight| flight.index() == index as u64)
    }
}
