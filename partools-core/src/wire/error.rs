//! What can be wrong with what crossed.

use crate::error::Error;
use crate::item_error::Cause;
use crate::panics::Panic;
use crate::portable::CodecError;
use crate::worker_error::WorkerError;
use std::fmt;

/// What crossed, or was to cross, is not what it has to be.
///
/// ```
/// use partools_core::wire::WireError;
/// let error = WireError::new("the queue's disk is full");
/// assert!(error.to_string().contains("disk"));
/// ```
#[derive(Debug)]
pub struct WireError(Kind);

#[derive(Debug)]
enum Kind {
    Malformed(String),
    Value(CodecError),
    Broken(WorkerError),
}

impl WireError {
    /// In words, `what` is wrong.
    #[must_use]
    pub fn new(what: impl Into<String>) -> Self {
        WireError(Kind::Malformed(what.into()))
    }

    /// Is it the worker's own word that it cannot go on (its state could not be made, its task broke its
    /// contract)? That ends the map; anything else may be tried again elsewhere.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        matches!(self.0, Kind::Broken(_))
    }
}

/// What a panic of an item's own code, on its way out or home, is to that item.
pub(super) fn cause_of(panic: Panic) -> Cause {
    let Panic {
        message, location, ..
    } = panic;
    Cause::Panicked { message, location }
}

/// A panic of the task's own code outside its items: `what` it was at.
pub(super) fn broken_by(what: &str, panic: &Panic) -> WorkerError {
    WorkerError::task(match &panic.location {
        Some(at) => format!("{what} panicked at {at}: {}", panic.message),
        None => format!("{what} panicked: {}", panic.message),
    })
}

impl From<CodecError> for WireError {
    fn from(error: CodecError) -> Self {
        WireError(Kind::Value(error))
    }
}

impl From<WorkerError> for WireError {
    fn from(error: WorkerError) -> Self {
        WireError(Kind::Broken(error))
    }
}

impl From<WireError> for Error {
    fn from(error: WireError) -> Self {
        match error.0 {
            Kind::Broken(error) => error.into(),
            _ => Error::executor(error.to_string()),
        }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Malformed(what) => {
                write!(f, "what crossed the border is damaged, or not ours: {what}")
            }
            Kind::Value(error) => error.fmt(f),
            Kind::Broken(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for WireError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Kind::Malformed(_) => None,
            Kind::Value(error) => Some(error),
            Kind::Broken(error) => std::error::Error::source(error),
        }
    }
}
