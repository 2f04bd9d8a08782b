//! Maps for `tracing`: a span for each, events in it. The subscriber is the one of the thread that called the map, also
//! for events on workers' threads, so that one set for a scope hears all of its maps.

use partools_core::{Ending, Event, Moment, Observer};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tracing::dispatcher::{self, Dispatch};
use tracing::{Span, debug, error, info, info_span, trace, warn};

/// Tells `tracing` of maps: a span `map` for each (with `executor`, `workers`, `items`; a child of the caller's current
/// span), and in it events with the target `partools`.
///
/// | level | events |
/// |---|---|
/// | `ERROR` | the map ended with an error, or unwound |
/// | `WARN` | an item failed; a worker died or was stopped; the map goes on with fewer; other warnings |
/// | `INFO` | the map ended |
/// | `DEBUG` | retries; workers started and ended; forks |
/// | `TRACE` | chunks claimed, worked on, done; bytes moved |
///
/// A cheap handle: clones are the same.
///
/// ```
/// use partools_core::{Serial, over};
/// use partools_insight::Tracing;
/// // With whatever subscriber the program has set; without one, nothing happens.
/// over(0..1000).observe(&Tracing::new()).map(|i| i * 2).run(&Serial)?;
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Tracing(Arc<Mutex<BTreeMap<u64, Scene>>>);

/// One map under way.
#[derive(Clone)]
struct Scene {
    span: Span,
    dispatch: Dispatch,
}

impl Tracing {
    /// For all maps that it is handed to.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn scenes(&self) -> MutexGuard<'_, BTreeMap<u64, Scene>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Tracing {
    fn event(&self, event: &Event<'_>, moment: &Moment) {
        if let Event::Started {
            executor,
            workers,
            items,
        } = event
        {
            let span = info_span!(target: "partools", "map", executor, workers, items);
            let dispatch = dispatcher::get_default(Clone::clone);
            self.scenes().insert(moment.map(), Scene { span, dispatch });
            return;
        }
        let scene = match event {
            Event::Ended { .. } => self.scenes().remove(&moment.map()),
            _ => self.scenes().get(&moment.map()).cloned(),
        };
        if let Some(Scene { span, dispatch }) = scene {
            dispatcher::with_default(&dispatch, || tell(event, moment, &span));
        }
    }
}

/// Whole microseconds.
fn micros(from: Instant, to: Instant) -> u64 {
    let micros = to.saturating_duration_since(from).as_micros();
    u64::try_from(micros).unwrap_or(u64::MAX)
}

fn tell(event: &Event<'_>, moment: &Moment, span: &Span) {
    match event {
        Event::Claimed {
            items,
            attempt,
            worker,
        } => {
            trace!(target: "partools", parent: span, ?items, attempt, worker, "chunk claimed");
        }
        Event::Done {
            items,
            failed,
            worker,
            since,
        } => {
            let out_us = micros(*since, moment.now());
            trace!(target: "partools", parent: span, ?items, failed, worker, out_us, "chunk done");
        }
        Event::Worked {
            worker,
            items,
            begun,
            ended,
            ..
        } => {
            let busy_us = micros(*begun, *ended);
            trace!(target: "partools", parent: span, ?items, worker, busy_us, "chunk worked on");
        }
        Event::Moved { bytes, worker } => {
            trace!(target: "partools", parent: span, bytes, worker, "bytes moved");
        }
        Event::Failed { error } => {
            let item = error.index();
            warn!(target: "partools", parent: span, item, %error, "item failed");
        }
        Event::Warning { text } => warn!(target: "partools", parent: span, "{text}"),
        Event::Retried { error, .. } => {
            let item = error.index();
            debug!(target: "partools", parent: span, item, %error, "item is tried again");
        }
        Event::Ended { ending } => end(ending, moment, span),
        _ => workers(event, span),
    }
}

fn workers(event: &Event<'_>, span: &Span) {
    match event {
        Event::WorkerStarted {
            worker,
            process,
            again,
        } => {
            debug!(target: "partools", parent: span, worker, process, again, "worker started");
        }
        Event::WorkerPlaced { worker, place } => {
            debug!(target: "partools", parent: span, worker, place, "worker placed");
        }
        Event::WorkerEnded { worker } => {
            debug!(target: "partools", parent: span, worker, "worker ended");
        }
        Event::WorkerDied { worker, item, why } => {
            warn!(target: "partools", parent: span, worker, item, why, "worker died");
        }
        Event::WorkerStopped { worker, item, why } => {
            warn!(target: "partools", parent: span, worker, item, why, "worker was stopped");
        }
        Event::FewerWorkers { left, why } => {
            warn!(target: "partools", parent: span, left, why, "the map goes on with fewer workers");
        }
        Event::Forked {
            worker,
            took,
            page_tables,
        } => {
            debug!(target: "partools", parent: span, worker, ?took, page_tables, "forked");
        }
        Event::Dirtied { worker, bytes } => {
            debug!(target: "partools", parent: span, worker, bytes, "memory dirtied");
        }
        _ => trace!(target: "partools", parent: span, ?event, "something new"),
    }
}

fn end(ending: &Ending<'_>, moment: &Moment, span: &Span) {
    let elapsed = moment.elapsed();
    match ending {
        Ending::Failed(error) => {
            error!(target: "partools", parent: span, ?elapsed, %error, "map ended");
        }
        Ending::Unwound => {
            error!(target: "partools", parent: span, ?elapsed, "map ended in a panic");
        }
        ending => info!(target: "partools", parent: span, ?elapsed, %ending, "map ended"),
    }
}

impl fmt::Debug for Tracing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tracing of {} maps under way", self.scenes().len())
    }
}
