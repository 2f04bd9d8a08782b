//! What can be wrong with the file of the flights, and what to do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The flights could not be read.
#[derive(Debug)]
pub struct Error {
    path: PathBuf,
    what: What,
}

#[derive(Debug)]
enum What {
    Unreadable(io::Error),
    Damaged { found: u64, expected: u64 },
    Content(String),
}

impl Error {
    pub(crate) fn unreadable(path: &Path, error: io::Error) -> Self {
        Self::new(path, What::Unreadable(error))
    }

    pub(crate) fn damaged(path: &Path, found: u64, expected: u64) -> Self {
        Self::new(path, What::Damaged { found, expected })
    }

    pub(crate) fn content(path: &Path, why: String) -> Self {
        Self::new(path, What::Content(why))
    }

    fn new(path: &Path, what: What) -> Self {
        let path = path.to_owned();
        Error { path, what }
    }

    /// There is no such file.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(&self.what, What::Unreadable(error) if error.kind() == io::ErrorKind::NotFound)
    }

    /// The file is another one than it should be, in any byte.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        matches!(self.what, What::Damaged { .. })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.what {
            What::Unreadable(error) => write!(f, "cannot read the flights from {path}: {error}")?,
            What::Damaged { found, expected } => write!(
                f,
                "the flights in {path} are damaged: their checksum is {found:016x}, and should be {expected:016x}"
            )?,
            What::Content(why) => write!(f, "the flights in {path} are not as expected: {why}")?,
        }
        f.write_str(
            "; restore the file from the repository (README.md beside it says how it was made)",
        )
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.what {
            What::Unreadable(error) => Some(error),
            What::Damaged { .. } | What::Content(_) => None,
        }
    }
}
