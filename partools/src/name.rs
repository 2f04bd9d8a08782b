//! Names of executors as users type them: `serial`, `threads:4`, `fork`.
//!
//! Space around the text is ignored, and so is the case of ASCII letters: these names come from command
//! lines and configuration files, where nobody means anything by either. Everything else is taken
//! literally. What cannot be read is an error that quotes the text, says what is wrong with it, and lists
//! what there is in this build.

use crate::present::{self, Make, PortablePresent, Present};
use std::error::Error;
use std::fmt;

/// What is known of a name.
struct Entry {
    name: &'static str,
    /// Why it takes no number of workers, where it takes none.
    no_number: Option<&'static str>,
    make: Makes,
    /// How to get it, where it is not in this build.
    get: &'static str,
}

/// What makes it, by what it can run.
#[derive(Clone, Copy)]
enum Makes {
    /// Any task, or so; `None` where it is not in this build.
    Any(Make<Present>),
    /// Portable tasks alone.
    Portable(Make<PortablePresent>),
}

/// Which executors are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Those of [`AnyExecutor`](crate::AnyExecutor).
    Any,
    /// Those of [`AnyPortable`](crate::AnyPortable): the same, and those for portable tasks alone.
    Portable,
}

const ENTRIES: [Entry; 6] = [
    Entry {
        name: "serial",
        no_number: Some("serial has one worker, the calling thread; leave the number out"),
        make: Makes::Any(present::SERIAL),
        get: "",
    },
    Entry {
        name: "threads",
        no_number: None,
        make: Makes::Any(present::THREADS),
        get: "build partools with its feature `threads`",
    },
    Entry {
        name: "rayon",
        no_number: Some(
            "rayon's global pool has its own number of threads; leave the number out, and set \
             RAYON_NUM_THREADS instead",
        ),
        make: Makes::Any(present::RAYON),
        get: "build partools with its feature `rayon`",
    },
    Entry {
        name: "fork",
        no_number: None,
        make: Makes::Any(present::FORK),
        get: "build partools with its feature `fork`, for Linux",
    },
    Entry {
        name: "ipc",
        no_number: None,
        make: Makes::Portable(present::IPC),
        get: "build partools with its feature `ipc`, for Linux",
    },
    Entry {
        name: "loopback",
        no_number: Some("loopback has one worker, the calling thread; leave the number out"),
        make: Makes::Portable(present::LOOPBACK),
        get: "",
    },
];

impl Entry {
    /// Is it in this build?
    fn is_present(&self) -> bool {
        match self.make {
            Makes::Any(make) => make.is_some(),
            Makes::Portable(make) => make.is_some(),
        }
    }

    fn is_of(&self, kind: Kind) -> bool {
        kind == Kind::Portable || matches!(self.make, Makes::Any(_))
    }
}

/// What a text asks for: the name of an executor of this build, the number of workers, the executor.
pub(crate) type Asked<P> = (&'static str, Option<usize>, P);

/// An executor for any task.
pub(crate) fn parse(text: &str) -> Result<Asked<Present>, ParseExecutorError> {
    let (name, workers, makes) = find(text, Kind::Any)?;
    match makes {
        Makes::Any(Some(make)) => Ok((name, workers, make(workers))),
        _ => Err(wrong(text, Kind::Any, NOBODY.to_owned())),
    }
}

/// An executor for portable tasks.
pub(crate) fn parse_portable(text: &str) -> Result<Asked<PortablePresent>, ParseExecutorError> {
    let (name, workers, makes) = find(text, Kind::Portable)?;
    match makes {
        Makes::Any(Some(make)) => Ok((name, workers, PortablePresent::Any(make(workers)))),
        Makes::Portable(Some(make)) => Ok((name, workers, make(workers))),
        _ => Err(wrong(text, Kind::Portable, NOBODY.to_owned())),
    }
}

const NOBODY: &str = "no executor has this name";

fn wrong(text: &str, kind: Kind, why: String) -> ParseExecutorError {
    ParseExecutorError {
        text: text.to_owned(),
        why,
        kind,
    }
}

fn find(text: &str, kind: Kind) -> Result<Asked<Makes>, ParseExecutorError> {
    let wrong = |why: String| wrong(text, kind, why);
    let plain = text.trim().to_ascii_lowercase();
    let (name, number) = match plain.split_once(':') {
        Some((name, number)) => (name, Some(number)),
        None => (&*plain, None),
    };
    let Some(entry) = ENTRIES.iter().find(|entry| entry.name == name) else {
        return Err(wrong(NOBODY.to_owned()));
    };
    if !entry.is_of(kind) {
        return Err(wrong(format!(
            "{name} runs portable tasks alone; have the name read as an AnyPortable"
        )));
    }
    if !entry.is_present() {
        return Err(wrong(format!("{name} is not in this build; {}", entry.get)));
    }
    let workers = match (number, entry.no_number) {
        (None, _) => None,
        (Some(_), Some(why)) => return Err(wrong(why.to_owned())),
        (Some(number), None) => Some(workers(number).map_err(wrong)?),
    };
    Ok((entry.name, workers, entry.make))
}

/// The number of workers behind the colon. Digits alone, so that there is one way to write a number.
fn workers(text: &str) -> Result<usize, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(0) => Err("0 workers can do nothing; ask for at least 1".to_owned()),
        Ok(number) if digits => Ok(number),
        Err(_) if digits => Err(format!(
            "{text} workers are more than any machine can count"
        )),
        _ => Err(format!(
            "{text:?} is no number of workers; write a whole number of at least 1"
        )),
    }
}

/// The names in this build, as they are to be typed, N being a number of workers.
pub(crate) fn names(kind: Kind) -> impl Iterator<Item = String> {
    let forms = |entry: &Entry| {
        let counted = entry
            .no_number
            .is_none()
            .then(|| format!("{}:N", entry.name));
        std::iter::once(entry.name.to_owned()).chain(counted)
    };
    ENTRIES
        .iter()
        .filter(move |entry| entry.is_present() && entry.is_of(kind))
        .flat_map(forms)
}

/// A text that names no executor of this build.
///
/// ```
/// let error = "treads:4".parse::<partools::AnyExecutor>().unwrap_err();
/// assert!(error.to_string().starts_with(r#"executor "treads:4": no executor has this name; there are serial"#));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseExecutorError {
    text: String,
    why: String,
    kind: Kind,
}

impl fmt::Display for ParseExecutorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let there_are = names(self.kind).collect::<Vec<_>>().join(", ");
        write!(
            f,
            "executor {:?}: {}; there are {there_are} (N workers)",
            self.text, self.why
        )
    }
}

impl Error for ParseExecutorError {}
