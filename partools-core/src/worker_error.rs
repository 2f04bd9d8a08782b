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
pub struct WorkerError(Kind);

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
        WorkerError(Kind::Start {
            worker,
            why: source.to_string(),
            source: Some(source),
        })
    }

    /// The task broke its contract: `why`, in words.
    #[must_use]
    pub fn task(why: impl Into<String>) -> Self {
        WorkerError(Kind::Task(why.into()))
    }

    /// Did making the state fail?
    #[must_use]
    pub fn is_start(&self) -> bool {
        matches!(self.0, Kind::Start { .. })
    }
}

impl fmt::Display for WorkerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Start { worker, why, .. } => {
                write!(f, "the state of worker {worker} could not be made: {why}")
            }
            Kind::Task(why) => write!(f, "the task broke its contract: {why}"),
        }
    }
}

impl std::error::Error for WorkerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Kind::Start {
                source: Some(source),
                ..
            } => Some(&**source),
            _ => None,
        }
    }
}
