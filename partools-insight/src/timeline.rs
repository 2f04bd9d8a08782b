//! A timeline: who worked on what when, as a Chrome trace, which Perfetto opens.
//!
//! ```text
//!   events  -->  Tape of one map (tape.rs)  -->  tracks, no two slices of one overlap (tracks.rs)  -->  JSON (trace.rs)
//! ```
//! In the trace a map is a "process", and a worker a "thread" of it: one track each. A tape is bounded: what does not
//! fit is counted, and the trace says so.

mod tape;
mod trace;
mod tracks;

use partools_core::{Event, Moment, Observer};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tape::Tape;

/// Records what each worker did when. Written as a Chrome trace, it can be opened in [Perfetto](https://ui.perfetto.dev)
/// or at `chrome://tracing`: a track for each worker with its chunks, one for the map with forks and failures, and how
/// many items are finished as a curve.
///
/// A cheap handle: clones are the same timeline. All maps that it is handed to are in one trace, on one time axis.
///
/// ```
/// use partools_core::{Serial, over};
/// use partools_insight::Timeline;
/// let timeline = Timeline::new();
/// over(0..1000).observe(&timeline).map(|i| i * 2).run(&Serial)?;
///
/// let path = std::env::temp_dir().join(format!("timeline-{}.json", std::process::id()));
/// timeline.save(&path)?; // and now: ui.perfetto.dev, "Open trace file"
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # What is shown of a worker
/// When it worked on which chunk, measured where it works; on an executor that does not bring that home, when claims were
/// handed out and when they were back ("claims"). Work of less than a microsecond is still a slice.
#[derive(Clone)]
pub struct Timeline(Arc<Recorder>);

struct Recorder {
    tapes: Mutex<BTreeMap<u64, Tape>>,
    limit: usize,
}

impl Timeline {
    /// So many chunks, or failures, or whatever else, are kept of a map: some 100 MB.
    const LIMIT: usize = 1_000_000;

    /// An empty timeline. Of each map a million events are kept; see [`with_limit`](Self::with_limit).
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(Self::LIMIT)
    }

    /// Keeps no more than `events` chunks and as many other events of each map, the first ones; each takes up to 100 bytes.
    /// The trace says how many more there were.
    ///
    /// ```
    /// use partools_core::{Chunks, Serial, over};
    /// use partools_insight::Timeline;
    /// let timeline = Timeline::with_limit(10);
    /// over(0..1000).chunk(Chunks::of(1)).observe(&timeline).map(|i| i * 2).run(&Serial)?;
    /// assert!(timeline.dropped() > 0 && timeline.to_json().contains("not kept"));
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    #[must_use]
    pub fn with_limit(events: usize) -> Self {
        Timeline(Arc::new(Recorder {
            tapes: Mutex::default(),
            limit: events,
        }))
    }

    /// How many events were not kept, of all maps.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.tapes().values().map(Tape::dropped).sum()
    }

    /// Writes the trace; of maps that still run, what has happened up to now. Workers wait meanwhile.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_to(&self, out: impl Write) -> io::Result<()> {
        trace::write(&self.tapes(), out)
    }

    /// Writes the trace to a file, which is made or replaced.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        self.write_to(&mut out)?;
        out.flush()
    }

    /// The trace as text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = Vec::new();
        // Neither a vector nor what is written into it can fail.
        let written = self.write_to(&mut json);
        debug_assert!(written.is_ok(), "{written:?}");
        String::from_utf8(json).unwrap_or_default()
    }

    fn tapes(&self) -> MutexGuard<'_, BTreeMap<u64, Tape>> {
        self.0.tapes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Timeline {
    fn event(&self, event: &Event<'_>, moment: &Moment) {
        let mut tapes = self.tapes();
        let tape = tapes.entry(moment.map());
        tape.or_insert_with(|| Tape::new(moment.start(), self.0.limit))
            .record(event, moment);
    }
}

impl Default for Timeline {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timeline of {} maps", self.tapes().len())
    }
}
