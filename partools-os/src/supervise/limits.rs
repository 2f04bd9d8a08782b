//! What workers may take, for every executor whose workers are processes.
//!
//! ```text
//!   the executor              here
//!   before the first item     Limits::check        refuses what cannot be watched, in words (C11)
//!   starts a worker           Limits::apply_to     niceness, processor, and a note of what it weighs
//!   now and then              Watch::look          who must be stopped, and why
//!   an item takes too long    Notice               told, then killed
//!   a worker, between items   Wear                 whether it should end and be replaced
//! ```

use std::io;
use std::time::Duration;

use partools_core::Error;

use super::headroom::Headroom;
use super::weight::Growth;
use super::{SpawnOptions, pins};

/// How long a worker that is told to stop has for it, if nothing else is said.
const GRACE: Duration = Duration::from_secs(1);

/// What the workers of an executor may take: memory, processor time, a number of items, a place among others. No limits
/// if nothing is said.
///
/// Memory means what a worker has taken of its own since it was started. What it inherited, or shares, is not counted,
/// until it writes to it. Sizes are in bytes.
///
/// ```
/// use partools_os::Limits;
/// use std::time::Duration;
/// let limits = Limits::new()
///     .memory(2 << 30) // an item that makes its worker grow by more fails, and says so
///     .reserve(512 << 20) // and so much stays free on this machine, and in this control group
///     .cpu_time(Duration::from_secs(60))
///     .recycle_after(10_000)
///     .nice(10);
/// limits.check("fork")?;
/// assert!(Limits::new().memory(0).check("fork").unwrap_err().is_refused());
/// # Ok::<(), partools_core::Error>(())
/// ```
///
/// # How memory is watched
/// The parent looks at each worker when it could have reached a limit by growing at 4 GB/s, at the earliest after 1 ms and at
/// the latest after 50 ms, so a worker may pass its limit by a few megabytes. A look takes some 30 µs a worker, whatever
/// its size; only where a worker may have written to much of what it inherited are its page tables walked (some 20 ms
/// for each GB, so 70 ms for 4 GB), and then no more than a twentieth of the time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Limits {
    memory: Option<u64>,
    reserve: Option<u64>,
    cpu_time: Option<Duration>,
    items: Option<usize>,
    growth: Option<u64>,
    nice: u8,
    pinned: bool,
    grace: Option<Duration>,
}

impl Limits {
    /// No limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// A worker may grow by so many bytes. One that grows by more is killed, and its item fails with
    /// [`Cause::Memory`](partools_core::Cause::Memory). Where it had served other items before, which may have left the
    /// memory behind, the item is first called again in a fresh worker, uncounted.
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// So many bytes are to stay free, of what this process's control groups may take and of the machine's memory. When less
    /// is left, the worker that has grown most is killed, before the system has to kill somebody. The map then goes on with
    /// one worker less, and the item is called again, uncounted; when it is the last worker, the item fails with
    /// [`Cause::Memory`](partools_core::Cause::Memory). A worker that has grown by less than a megabyte is left alone.
    ///
    /// Control groups of version 2 and 1 are known. Swap is not counted, and limits that are changed meanwhile are not seen.
    pub fn reserve(mut self, bytes: u64) -> Self {
        self.reserve = Some(bytes);
        self
    }

    /// An item may use so much processor time, all threads of its worker together. One that uses more is stopped as by a
    /// timeout, and fails with [`Cause::CpuTime`](partools_core::Cause::CpuTime). Waiting does not count, nor do the items
    /// that the worker had before.
    pub fn cpu_time(mut self, limit: Duration) -> Self {
        self.cpu_time = Some(limit);
        self
    }

    /// A worker is replaced after so many items, with a clean end: its state is dropped, its streams are flushed.
    pub fn recycle_after(mut self, items: usize) -> Self {
        self.items = Some(items);
        self
    }

    /// A worker that has grown by so many bytes is replaced as by [`recycle_after`](Self::recycle_after), when an item has
    /// ended; it looks for itself, every 10 ms at most. For code that leaks.
    pub fn recycle_at(mut self, bytes: u64) -> Self {
        self.growth = Some(bytes);
        self
    }

    /// Workers are so many steps (at most 19) nicer than this process: they get less of a processor that others want too.
    pub fn nice(mut self, steps: u8) -> Self {
        self.nice = steps.min(19);
        self
    }

    /// Each worker keeps to one of the processors that this process may use: cores first, then their further threads, then
    /// again from the first.
    pub fn pin(mut self) -> Self {
        self.pinned = true;
        self
    }

    /// How long a worker that is told to stop (SIGTERM), because its item takes too long, has before it is killed. A second
    /// if not set; with none it is killed at once.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = Some(grace);
        self
    }

    // ---- what an executor asks

    /// Refuses nonsense, and what cannot be watched here.
    ///
    /// # Errors
    /// A refusal in the name of `executor`.
    pub fn check(&self, executor: &'static str) -> Result<(), Error> {
        let zero = [
            (self.memory == Some(0), "a limit of 0 bytes of memory"),
            (
                self.cpu_time == Some(Duration::ZERO),
                "no processor time for an item",
            ),
            (self.items == Some(0), "a new worker after 0 items"),
            (
                self.growth == Some(0),
                "a new worker after a growth of 0 bytes",
            ),
        ];
        if let Some((_, what)) = zero.iter().find(|(is_asked, _)| *is_asked) {
            let why = format!("its limits ask for {what}, and no item could be done");
            return Err(Error::refused(executor, why, "ask for more than nothing"));
        }
        let cannot = |what: &'static str, file: &'static str| {
            move |why: io::Error| {
                let why = format!(
                    "its limits ask for {what}, and that cannot be watched here ({file}: {why})"
                );
                Error::refused(executor, why, "make /proc readable, or drop that limit")
            }
        };
        if self.memory.is_some() || self.growth.is_some() || self.reserve.is_some() {
            Growth::of_this_process().map_err(cannot("a watch on memory", "/proc/self/status"))?;
        }
        if self.reserve.is_some() {
            Headroom::of_this_process().map_err(cannot("free memory", "/proc/meminfo"))?;
        }
        if self.pinned {
            pins::order().map_err(cannot("pinned workers", "sched_getaffinity"))?;
        }
        Ok(())
    }

    /// Do they ask for what is only done where a worker is made for one map: to be nicer, pinned, or replaced after a while?
    #[must_use]
    pub fn shape_workers(&self) -> bool {
        self.nice > 0 || self.pinned || self.items.is_some() || self.growth.is_some()
    }

    /// Starts worker number `worker` under these limits.
    pub fn apply_to(&self, options: &mut SpawnOptions, worker: usize) {
        options.nice = self.nice;
        options.weighed = self.watches_memory();
        options.cpu = match self.pinned {
            true => pins::order().ok().and_then(|order| {
                let place = worker.checked_rem(order.len())?;
                order.get(place).copied()
            }),
            false => None,
        };
    }

    /// How long a worker that is told to stop has for it.
    #[must_use]
    pub fn stop_grace(&self) -> Duration {
        self.grace.unwrap_or(GRACE)
    }

    /// How much processor time an item may use.
    #[must_use]
    pub fn item_cpu_time(&self) -> Option<Duration> {
        self.cpu_time
    }

    /// Must the parent look at its workers' memory now and then?
    #[must_use]
    pub fn watches_memory(&self) -> bool {
        self.memory.is_some() || self.reserve.is_some()
    }

    pub(super) fn growth_limit(&self) -> Option<u64> {
        self.memory
    }

    pub(super) fn wanted_reserve(&self) -> Option<u64> {
        self.reserve
    }

    pub(super) fn worn_out(&self) -> (Option<usize>, Option<u64>) {
        (self.items, self.growth)
    }
}
