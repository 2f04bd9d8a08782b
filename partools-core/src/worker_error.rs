//! What ends a worker, and with it the map: not the failure of an item, but of what items need. It crosses
//! process borders, without its source.

use crate::state::StartError;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A worker could not go on: its state could not be made or dropped, or its task broke its contract. It becomes an
/// [`Error`](crate::Error) of the map.
///
/// ```
/// use partools_core::{Error, WorkerError};
/// let error = Error::from(WorkerError::start(3, "no such device".into()));
/// assert_eq!(error.to_string(), "the state of worker 3 could not be made: no such device");
/// ```
#[derive(Debug, Serialize, Deserialize)]
pub struct WorkerError {
    kind: Kind,
    /// Where the worker is, where that is not here.
    place: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Kind {
    Start {
        worker: usize,
        why: String,
        #[serde(skip)]
        source: Option<StartError>,
    },
    Task(String),
}

impl WorkerError {
    /// The state of worker number `worker` could not be made.
    #[must_use]
    pub fn start(worker: usize, source: StartError) -> Self {
        Self::of(Kind::Start {
            worker,
            why: source.to_string(),
            source: Some(source),
        })
    }

    /// The task broke its contract: `why`, in words.
    #[must_use]
    pub fn task(why: impl Into<String>) -> Self {
        Self::of(Kind::Task(why.into()))
    }

    fn of(kind: Kind) -> Self {
        WorkerError { kind, place: None }
    }

    /// The same error, with where its worker is.
    ///
    /// ```
    /// use partools_core::WorkerError;
    /// let error = WorkerError::start(3, "no such device".into()).with_place("rank 4 on node07");
    /// assert_eq!(
    ///     error.to_string(),
    ///     "the state of worker 3 could not be made: no such device; that is rank 4 on node07"
    /// );
    /// ```
    #[must_use]
    pub fn with_place(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// Did making the state fail?
    #[must_use]
    pub fn is_start(&self) -> bool {
        matches!(self.kind, Kind::Start { .. })
    }
}

impl fmt::Display for WorkerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Start { worker, why, .. } => {
                write!(f, "the state of worker {worker} could not be made: {why}")
            }
            Kind::Task(why) => write!(f, "the task broke its contract: {why}"),
        }?;
        match &self.place {
            Some(place) => write!(f, "; that is {place}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for WorkerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            Kind::Start {
                source: Some(source),
                ..
            } => Some(&**source),
            _ => None,
        }
    }
}
