//! What happened in one map, in the order in which it was told.

use partools_core::{Event, Moment};
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Instant;

pub(super) struct Tape {
    pub(super) title: String,
    pub(super) start: Instant,
    pub(super) end: Option<Instant>,
    pub(super) ending: String,
    /// Work as workers measured it; claims, from end to end, as long as none did.
    pub(super) slices: Vec<Slice>,
    are_measured: bool,
    pub(super) forks: Vec<Fork>,
    pub(super) marks: Vec<Mark>,
    /// How many items were finished, and when.
    pub(super) finished: Vec<(Instant, usize)>,
    /// The processes that workers had, one after the other.
    pub(super) processes: BTreeMap<usize, Vec<u32>>,
    /// Where workers are that say so.
    pub(super) places: BTreeMap<usize, String>,
    limit: usize,
    dropped: u64,
}

/// Some items on a worker.
pub(super) struct Slice {
    pub(super) worker: Option<usize>,
    pub(super) items: Range<usize>,
    pub(super) begun: Instant,
    pub(super) ended: Instant,
    pub(super) failed: usize,
}

pub(super) struct Fork {
    pub(super) worker: usize,
    pub(super) begun: Instant,
    pub(super) ended: Instant,
    pub(super) page_tables: Option<u64>,
}

/// Something that has no length.
pub(super) struct Mark {
    pub(super) at: Instant,
    pub(super) worker: Option<usize>,
    pub(super) name: &'static str,
    pub(super) text: String,
}

impl Tape {
    pub(super) fn new(start: Instant, limit: usize) -> Self {
        Tape {
            title: String::new(),
            start,
            end: None,
            ending: String::new(),
            slices: Vec::new(),
            are_measured: false,
            forks: Vec::new(),
            marks: Vec::new(),
            finished: Vec::new(),
            processes: BTreeMap::new(),
            places: BTreeMap::new(),
            limit,
            dropped: 0,
        }
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Are the slices claims rather than work?
    pub(super) fn are_claims(&self) -> bool {
        !self.are_measured
    }

    pub(super) fn record(&mut self, event: &Event<'_>, moment: &Moment) {
        let now = moment.now();
        match event {
            Event::Started {
                executor,
                workers,
                items,
            } => {
                self.title = match *executor {
                    "" => "a map of no items".to_owned(),
                    name => format!("{items} items on {name}, {workers} workers"),
                };
            }
            Event::Worked {
                worker,
                items,
                begun,
                ended,
                ..
            } => {
                if !std::mem::replace(&mut self.are_measured, true) {
                    self.slices.clear();
                }
                self.slice(Slice {
                    worker: *worker,
                    items: items.clone(),
                    begun: *begun,
                    ended: *ended,
                    failed: 0,
                });
            }
            Event::Done {
                items,
                failed,
                worker,
                since,
            } => {
                self.finish(now, items.len());
                if !self.are_measured {
                    self.slice(Slice {
                        worker: *worker,
                        items: items.clone(),
                        begun: *since,
                        ended: now,
                        failed: *failed,
                    });
                }
            }
            Event::Forked {
                worker,
                took,
                page_tables,
            } => {
                let begun = now.checked_sub(*took).unwrap_or(now);
                if fits(self.forks.len(), self.limit, &mut self.dropped) {
                    self.forks.push(Fork {
                        worker: *worker,
                        begun,
                        ended: now,
                        page_tables: *page_tables,
                    });
                }
            }
            Event::Ended { ending } => {
                self.end = Some(now);
                self.ending = ending.to_string();
            }
            event => self.mark(event, now),
        }
    }

    fn slice(&mut self, slice: Slice) {
        if fits(self.slices.len(), self.limit, &mut self.dropped) {
            self.slices.push(slice);
        }
    }

    fn finish(&mut self, at: Instant, items: usize) {
        let before = self.finished.last().map_or(0, |(_, sum)| *sum);
        let is_full = self.finished.len() >= self.limit;
        match self.finished.last_mut() {
            // The curve goes on to its end, in fewer steps.
            Some(last) if is_full => *last = (at, before + items),
            _ => self.finished.push((at, before + items)),
        }
    }

    fn mark(&mut self, event: &Event<'_>, at: Instant) {
        let stopped_at = |item: &Option<usize>, why: &str| match item {
            Some(item) => format!("at item {item}: {why}"),
            None => why.to_owned(),
        };
        let (worker, name, text) = match event {
            Event::Failed { error } => (None, "failed", error.to_string()),
            Event::Retried { error, .. } => (None, "tried again", error.to_string()),
            Event::WorkerStarted {
                worker,
                process,
                again,
            } => {
                if let Some(process) = process {
                    self.processes.entry(*worker).or_default().push(*process);
                }
                if !again {
                    return;
                }
                let text = process.map_or_else(String::new, |id| format!("process {id}"));
                (Some(*worker), "started again", text)
            }
            Event::WorkerPlaced { worker, place } => {
                self.places.insert(*worker, (*place).to_owned());
                return;
            }
            Event::WorkerDied { worker, item, why } => {
                (Some(*worker), "died", stopped_at(item, why))
            }
            Event::WorkerStopped { worker, item, why } => {
                (Some(*worker), "stopped", stopped_at(item, why))
            }
            Event::FewerWorkers { left, why } => {
                (None, "fewer workers", format!("{left} left: {why}"))
            }
            Event::Warning { text } => (None, "warning", (*text).to_owned()),
            _ => return,
        };
        if fits(self.marks.len(), self.limit, &mut self.dropped) {
            self.marks.push(Mark {
                at,
                worker,
                name,
                text,
            });
        }
    }
}

/// Is there room for one more? What has none is counted.
fn fits(len: usize, limit: usize, dropped: &mut u64) -> bool {
    *dropped += u64::from(len >= limit);
    len < limit
}
