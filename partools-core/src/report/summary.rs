//! What a report says, as plain numbers.

use crate::observe::Timed;
use std::time::Duration;

/// What a [`Report`](crate::Report) has added up, of one map or stream. As text it is a small table.
///
/// ```
/// use partools_core::{Report, over};
/// # use partools_core::Serial;
/// let report = Report::new();
/// let failed = over(0..10).observe(&report).map(|i| assert!(i < 3)).run(&Serial);
/// let summary = report.summary();
/// assert!(failed.is_err() && summary.ending.as_deref().is_some_and(|text| text.contains("item 3")));
/// assert_eq!((summary.items, summary.finished, summary.failed), (10, 4, 1)); // it stopped there
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// The executor's name; empty where no map was observed, or one without items.
    pub executor: &'static str,
    /// How many items the map has; of a stream, those of the windows that were begun.
    pub items: usize,
    /// How many windows a stream was run in up to now: 1 for a map that is none.
    pub windows: usize,
    /// How many are finished, those that failed among them.
    pub finished: usize,
    /// How many of these failed.
    pub failed: usize,
    /// How long the map ran, or has run up to now.
    pub elapsed: Duration,
    /// How it ended, in words; `None` while it runs.
    pub ending: Option<String>,
    /// How many claims finished something: chunks, and parts of those that were cut by a worker's death.
    pub chunks: usize,
    /// How many times an item that failed was tried again.
    pub retries: usize,
    /// How many workers were started in the place of one that died.
    pub respawns: usize,
    /// What each worker did, in the order of their numbers. All that the executor said it would use at most, and
    /// never more than items, are here, also those that did nothing.
    pub workers: Vec<WorkerUse>,
    /// Bytes moved to and from workers, as far as the executor tells: 0 where outputs stay in this process.
    pub bytes_moved: u64,
    /// How many worker processes were forked.
    pub forks: usize,
    /// How long this process was held up by forks, together.
    pub fork_time: Duration,
    /// The longest of the forks.
    pub longest_fork: Duration,
    /// Bytes of page tables of a forked child: of the one that had most, where the system says.
    pub page_tables: Option<u64>,
    /// Private memory that worker processes dirtied, together; where it was
    /// [asked for](crate::Report::with_memory), of the workers that ended well.
    pub memory_dirtied: Option<u64>,
    /// The slowest items, the slowest first, at most [`Timed::MOST`]: see [`Timed`] for what is measured. Where workers
    /// do not time items (they were not asked, or the executor does not bring it home) these are whole chunks, from the
    /// claim to the last output.
    pub slowest: Vec<Timed>,
    /// What the user should know: workers that died of memory, an observer that panicked. At most 20 are kept.
    pub warnings: Vec<String>,
}

/// What one worker did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerUse {
    /// Its number; `None` for what the executor gave to workers that it does not name.
    pub worker: Option<usize>,
    /// How many items it finished.
    pub items: usize,
    /// How long it worked on chunks. Where workers do not measure it, how long claims were out, from the claim to the
    /// last output; of unnamed workers that may be more than the map took, since several worked.
    pub busy: Duration,
    /// The rest of the map's time. Waiting for the window counts, and for the slowest at the end; so does the time
    /// before it was started and after it died.
    pub idle: Duration,
    /// How many times it was started: more than 1 where it died and another took its place, and once for each window of a
    /// stream.
    pub starts: usize,
    /// How many times it died, or was stopped.
    pub deaths: usize,
    /// Where it is, where the executor says so: `rank 3 on node07`.
    pub place: Option<String>,
}

impl Summary {
    /// How evenly the work was spread over the workers: their mean busy time by the largest. 1 is perfect; 1 by their
    /// number, if one did all. `None` where nothing was measured.
    ///
    /// ```
    /// use partools_core::{Report, Serial, over};
    /// let report = Report::new();
    /// over(0..1000).observe(&report).map(|i| i).run(&Serial)?;
    /// assert_eq!(report.summary().balance(), Some(1.0)); // alone
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    #[must_use]
    pub fn balance(&self) -> Option<f64> {
        let named = self.workers.iter().filter(|w| w.worker.is_some());
        let busy: Vec<f64> = named.map(|w| w.busy.as_secs_f64()).collect();
        let largest = busy.iter().copied().fold(0.0, f64::max);
        let mean = busy.iter().sum::<f64>() / busy.len().max(1) as f64;
        (largest > 0.0).then_some(mean / largest)
    }
}
