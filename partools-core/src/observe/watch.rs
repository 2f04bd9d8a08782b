//! The observers of one run, told of each event; and the curtain, which tells the end whatever comes.

use super::event::{Ending, Event};
use super::{Moment, Observer, Wants};
use crate::panics::{is_worker_process, quietly};
use crate::plan::Plan;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Maps and streams are numbered from 1, in the order in which they begin.
static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// Of which stream a map is a window, and where in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(super) stream: u64,
    pub(super) start: Instant,
    /// How many items were in the windows before.
    pub(crate) items_before: usize,
}

impl Part {
    /// The first window of a stream that begins now.
    pub(crate) fn first() -> Self {
        Part {
            stream: NUMBERS.fetch_add(1, Ordering::Relaxed),
            start: Instant::now(),
            items_before: 0,
        }
    }
}

pub(crate) struct Watch {
    map: u64,
    start: Instant,
    part: Option<Part>,
    wants: Wants,
    listeners: Vec<Listener>,
    /// Made in a worker process. A run that was inherited by one tells nothing there: its observers are copies.
    in_worker_process: bool,
}

struct Listener {
    observer: Arc<dyn Observer>,
    /// It panicked, and hears nothing more.
    is_deaf: AtomicBool,
}

impl Watch {
    /// `None` where nobody looks on.
    pub(crate) fn new(plan: &Plan) -> Option<Arc<Self>> {
        let observers = &plan.observers;
        if observers.0.is_empty() {
            return None;
        }
        let mut wants = Wants::default();
        let mut listeners = Vec::with_capacity(observers.0.len());
        for observer in &observers.0 {
            let panicked = quietly(|| wants = wants.and(observer.wants()));
            listeners.push(Listener {
                observer: Arc::clone(observer),
                is_deaf: AtomicBool::new(panicked),
            });
        }
        Some(Arc::new(Watch {
            map: NUMBERS.fetch_add(1, Ordering::Relaxed),
            start: Instant::now(),
            part: plan.part,
            wants,
            listeners,
            in_worker_process: is_worker_process(),
        }))
    }

    pub(crate) fn wants(&self) -> Wants {
        self.wants
    }

    pub(crate) fn tell(&self, event: &Event<'_>) {
        if self.in_worker_process != is_worker_process() {
            return;
        }
        let moment = Moment {
            map: self.map,
            start: self.start,
            now: Instant::now(),
            part: self.part,
        };
        let mut news = false;
        for listener in &self.listeners {
            if listener.is_deaf.load(Ordering::Relaxed) {
                continue;
            }
            let panicked = quietly(|| listener.observer.event(event, &moment));
            news |= panicked && !listener.is_deaf.swap(true, Ordering::Relaxed);
        }
        // When all have heard the event itself: nobody hears of a map that it does not know.
        if news {
            self.tell(&Event::Warning {
                text: "an observer panicked, and hears nothing more of this map",
            });
        }
    }

    /// The time now as a number that a claim can carry.
    pub(crate) fn stamp(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// The time of a [`stamp`](Self::stamp).
    pub(crate) fn at(&self, stamp: u64) -> Instant {
        self.start + Duration::from_nanos(stamp)
    }
}

/// Tells the end of a map: how it ended, or that it unwound.
pub(crate) struct Curtain(Option<Arc<Watch>>);

impl Curtain {
    /// The map begins.
    pub(crate) fn rise(
        watch: Option<&Arc<Watch>>,
        executor: &'static str,
        workers: usize,
        items: usize,
    ) -> Self {
        if let Some(watch) = watch {
            watch.tell(&Event::Started {
                executor,
                workers,
                items,
            });
        }
        Curtain(watch.cloned())
    }

    /// The map ended.
    pub(crate) fn fall(mut self, ending: Ending<'_>) {
        if let Some(watch) = self.0.take() {
            watch.tell(&Event::Ended { ending });
        }
    }
}

impl Drop for Curtain {
    fn drop(&mut self) {
        if let Some(watch) = self.0.take() {
            watch.tell(&Event::Ended {
                ending: Ending::Unwound,
            });
        }
    }
}
