//! A report in the making: events entered one by one.

use super::summary::{Summary, WorkerUse};
use crate::observe::{Event, Moment, Slowest};
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

/// So many warnings are kept: a map may meet the same trouble a million times.
const WARNINGS: usize = 20;

/// What is known of one map, or of one stream up to the window that runs.
#[derive(Default)]
pub(super) struct Tally {
    /// The number of what is added up, and when it began; nothing before the first.
    whole: Option<(u64, Instant)>,
    /// The number of the map that began last: the whole, or a window of it.
    map: u64,
    /// Where that window begins.
    before: usize,
    ended: Option<Instant>,
    summary: Summary,
    workers: BTreeMap<Option<usize>, Entry>,
    /// From workers that time their items.
    items: Slowest,
    /// Claims from end to end, for where nobody times items.
    claims: Slowest,
}

#[derive(Default)]
struct Entry {
    finished: usize,
    /// As it measured itself; `None` where it did not.
    worked: Option<Duration>,
    /// How long its claims were out.
    out: Duration,
    starts: usize,
    deaths: usize,
    place: Option<String>,
}

impl Tally {
    pub(super) fn enter(&mut self, event: &Event<'_>, moment: &Moment) {
        if let Event::Started {
            executor,
            workers,
            items,
        } = event
        {
            if self.whole.is_none_or(|(whole, _)| whole != moment.whole()) {
                *self = Tally::default();
                self.whole = Some((moment.whole(), moment.whole_start()));
            }
            (self.map, self.before) = (moment.map(), moment.items_before());
            (self.ended, self.summary.ending) = (None, None);
            self.summary.executor = executor;
            self.summary.items += items;
            self.summary.windows += 1;
            for number in 0..*workers.min(items) {
                self.worker(Some(number));
            }
        }
        // What an earlier map still says is not for this one.
        if self.whole.is_some() && self.map == moment.map() {
            self.count(event, moment);
        }
    }

    fn count(&mut self, event: &Event<'_>, moment: &Moment) {
        let summary = &mut self.summary;
        let before = self.before;
        match event {
            Event::Done {
                items,
                failed,
                worker,
                since,
            } => {
                summary.finished += items.len();
                summary.failed += failed;
                summary.chunks += 1;
                let out = moment.now().saturating_duration_since(*since);
                self.claims.add_with(out, || behind(before, items));
                let entry = self.worker(*worker);
                entry.finished += items.len();
                entry.out += out;
            }
            Event::Worked {
                worker,
                begun,
                ended,
                slowest,
                ..
            } => {
                for timed in *slowest {
                    let items = || behind(before, &timed.items());
                    self.items.add_with(timed.took(), items);
                }
                let entry = self.worker(*worker);
                let busy = ended.saturating_duration_since(*begun);
                *entry.worked.get_or_insert_default() += busy;
            }
            Event::Retried { .. } => summary.retries += 1,
            Event::WorkerStarted { worker, again, .. } => {
                summary.respawns += usize::from(*again);
                self.worker(Some(*worker)).starts += 1;
            }
            Event::WorkerPlaced { worker, place } => {
                self.worker(Some(*worker)).place = Some((*place).to_owned());
            }
            Event::WorkerDied { worker, .. } => self.worker(Some(*worker)).deaths += 1,
            Event::WorkerStopped { worker, item, why } => {
                let text = match item {
                    Some(item) => {
                        let item = before + item;
                        format!("worker {worker} was stopped at item {item}: {why}")
                    }
                    None => format!("worker {worker} was stopped: {why}"),
                };
                self.warn(text);
                self.worker(Some(*worker)).deaths += 1;
            }
            Event::FewerWorkers { left, why } => {
                self.warn(format!("the map went on with {left} workers: {why}"));
            }
            Event::Forked {
                took, page_tables, ..
            } => {
                summary.forks += 1;
                summary.fork_time += *took;
                summary.longest_fork = summary.longest_fork.max(*took);
                summary.page_tables = summary.page_tables.max(*page_tables);
            }
            Event::Moved { bytes, .. } => summary.bytes_moved += bytes,
            Event::Dirtied { bytes, .. } => *summary.memory_dirtied.get_or_insert(0) += bytes,
            Event::Warning { text } => self.warn((*text).to_owned()),
            Event::Ended { ending } => {
                summary.ending = Some(ending.to_string());
                self.ended = Some(moment.now());
            }
            Event::Started { .. }
            | Event::Claimed { .. }
            | Event::Failed { .. }
            | Event::WorkerEnded { .. } => {}
        }
    }

    fn worker(&mut self, number: Option<usize>) -> &mut Entry {
        self.workers.entry(number).or_default()
    }

    fn warn(&mut self, text: String) {
        if self.summary.warnings.len() < WARNINGS {
            self.summary.warnings.push(text);
        }
    }

    pub(super) fn summary(&self) -> Summary {
        let Some((_, start)) = self.whole else {
            return Summary::default();
        };
        let elapsed = self.ended.unwrap_or_else(Instant::now) - start;
        let are_timed = !self.items.is_empty();
        let slowest = if are_timed { &self.items } else { &self.claims };
        let workers = self.workers.iter();
        // The named first.
        let (unnamed, named): (Vec<_>, Vec<_>) = workers.partition(|(name, _)| name.is_none());
        Summary {
            elapsed,
            slowest: slowest.sorted(),
            workers: named
                .into_iter()
                .chain(unnamed)
                .map(|(&worker, entry)| {
                    let busy = entry.worked.unwrap_or(entry.out);
                    WorkerUse {
                        worker,
                        items: entry.finished,
                        busy,
                        idle: elapsed.saturating_sub(busy),
                        starts: entry.starts,
                        deaths: entry.deaths,
                        place: entry.place.clone(),
                    }
                })
                .collect(),
            ..self.summary.clone()
        }
    }
}

/// The items of a window, as those of the stream.
fn behind(before: usize, items: &Range<usize>) -> Range<usize> {
    before + items.start..before + items.end
}
