//! Observers: who looks on while a map runs, and how events reach them.
//!
//! ```text
//!   Chunk, Worker, Run, executors (Run::note)  --Event-->  Watch  --(each, a panic caught)-->  Observer
//! ```
//!
//! Events come from the core's own places, where a chunk is claimed, done or lost, so that every executor has them. A
//! run without observers has no [`Watch`]: it reads no clock for them, and asks once per chunk, never per item.

mod event;
mod stopwatch;
#[cfg(test)]
mod tests;
mod watch;

pub use event::{Ending, Event, Timed};
pub(crate) use stopwatch::{Slowest, Stopwatch};
pub(crate) use watch::{Curtain, Part, Watch};

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Looks on while maps run: is told of chunks, failures, workers and what else happens, never of single items that
/// went well.
///
/// It is handed over by [`Over::observe`](crate::Over::observe) as a cheap handle that is cloned: put what it gathers
/// behind an `Arc`. [`Report`](crate::Report) is one.
///
/// ```
/// use partools_core::{Event, Moment, Observer, Serial, over};
/// use std::sync::{Arc, Mutex};
///
/// #[derive(Clone, Default)]
/// struct Lines(Arc<Mutex<Vec<String>>>);
/// impl Observer for Lines {
///     fn event(&self, event: &Event<'_>, _moment: &Moment) {
///         let line = match event {
///             Event::Started { executor, items, .. } => format!("{items} items on {executor}"),
///             Event::Failed { error } => error.to_string(),
///             Event::Ended { ending, .. } => format!("the end: {ending}"),
///             _ => return, // there are more, and there may be new ones
///         };
///         self.0.lock().expect("no line panics").push(line);
///     }
/// }
/// let lines = Lines::default();
/// over(&[1, 0]).observe(&lines).map(|&x| assert_ne!(x, 0, "zero")).try_run(&Serial)?;
/// let lines = lines.0.lock().expect("no line panics");
/// assert_eq!(lines[0], "2 items on serial");
/// assert!(lines[1].starts_with("item 1 panicked"));
/// assert_eq!(lines[2], "the end: all that was needed is finished");
/// # Ok::<(), partools_core::Error>(())
/// ```
///
/// # Where it is called
/// In the process that called the map, on the thread where the event happens: on workers' threads too, at the same time.
/// Who waits in it holds up that worker. Workers that are processes call nothing: what they know comes home first.
///
/// # What is one map
/// What an executor runs at a time, from [`Event::Started`] to [`Event::Ended`]; its items are named by their position
/// in it. Where some items of a task are run, by [`pick`](crate::Job::pick) or because a journal has the others, that is
/// the position among them ([`Task::index_of`](crate::Task::index_of) leads back); `over_iter` runs a window at a time,
/// and each window is a map ([`Moment::whole`] and [`Moment::items_before`] say of which stream, and where in it); the blocks
/// of a `fold` are the items of its map.
///
/// # If it panics
/// The panic hook says so, this observer hears nothing more of this map, the others hear an
/// [`Event::Warning`], and the map goes on as if it had not happened.
///
/// # What it costs
/// A plan without observers costs nothing. With one, each chunk costs some 0.2 µs and a call each of
/// [`Event::Claimed`], [`Event::Worked`] and [`Event::Done`]; chunks of [`Chunks::Auto`](crate::Chunks::Auto) take
/// about 100 µs. A map on one worker is then cut into chunks too, where nothing is said about them.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: &Event<'_>, moment: &Moment);

    /// What must be measured for this observer beyond what is at hand. Asked once per map. Nothing, if not said
    /// otherwise.
    fn wants(&self) -> Wants {
        Wants::default()
    }
}

impl<T: Observer + ?Sized> Observer for Arc<T> {
    fn event(&self, event: &Event<'_>, moment: &Moment) {
        (**self).event(event, moment);
    }
    fn wants(&self) -> Wants {
        (**self).wants()
    }
}

/// What an observer wants to be measured that costs something.
///
/// ```
/// use partools_core::Wants;
/// let wants = Wants::default().item_times();
/// assert!(wants.has_item_times() && !wants.has_memory());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use]
pub struct Wants {
    item_times: bool,
    memory: bool,
}

impl Wants {
    /// How long items take. Workers then read the clock about every 10 µs: once per item, where items take longer
    /// than 5 µs; cheaper ones are timed a few together ([`Timed`]).
    pub fn item_times(mut self) -> Self {
        self.item_times = true;
        self
    }

    /// How much memory each worker process made its own ([`Event::Dirtied`]). The system walks the worker's page
    /// tables for it, twice: some 10 ms per GB that it has mapped.
    pub fn memory(mut self) -> Self {
        self.memory = true;
        self
    }

    /// Are items to be timed?
    #[must_use]
    pub fn has_item_times(self) -> bool {
        self.item_times
    }

    /// Is the memory of workers to be measured?
    #[must_use]
    pub fn has_memory(self) -> bool {
        self.memory
    }

    fn and(self, other: Self) -> Self {
        Wants {
            item_times: self.item_times || other.item_times,
            memory: self.memory || other.memory,
        }
    }
}

/// Which map an event is of, and when it happened.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    map: u64,
    start: Instant,
    now: Instant,
    /// What the map is a window of.
    part: Option<Part>,
}

impl Moment {
    /// The map's number: no other map of this process has it.
    #[must_use]
    pub fn map(&self) -> u64 {
        self.map
    }

    /// When the map began.
    #[must_use]
    pub fn start(&self) -> Instant {
        self.start
    }

    /// The number of the stream of which the map is a window, the same for all of its windows; for any other map, the
    /// map's own. No other stream or map of this process has it.
    ///
    /// ```
    /// use partools_core::{Event, Moment, Observer, Serial, over_iter};
    /// use std::sync::{Arc, Mutex};
    ///
    /// #[derive(Clone, Default)]
    /// struct Windows(Arc<Mutex<Vec<(u64, usize)>>>);
    /// impl Observer for Windows {
    ///     fn event(&self, event: &Event<'_>, moment: &Moment) {
    ///         if let Event::Started { .. } = event {
    ///             let window = (moment.whole(), moment.items_before());
    ///             self.0.lock().expect("no push panics").push(window);
    ///         }
    ///     }
    /// }
    /// let windows = Windows::default();
    /// over_iter(0..25).window(10).observe(&windows).map(|n| *n).run(&Serial)?;
    /// let windows = windows.0.lock().expect("no push panics");
    /// assert_eq!(windows.iter().map(|window| window.1).collect::<Vec<_>>(), [0, 10, 20]);
    /// assert!(windows.iter().all(|window| window.0 == windows[0].0));
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    #[must_use]
    pub fn whole(&self) -> u64 {
        self.part.map_or(self.map, |part| part.stream)
    }

    /// When the stream began of which the map is a window; for any other map, when the map did.
    #[must_use]
    pub fn whole_start(&self) -> Instant {
        self.part.map_or(self.start, |part| part.start)
    }

    /// How many items the stream had in windows before this one: what leads from a position in the map to one in the
    /// stream. 0 for any other map.
    #[must_use]
    pub fn items_before(&self) -> usize {
        self.part.map_or(0, |part| part.items_before)
    }

    /// When the event was told.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// How long the map had run by then.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.now - self.start
    }
}

/// The observers of a plan.
#[derive(Clone, Default)]
pub(crate) struct Observers(Vec<Arc<dyn Observer>>);

impl Observers {
    pub(crate) fn add(&mut self, observer: impl Observer + 'static) {
        self.0.push(Arc::new(observer));
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} observers", self.0.len())
    }
}

// A panic of an observer is caught, and it is not called again: nothing of it is seen behind an unwinding but what the
// observer itself keeps.
impl UnwindSafe for Observers {}
impl RefUnwindSafe for Observers {}
