//! What the numbers of a report suggest.

use super::Summary;
use super::table::{Bytes, Percent, Time};
use std::time::Duration;

/// Below this, no fork is worth a word.
const SLOW_FORK: Duration = Duration::from_millis(5);
/// What is worth a word took this part of the map's time, at least.
const PART: f64 = 0.05;

impl Summary {
    /// What could make the map faster, in sentences; often nothing.
    ///
    /// - Forks that took long: a fork copies the page tables of ordinary memory, 2 MB for each GB; those of a
    ///   `SharedVec` or `MappedSlice` are not copied, and huge pages have hardly any.
    /// - Work spread unevenly over the workers.
    #[must_use]
    pub fn advice(&self) -> Vec<String> {
        [self.on_forks(), self.on_balance()]
            .into_iter()
            .flatten()
            .collect()
    }

    fn on_forks(&self) -> Option<String> {
        let part = self.fork_time.as_secs_f64() / self.elapsed.as_secs_f64().max(1e-9);
        if self.fork_time < SLOW_FORK || part < PART {
            return None;
        }
        let tables = match self.page_tables {
            Some(bytes) => format!("each copies up to {} of page tables", Bytes(bytes)),
            None => "each copies the page tables of this process".to_owned(),
        };
        Some(format!(
            "forking took {} of the map's time ({}): {tables}. Large data in a SharedVec or MappedSlice has none to \
             copy; an ordinary vector has few where huge_pages was advised before it was filled",
            Percent(part),
            Time(self.fork_time),
        ))
    }

    fn on_balance(&self) -> Option<String> {
        let balance = self.balance().filter(|balance| *balance < 0.75)?;
        let busy = self.workers.iter().map(|worker| worker.busy);
        let largest = busy.max().unwrap_or_default();
        if largest < SLOW_FORK || largest.as_secs_f64() < 0.5 * self.elapsed.as_secs_f64() {
            return None;
        }
        let slowest = self.slowest.first()?;
        let whole = slowest.took().as_secs_f64() > 0.5 * largest.as_secs_f64();
        let cure = match (whole, slowest.items().len()) {
            (true, 1) => format!(
                "item {} alone took {}: begin with it, or cut it up",
                slowest.items().start,
                Time(slowest.took())
            ),
            _ => "smaller chunks would spread it better".to_owned(),
        };
        Some(format!(
            "one worker was busy for {} while the mean is {} of that; {cure}",
            Time(largest),
            Percent(balance)
        ))
    }
}
