//! What can end a map. Opaque, with questions to ask of it; the text says what happened, to which item,
//! and what the reader can do.

use crate::control::Halt;
use crate::item_error::ItemError;
use crate::worker_error::WorkerError;
use std::fmt;
use std::ops::Range;

/// Why a map gave no result.
///
/// ```
/// use partools_core::{Serial, over};
/// let error = over(0..9).map(|i| if i == 7 { panic!("boom") } else { i }).run(&Serial).unwrap_err();
/// assert_eq!(error.item().map(|item| item.index()), Some(7));
/// ```
#[derive(Debug)]
pub struct Error(Box<Repr>);

#[derive(Debug)]
struct Repr {
    kind: Kind,
    /// Finished outputs that were dropped with the map and panicked in their `Drop`.
    drop_panics: usize,
}

#[derive(Debug)]
enum Kind {
    Item(ItemError),
    Worker(WorkerError),
    Refused {
        executor: &'static str,
        why: String,
        instead: String,
    },
    Plan(String),
    Incomplete {
        executor: &'static str,
        missing: Range<usize>,
    },
    TooLarge {
        count: usize,
        output: &'static str,
    },
    Os {
        what: String,
        source: std::io::Error,
    },
    Halted {
        halt: Halt,
        done: usize,
        count: usize,
    },
    Executor(String),
}

impl Error {
    fn from_kind(kind: Kind) -> Self {
        Error(Box::new(Repr {
            kind,
            drop_panics: 0,
        }))
    }

    pub(crate) fn from_item(item: ItemError) -> Self {
        Self::from_kind(Kind::Item(item))
    }

    /// The executor refuses the map before its first item: `why`, and what to do `instead`.
    ///
    /// ```
    /// let error = partools_core::Error::refused("spool", "the queue is closed", "open it with `spool up`");
    /// assert_eq!(error.to_string(), "spool refuses this map: the queue is closed; open it with `spool up`");
    /// assert!(error.is_refused());
    /// ```
    #[must_use]
    pub fn refused(
        executor: &'static str,
        why: impl Into<String>,
        instead: impl Into<String>,
    ) -> Self {
        Self::from_kind(Kind::Refused {
            executor,
            why: why.into(),
            instead: instead.into(),
        })
    }

    /// A system call failed and the map cannot go on. `what` was to be done.
    ///
    /// ```
    /// use std::error::Error as _;
    /// let cause = std::io::Error::other("no buffers");
    /// let error = partools_core::Error::os("a socket for worker 3 could not be made", cause);
    /// assert_eq!(error.to_string(), "a socket for worker 3 could not be made: no buffers");
    /// assert!(error.is_os() && error.source().is_some());
    /// ```
    #[must_use]
    pub fn os(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::from_kind(Kind::Os {
            what: what.into(),
            source,
        })
    }

    /// An executor's own failure, in its own words.
    #[must_use]
    pub fn executor(why: impl Into<String>) -> Self {
        Self::from_kind(Kind::Executor(why.into()))
    }

    pub(crate) fn plan(why: impl Into<String>) -> Self {
        Self::from_kind(Kind::Plan(why.into()))
    }

    pub(crate) fn incomplete(executor: &'static str, missing: Range<usize>) -> Self {
        Self::from_kind(Kind::Incomplete { executor, missing })
    }

    pub(crate) fn halted(halt: Halt, done: usize, count: usize) -> Self {
        Self::from_kind(Kind::Halted { halt, done, count })
    }

    /// Of a map whose items are blocks of `size` of the `total` items that the reader knows.
    pub(crate) fn counting_items(mut self, size: usize, total: usize) -> Self {
        if let Kind::Halted { done, count, .. } = &mut self.0.kind {
            *done = done.saturating_mul(size).min(total);
            *count = total;
        }
        self
    }

    /// Of a window of a stream, before which `done_before` items were done.
    pub(crate) fn behind(mut self, done_before: usize) -> Self {
        if let Kind::Halted { done, count, .. } = &mut self.0.kind {
            *done = done.saturating_add(done_before);
            *count = count.saturating_add(done_before);
        }
        self
    }

    pub(crate) fn too_large(count: usize, output: &'static str) -> Self {
        Self::from_kind(Kind::TooLarge { count, output })
    }

    pub(crate) fn with_drop_panics(mut self, count: usize) -> Self {
        self.0.drop_panics = count;
        self
    }

    /// The item that failed, where one did.
    #[must_use]
    pub fn item(&self) -> Option<&ItemError> {
        match &self.0.kind {
            Kind::Item(item) => Some(item),
            _ => None,
        }
    }

    /// The item that failed, where one did; else the error itself.
    ///
    /// ```
    /// use partools_core::{Error, Serial, over};
    /// let job = over(0..3).map(|i| 1 / i);
    /// let failure = job.run(&Serial).unwrap_err().into_item()?; // `?`: what is no item's failure goes on as it is
    /// assert_eq!(failure.index(), 0);
    /// assert!(Error::executor("the power is gone").into_item().is_err());
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Itself, where it is not the failure of an item.
    pub fn into_item(self) -> Result<ItemError, Error> {
        match self.0.kind {
            Kind::Item(item) => Ok(item),
            kind => Err(Error(Box::new(Repr { kind, ..*self.0 }))),
        }
    }

    /// Was the map refused before its first item, because the executor cannot do what it asks, or not
    /// here and now?
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self.0.kind, Kind::Refused { .. })
    }

    /// Did making a worker's state fail?
    #[must_use]
    pub fn is_start(&self) -> bool {
        matches!(&self.0.kind, Kind::Worker(error) if error.is_start())
    }

    /// Is the plan itself nonsense (chunks of zero items)?
    #[must_use]
    pub fn is_plan(&self) -> bool {
        matches!(self.0.kind, Kind::Plan(_))
    }

    /// Did the operating system refuse what the map needs?
    #[must_use]
    pub fn is_os(&self) -> bool {
        matches!(self.0.kind, Kind::Os { .. })
    }

    /// Was the map [cancelled](crate::CancelToken) before all its items were done?
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.halt() == Some(Halt::Cancelled)
    }

    /// Did the map's [deadline](crate::Over::deadline) pass before all its items were done?
    #[must_use]
    pub fn is_deadline(&self) -> bool {
        self.halt() == Some(Halt::Deadline)
    }

    /// Did worker after worker die, until the executor [gave up](crate::Run::give_up)?
    #[must_use]
    pub fn is_deaths(&self) -> bool {
        matches!(self.halt(), Some(Halt::Deaths { .. }))
    }

    fn halt(&self) -> Option<Halt> {
        match self.0.kind {
            Kind::Halted { halt, .. } => Some(halt),
            _ => None,
        }
    }

    /// Is the executor or the task at fault, breaking its part of the contract?
    #[must_use]
    pub fn is_contract(&self) -> bool {
        match &self.0.kind {
            Kind::Worker(error) => !error.is_start(),
            Kind::Incomplete { .. } => true,
            _ => false,
        }
    }
}

impl From<ItemError> for Error {
    fn from(error: ItemError) -> Self {
        Self::from_item(error)
    }
}

impl From<WorkerError> for Error {
    fn from(error: WorkerError) -> Self {
        Self::from_kind(Kind::Worker(error))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.kind {
            Kind::Item(item) => item.fmt(f),
            Kind::Worker(error) => error.fmt(f),
            Kind::Refused {
                executor,
                why,
                instead,
            } => {
                write!(f, "{executor} refuses this map: {why}; {instead}")
            }
            Kind::Plan(why) => write!(f, "this plan cannot be run: {why}"),
            Kind::Incomplete { executor, missing } => write!(
                f,
                "the executor {executor} returned before items {}..{} were done; this is a fault in the \
                 executor, which must work or deliver until the run is over",
                missing.start, missing.end
            ),
            Kind::TooLarge { count, output } => write!(
                f,
                "no memory for {count} outputs of type {output}; take them one by one with for_each, or, where that is what you do, use smaller chunks or a smaller window"
            ),
            Kind::Os { what, source } => write!(f, "{what}: {source}"),
            Kind::Halted { halt, done, count } => {
                write!(
                    f,
                    "{halt} when {done} of {count} items were done; try_run gives those that are, and for_each delivers them as they come"
                )?;
                match halt {
                    Halt::Deaths { .. } => f.write_str(
                        "; it also says how each worker died: where the items do it, run one on Serial to see it alone; where \
                         something kills workers from outside (the system does when memory runs out), use fewer",
                    ),
                    _ => Ok(()),
                }
            }
            Kind::Executor(why) => f.write_str(why),
        }?;
        match self.0.drop_panics {
            0 => Ok(()),
            n => write!(
                f,
                " (and {n} finished outputs panicked when they were dropped)"
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.kind {
            Kind::Item(item) => std::error::Error::source(item),
            Kind::Worker(error) => std::error::Error::source(error),
            Kind::Os { source, .. } => Some(source),
            _ => None,
        }
    }
}
