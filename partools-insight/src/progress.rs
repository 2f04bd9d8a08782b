//! A progress bar. It is drawn by whoever tells of a finished chunk, at most 20 times a second: no thread of its own, so a
//! map whose items take minutes has a bar that stands still for minutes.

use indicatif::{ProgressBar, ProgressStyle};
use partools_core::{Ending, Event, Moment, Observer};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// Shows how far a map is: a bar on standard error, with the rate, the time left, and how many items failed.
///
/// Nothing is written where standard error is not a terminal, and no thread is started. A cheap handle: clones are the
/// same bar. Handed to several maps it shows the one that began last, on the line of the one before.
///
/// ```
/// use partools_core::{Serial, over};
/// use partools_insight::Progress;
/// let doubled = over(0..1000).observe(&Progress::new()).map(|i| i * 2).run(&Serial)?;
/// assert_eq!(doubled[999], 1998);
/// # Ok::<(), partools_core::Error>(())
/// ```
///
/// What is counted is finished items, as their chunks come to their end: large chunks make large steps.
#[derive(Clone)]
pub struct Progress(Arc<Shown>);

struct Shown {
    bar: ProgressBar,
    /// The number of the map that is shown. Numbers grow.
    map: AtomicU64,
    failures: Mutex<usize>,
}

const LOOK: &str = "{bar:32} {human_pos}/{human_len}, {per_sec:1}, {eta} left{msg}";
const LOOK_AT_END: &str = "{bar:32} {human_pos}/{human_len} in {elapsed}{msg}";

impl Progress {
    /// A bar on standard error.
    #[must_use]
    pub fn new() -> Self {
        let bar = ProgressBar::no_length();
        Self::with(bar)
    }

    /// A bar of your own making, on another target or in an [`indicatif::MultiProgress`]. Its style is replaced; its
    /// length, position and message are the map's.
    ///
    /// ```
    /// use indicatif::{ProgressBar, ProgressDrawTarget};
    /// use partools_core::{Serial, over};
    /// use partools_insight::Progress;
    /// # use partools_insight::indicatif;
    /// let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
    /// over(0..1000).observe(&Progress::with(bar.clone())).map(|i| i * 2).run(&Serial)?;
    /// assert_eq!((bar.position(), bar.length()), (1000, Some(1000)));
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    #[must_use]
    pub fn with(bar: ProgressBar) -> Self {
        Progress(Arc::new(Shown {
            bar,
            map: AtomicU64::new(0),
            failures: Mutex::new(0),
        }))
    }
}

impl Shown {
    fn begin(&self, items: usize) {
        *self.failures() = 0;
        self.bar.reset();
        self.bar.set_style(style(LOOK));
        self.bar.set_length(items as u64);
        self.bar.set_message("");
    }

    fn failures(&self) -> std::sync::MutexGuard<'_, usize> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn done(&self, items: usize, failed: usize) {
        if failed > 0 {
            let mut failures = self.failures();
            *failures += failed;
            let text = format!(", {} failed", *failures);
            drop(failures);
            self.bar.set_message(text);
        }
        self.bar.inc(items as u64);
    }

    fn end(&self, ending: &Ending<'_>) {
        let mut text = match *self.failures() {
            0 => String::new(),
            failures => format!(", {failures} failed"),
        };
        if !matches!(ending, Ending::Finished) {
            let why = ending.to_string();
            let why = why.lines().next().unwrap_or_default();
            text = format!("{text}; {why}");
        }
        self.bar.set_style(style(LOOK_AT_END));
        // The bar stays as it is: it shows how far the map came.
        self.bar.abandon_with_message(text);
    }
}

fn style(look: &str) -> ProgressStyle {
    // The template is ours and has no mistake, which a test sees; a bar of another look is no reason to panic.
    ProgressStyle::with_template(look).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Observer for Progress {
    fn event(&self, event: &Event<'_>, moment: &Moment) {
        let shown = &self.0;
        if let Event::Started { items, .. } = event {
            if shown.map.fetch_max(moment.map(), Relaxed) < moment.map() {
                shown.begin(*items);
            }
        } else if shown.map.load(Relaxed) == moment.map() {
            match event {
                Event::Done { items, failed, .. } => shown.done(items.len(), *failed),
                Event::Ended { ending } => shown.end(ending),
                _ => {}
            }
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress")
            .field("position", &self.0.bar.position())
            .field("length", &self.0.bar.length())
            .finish()
    }
}
