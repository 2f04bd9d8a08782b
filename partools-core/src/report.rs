//! `Report`: an observer that adds up what happened in a map or stream, for every ending, the bad ones too.
//!
//! ```text
//!   events  -->  Tally (under a lock, a map or stream at a time)  --summary-->  Summary  --Display-->  a small table
//! ```
//! The tally is in `report/tally.rs`, what it gives in `report/summary.rs`, the table in `report/table.rs`.

mod advice;
mod summary;
mod table;
mod tally;
#[cfg(test)]
mod tests;

pub use summary::{Summary, WorkerUse};

use crate::observe::{Event, Moment, Observer, Wants};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tally::Tally;

/// Adds up what happened in a map: chunks, retries, failures, workers busy and idle, forks, the slowest items. It
/// works with every ending, and after each: also where the map failed, was stopped, or panicked.
///
/// A cheap handle: clones are the same report. It is of one map at a time; where the same report is handed to several
/// maps, it is of the one that began last. The windows of one [`over_iter`](crate::over_iter) are added up, with the time
/// in which its iterator was waited for.
///
/// ```
/// use partools_core::{Report, Serial, over};
/// use std::{thread::sleep, time::Duration};
///
/// let report = Report::new();
/// let job = over(0..100).retries(1).observe(&report).map_cx(|i, cx| {
///     assert!(i != 30 || cx.attempt > 0, "the network is down");
///     sleep(Duration::from_micros(if i == 70 { 20_000 } else { 100 }));
/// });
/// job.run(&Serial)?;
///
/// let summary = report.summary();
/// assert_eq!((summary.finished, summary.failed, summary.retries), (100, 0, 1));
/// assert!(summary.slowest.iter().any(|timed| timed.items() == (70..71)));
/// println!("{report}"); // a small table
/// # Ok::<(), partools_core::Error>(())
/// ```
///
/// # What it costs
/// A lock per chunk, and the clock read about every 10 µs to find the slowest items: within 5 % for items of 10 µs
/// (`benches/benches/faults.rs` measures it). [`without_item_times`](Self::without_item_times) leaves the latter out.
#[derive(Clone)]
pub struct Report {
    tally: Arc<Mutex<Tally>>,
    wants: Wants,
}

impl Report {
    /// A report of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Report {
            tally: Arc::default(),
            wants: Wants::default().item_times(),
        }
    }

    /// Also measures how much memory worker processes made their own: see [`Wants::memory`].
    #[must_use]
    pub fn with_memory(mut self) -> Self {
        self.wants = self.wants.memory();
        self
    }

    /// Does not time items: the slowest are known by their chunks alone.
    ///
    /// ```
    /// use partools_core::{Chunks, Report, Serial, over};
    /// let report = Report::new().without_item_times();
    /// over(0..100).chunk(Chunks::of(25)).observe(&report).map(|i| i).run(&Serial)?;
    /// assert!(report.summary().slowest.iter().all(|timed| timed.items().len() == 25));
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    #[must_use]
    pub fn without_item_times(mut self) -> Self {
        self.wants = match self.wants.has_memory() {
            true => Wants::default().memory(),
            false => Wants::default(),
        };
        self
    }

    /// A tally that somebody panicked over is still one.
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known so far, of the map or stream that began last.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.tally().summary()
    }
}

impl Observer for Report {
    fn event(&self, event: &Event<'_>, moment: &Moment) {
        self.tally().enter(event, moment);
    }

    fn wants(&self) -> Wants {
        self.wants
    }
}

impl Default for Report {
    fn default() -> Self {
        Self::new()
    }
}

/// The [`Summary`] as a table.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.summary().fmt(f)
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Report").field(&self.summary()).finish()
    }
}
