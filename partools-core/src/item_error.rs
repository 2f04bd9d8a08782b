//! The failure of one item: which, at which attempt, and why (C5, C6). It crosses process borders whole.

use crate::blame;
use crate::control::Halt;
use crate::panics::{Panic, Payload};
use crate::portable::CodecError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// The failure of one item.
///
/// ```
/// use partools_core::{Cause, Serial, over};
///
/// let results = over(0..3).map(|i| if i == 1 { panic!("odd") } else { i }).try_run(&Serial)?;
/// let failure = results[1].as_ref().expect_err("item 1 panicked");
/// assert_eq!(failure.index(), 1);
/// assert!(matches!(failure.cause(), Cause::Panicked { message, .. } if message == "odd"));
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Serialize, Deserialize)]
pub struct ItemError(Box<Inner>);

#[derive(Debug, Serialize, Deserialize)]
struct Inner {
    index: usize,
    attempt: u32,
    label: Option<String>,
    cause: Cause,
    /// The item inside, where several were called for one output and it is known which one panicked.
    within: Option<usize>,
    /// The last of what its worker wrote to standard error, where that was captured.
    stderr: Option<String>,
    /// Where its worker is, where that is not here.
    place: Option<String>,
    /// Kept where the panic is to go on in the caller; never crosses a border. The lock is there only
    /// because a payload is `Send` and an error should be `Sync`.
    #[serde(skip)]
    payload: Option<std::sync::Mutex<Payload>>,
}

/// Why an item failed.
///
/// ```
/// use partools_core::{Cause, Serial, over};
/// let results = over(&[2, 0]).map(|&x| 10 / x).try_run(&Serial)?;
/// let words = results.iter().map(|result| match result.as_ref().map_err(|failure| failure.cause()) {
///     Ok(output) => output.to_string(),
///     Err(Cause::Panicked { message, .. }) => format!("a fault in the closure: {message}"),
///     Err(Cause::Killed { name, .. }) => format!("a crash: {name}"),
///     Err(other) => other.to_string(), // each reads as the end of a sentence that begins with the item
/// });
/// assert_eq!(words.collect::<Vec<_>>(), ["5", "a fault in the closure: attempt to divide by zero"]);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Cause {
    /// It panicked.
    Panicked {
        /// The text of the panic.
        message: String,
        /// Where, as far as the panic hook told (a host that replaced the hook hides it).
        location: Option<Location>,
    },
    /// Its worker process ended itself, by `exit` or the like.
    Exited {
        /// The exit code.
        code: i32,
    },
    /// Its worker process was killed by a signal: a crash, an abort, a kill from outside.
    Killed {
        /// The signal's number.
        signal: i32,
        /// The signal's name, such as `SIGSEGV`.
        name: String,
    },
    /// It ran longer than the plan's item timeout, so its worker was told to stop, and killed if it did not.
    TimedOut {
        /// The limit.
        limit: Duration,
        /// How long it had run when it was over, the time that it took to stop included.
        ran: Duration,
    },
    /// It used more processor time than an item may, so its worker was stopped as for a timeout.
    CpuTime {
        /// The limit.
        limit: Duration,
        /// What it had used when that was seen.
        used: Duration,
    },
    /// Its worker took more memory than it may, and was killed before the system had to.
    Memory {
        /// By so many bytes had the worker's own memory grown since it was started.
        grown: u64,
        /// What it ran against.
        bound: MemoryBound,
    },
    /// It, or its output, could not cross the border.
    NotPortable(CodecError),
    /// The task returned without an output for it.
    NoOutput,
    /// It was not begun, or not begun again: the map was stopped before.
    NotRun {
        /// What stopped the map.
        halt: Halt,
    },
    /// An item below it had failed, and the plan says [stop](crate::OnError::Stop). It may not have been called.
    NotNeeded {
        /// The index of the failed item.
        failed: usize,
    },
    /// It may have been under way when the map was stopped and its worker killed.
    Stopped {
        /// What stopped the map.
        halt: Halt,
    },
    /// Its worker was lost in a way that the executor describes.
    Lost {
        /// The executor's words.
        why: String,
    },
}

/// What a worker ran against that took too much memory.
///
/// ```
/// use partools_core::{Cause, ItemError, MemoryBound};
/// let bound = MemoryBound::Worker { limit: 1_000_000_000 };
/// let error = ItemError::new(7, 0, Cause::Memory { grown: 1_250_000_000, bound });
/// assert_eq!(
///     error.to_string(),
///     "item 7 had its worker stopped, which had grown by 1.25 GB: a worker may grow by 1.00 GB"
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum MemoryBound {
    /// By so many bytes a worker may grow.
    Worker {
        /// In bytes.
        limit: u64,
    },
    /// So many bytes are to stay free, of what the machine has or this process and its control group may take.
    Reserve {
        /// What was to stay free, in bytes.
        reserve: u64,
        /// What was left, in bytes.
        left: u64,
    },
}

impl fmt::Display for MemoryBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            MemoryBound::Worker { limit } => write!(f, "a worker may grow by {}", Bytes(limit)),
            MemoryBound::Reserve { reserve, left } => write!(
                f,
                "{} of memory were left, and {} are to stay free",
                Bytes(left),
                Bytes(reserve)
            ),
        }
    }
}

/// A number of bytes, to three digits.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scaled = |unit: u64| self.0 as f64 / unit as f64;
        match self.0 {
            1_000_000_000.. => write!(f, "{:.2} GB", scaled(1_000_000_000)),
            1_000_000.. => write!(f, "{:.1} MB", scaled(1_000_000)),
            n => write!(f, "{n} B"),
        }
    }
}

/// A place in source code.
///
/// ```
/// use partools_core::{Serial, over};
/// let line = line!() + 1;
/// let error = over(0..3).map(|i| assert!(i < 2)).run(&Serial).unwrap_err();
/// let place = error.item().and_then(|item| item.location()).expect("a panic has a place");
/// assert_eq!((place.file.as_str(), place.line), (file!(), line));
/// assert_eq!(place.to_string(), format!("{}:{line}:{}", file!(), place.column));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// The file, as the compiler was given it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl ItemError {
    /// The failure of item `index` at its attempt number `attempt` (0 is the first).
    #[must_use]
    pub fn new(index: usize, attempt: u32, cause: Cause) -> Self {
        ItemError(Box::new(Inner {
            index,
            attempt,
            label: None,
            cause,
            within: None,
            stderr: None,
            place: None,
            payload: None,
        }))
    }

    pub(crate) fn panicked(index: usize, attempt: u32, panic: Panic, keep_payload: bool) -> Self {
        let cause = Cause::Panicked {
            message: panic.message,
            location: panic.location,
        };
        let mut error = Self::new(index, attempt, cause);
        error.0.within = blame::take();
        if keep_payload {
            error.0.payload = Some(std::sync::Mutex::new(panic.payload));
        }
        error
    }

    /// The index of the item, from 0, in the order of the items.
    #[must_use]
    pub fn index(&self) -> usize {
        self.0.index
    }

    /// The attempt that failed last: 0 is the first, more where the plan retries.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.0.attempt
    }

    /// The task's own name for the item, where it has one.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.0.label.as_deref()
    }

    /// Why it failed.
    #[must_use]
    pub fn cause(&self) -> &Cause {
        &self.0.cause
    }

    /// The last of what its worker had written to standard error, where the executor captures that: up to 4 KB, whether by
    /// this item or by others: those before it and, where the worker lived on, the next ones.
    ///
    /// ```
    /// use partools_core::{Cause, ItemError};
    /// let cause = Cause::Killed { signal: 6, name: "SIGABRT".into() };
    /// let error = ItemError::new(3, 0, cause).with_stderr("loading\nfree(): invalid pointer\n");
    /// assert_eq!(error.stderr(), Some("loading\nfree(): invalid pointer\n"));
    /// assert_eq!(
    ///     error.to_string(),
    ///     "item 3 had its worker process killed by SIGABRT; the worker's last words: free(): invalid pointer"
    /// );
    /// ```
    #[must_use]
    pub fn stderr(&self) -> Option<&str> {
        self.0.stderr.as_deref()
    }

    /// The same failure, with what its worker had written to standard error.
    #[must_use]
    pub fn with_stderr(mut self, text: impl Into<String>) -> Self {
        self.0.stderr = Some(text.into());
        self
    }

    /// Where the worker is that had it last, in the executor's words (`rank 3 on node07`), where that is another host or may
    /// be. See [`Run::place_workers`](crate::Run::place_workers).
    ///
    /// ```
    /// use partools_core::{Cause, ItemError};
    /// let error = ItemError::new(3, 0, Cause::NoOutput).with_place("rank 3 on node07");
    /// assert_eq!(error.place(), Some("rank 3 on node07"));
    /// assert!(error.to_string().ends_with("; it was with rank 3 on node07"));
    /// ```
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.0.place.as_deref()
    }

    /// The same failure, with where its worker is.
    #[must_use]
    pub fn with_place(mut self, place: impl Into<String>) -> Self {
        self.0.place = Some(place.into());
        self
    }

    /// Where it panicked, if it did and the place is known.
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        match &self.0.cause {
            Cause::Panicked { location, .. } => location.as_ref(),
            _ => None,
        }
    }

    pub(crate) fn within(&self) -> Option<usize> {
        self.0.within
    }

    pub(crate) fn set_index(&mut self, index: usize) {
        self.0.index = index;
    }

    /// Each index in it by what `index_of` makes of it.
    pub(crate) fn lead_back(&mut self, index_of: impl Fn(usize) -> usize) {
        self.0.index = index_of(self.0.index);
        if let Cause::NotNeeded { failed } = &mut self.0.cause {
            *failed = index_of(*failed);
        }
    }

    pub(crate) fn clear_label(&mut self) {
        self.0.label = None;
    }

    pub(crate) fn set_label(&mut self, label: impl FnOnce() -> Option<String>) {
        if self.0.label.is_none() {
            self.0.label = label();
        }
    }

    /// What to hand to `resume_unwind`, where this is a panic: its own payload if it was kept, else text.
    pub(crate) fn into_payload(mut self) -> Box<dyn std::any::Any + Send> {
        match self.0.payload.take() {
            Some(payload) => payload
                .into_inner()
                .unwrap_or_else(|p| p.into_inner())
                .into_inner(),
            None => Box::new(self.to_string()),
        }
    }
}

impl fmt::Display for ItemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "item {}", self.0.index)?;
        if let Some(label) = &self.0.label {
            write!(f, " ({label})")?;
        }
        write!(f, " {}", self.0.cause)?;
        match self.0.attempt {
            0 => {}
            n => write!(f, " (at attempt {})", n + 1)?,
        }
        if let Some(place) = &self.0.place {
            write!(f, "; it was with {place}")?;
        }
        let lines = self.0.stderr.iter().flat_map(|text| text.lines().rev());
        match lines.map(str::trim).find(|line| !line.is_empty()) {
            Some(line) => write!(f, "; the worker's last words: {line:.200}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Panicked {
                message,
                location: Some(at),
            } => write!(f, "panicked at {at}: {message}"),
            Cause::Panicked {
                message,
                location: None,
            } => write!(f, "panicked: {message}"),
            Cause::Exited { code } => write!(f, "ended its worker process with exit code {code}"),
            Cause::Killed { name, .. } => write!(f, "had its worker process killed by {name}"),
            Cause::TimedOut { limit, ran } => write!(
                f,
                "ran for {ran:.1?}, longer than the item timeout of {limit:?}, so its worker was stopped"
            ),
            Cause::CpuTime { limit, used } => write!(
                f,
                "used {used:.1?} of processor time, more than the {limit:?} that an item may, so its worker was stopped"
            ),
            Cause::Memory { grown, bound } => write!(
                f,
                "had its worker stopped, which had grown by {}: {bound}",
                Bytes(*grown)
            ),
            Cause::NotPortable(error) => {
                write!(f, "cannot cross processes: {error}")
            }
            Cause::NoOutput => f.write_str("got no output: its task returned without pushing one"),
            Cause::NotRun { halt } => write!(f, "was not run: {halt}"),
            Cause::NotNeeded { failed } => write!(f, "was not needed: item {failed} had failed"),
            Cause::Stopped { halt } => {
                write!(f, "was stopped under way, with its worker: {halt}")
            }
            Cause::Lost { why } => write!(f, "was lost with its worker: {why}"),
        }
    }
}

impl fmt::Debug for ItemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItemError")
            .field("index", &self.0.index)
            .field("attempt", &self.0.attempt)
            .field("label", &self.0.label)
            .field("cause", &self.0.cause)
            .field("stderr", &self.0.stderr)
            .field("place", &self.0.place)
            .finish()
    }
}

impl std::error::Error for ItemError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.cause {
            Cause::NotPortable(error) => Some(error),
            _ => None,
        }
    }
}
