//! What became of a journal in one run: told with the outputs, and with what kept them from being all.

use partools_core::Error;
use std::fmt;

/// What was taken from a journal and added to it.
///
/// ```
/// use partools_core::{Serial, over};
/// use partools_journal::Journal;
/// # let path = std::env::temp_dir().join(format!("partools-account-{}", std::process::id()));
/// let account = over(0..3).map(|i| i).journal(&path, "three").run(&Serial)?.account;
/// assert_eq!(account.to_string(), "0 outputs taken from the journal, 3 added");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// Outputs that were taken from the journal, whose items were not called.
    pub taken: usize,
    /// Outputs that were added to it.
    pub added: usize,
    /// Records that were found damaged or cut off, and not by an earlier run. Their items were called again.
    pub damaged: u64,
    /// Why outputs were not written down from some point on: the disk is full, say. The map went on.
    pub trouble: Option<String>,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} outputs taken from the journal, {} added",
            self.taken, self.added
        )?;
        match self.damaged {
            0 => {}
            1 => f.write_str(", 1 damaged record passed over")?,
            n => write!(f, ", {n} damaged records passed over")?,
        }
        match &self.trouble {
            Some(trouble) => write!(f, "; {trouble}"),
            None => Ok(()),
        }
    }
}

/// The outputs of a journaled map, and what the journal had to do with them.
///
/// ```
/// use partools_core::{Serial, over};
/// use partools_journal::{Journal, Resumed};
/// # let path = std::env::temp_dir().join(format!("partools-resumed-{}", std::process::id()));
/// let resumed: Resumed<Vec<usize>> = over(0..3).map(|i| i * i).journal(&path, "squares").run(&Serial)?;
/// let Resumed { outputs, account, .. } = resumed;
/// assert_eq!((outputs, account.added), (vec![0, 1, 4], 3));
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Resumed<R> {
    /// As the ending of the same name of a [`Job`](partools_core::Job) gives them.
    pub outputs: R,
    /// How many were taken, and how many added.
    pub account: Account,
}

/// A journaled map that did not come to its end: why, and what is in the journal for the next run.
///
/// ```
/// use partools_core::{Error, Serial, over};
/// use partools_journal::Journal;
/// # let path = std::env::temp_dir().join(format!("partools-interrupted-{}", std::process::id()));
/// let job = over(0..100).map(|i| assert!(i < 40, "the network is down")).journal(&path, "downloads");
/// let interrupted = job.run(&Serial).unwrap_err();
/// assert_eq!(interrupted.account.added, 40);
/// assert!(interrupted.to_string().ends_with("(0 outputs taken from the journal, 40 added)"));
/// assert_eq!(Error::from(interrupted).item().map(|item| item.index()), Some(40));
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Interrupted {
    /// Why.
    pub error: Error,
    /// What was taken and added until then; all zero where the journal was refused.
    pub account: Account,
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.error, self.account)
    }
}

impl std::error::Error for Interrupted {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.error)
    }
}

impl From<Interrupted> for Error {
    fn from(interrupted: Interrupted) -> Error {
        interrupted.error
    }
}

/// Before anything was taken.
impl From<Error> for Interrupted {
    fn from(error: Error) -> Self {
        Interrupted {
            error,
            account: Account::default(),
        }
    }
}
