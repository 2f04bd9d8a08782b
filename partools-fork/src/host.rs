//! May this process fork now? A child has one thread, and locks that other threads held stay locked in it; and what
//! it writes to memory that the parent shares with somebody, it writes there too. Both are refused by default, by
//! name, with ways out. Threads that an executor of ours keeps, and that rest, hold no lock ([`KeptThread`]).

use partools_core::{Error, KeptThread};
use partools_os::{OtherThread, foreign_writable_shared, other_threads};
use std::time::{Duration, Instant};

/// The executor's name in errors.
pub(crate) const NAME: &str = "fork";
/// A thread that was joined a moment ago may be listed for some milliseconds more.
const GRACE: Duration = Duration::from_millis(20);
const NAP: Duration = Duration::from_micros(200);
/// The system keeps this much of a thread's name.
const COMM: usize = 15;
/// So many names in an error are enough.
const NAMED: usize = 8;

/// What the user has vouched for, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tolerated {
    pub(crate) threads: Vec<String>,
    pub(crate) mappings: Vec<String>,
}

/// What is left beside the calling thread, all of it tolerated.
pub(crate) struct Host {
    /// Other threads live, and not all of them rest: their locks may be held for ever in a child.
    pub(crate) has_threads: bool,
}

/// Looks around, and refuses the map where a child would not be safe.
pub(crate) fn look(tolerated: &Tolerated) -> Result<Host, Error> {
    let has_threads = check_threads(&tolerated.threads)?;
    check_mappings(&tolerated.mappings)?;
    Ok(Host { has_threads })
}

fn check_threads(tolerated: &[String]) -> Result<bool, Error> {
    let is_tolerated = |thread: &OtherThread| {
        tolerated
            .iter()
            .any(|name| cut(name.as_bytes()) == cut(thread.name.as_bytes()))
    };
    let (begun, process) = (Instant::now(), std::process::id());
    loop {
        let mut threads = other_threads().map_err(|why| {
            Error::refused(
                NAME,
                format!("it cannot see whether other threads live (/proc/self/task: {why})"),
                "make /proc readable, or run on another executor",
            )
        })?;
        threads.retain(|thread| !KeptThread::is_resting(process, thread.tid));
        let strangers: Vec<_> = threads
            .iter()
            .filter(|thread| !is_tolerated(thread))
            .collect();
        if strangers.is_empty() {
            return Ok(!threads.is_empty());
        }
        if begun.elapsed() >= GRACE {
            let names = listed(
                strangers
                    .iter()
                    .map(|t| format!("\"{}\" (tid {})", t.name, t.tid)),
            );
            return Err(Error::refused(
                NAME,
                format!(
                    "this process has {} beside the calling one: {names}. A forked child would hang on the first \
                     lock that one of them holds",
                    if strangers.len() == 1 {
                        "a thread"
                    } else {
                        "threads"
                    },
                ),
                "run the map before they start or after they are joined, or on Threads; or, if you know that they \
                 hold no lock that your closure needs, name them with the unsafe Fork::tolerate_threads",
            ));
        }
        std::thread::sleep(NAP);
    }
}

fn check_mappings(tolerated: &[String]) -> Result<(), Error> {
    let mappings = foreign_writable_shared().map_err(|why| {
        Error::refused(
            NAME,
            format!(
                "it cannot see whether this process shares writable memory (/proc/self/maps: {why})"
            ),
            "make /proc readable, or run on another executor",
        )
    })?;
    let strangers: Vec<_> = mappings
        .iter()
        .filter(|m| !tolerated.contains(&m.name))
        .collect();
    if strangers.is_empty() {
        return Ok(());
    }
    let names = listed(strangers.iter().map(|m| {
        format!(
            "{} ({} KiB at {:#x})",
            m.name,
            (m.end - m.start) >> 10,
            m.start
        )
    }));
    Err(Error::refused(
        NAME,
        format!(
            "this process shares writable memory: {names}. What a child writes there, the parent would see"
        ),
        "unmap it first (freeze a SharedVecMut), or run on Threads; or, if your closure does not write there, name it \
         with the unsafe Fork::tolerate_shared_memory",
    ))
}

fn cut(name: &[u8]) -> &[u8] {
    &name[..name.len().min(COMM)]
}

fn listed(names: impl ExactSizeIterator<Item = String>) -> String {
    let count = names.len();
    let mut text = names.take(NAMED).collect::<Vec<_>>().join(", ");
    if count > NAMED {
        text.push_str(&format!(" and {} more", count - NAMED));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut_and_say_so() {
        let names = |n: usize| {
            listed(
                (0..n)
                    .map(|i| i.to_string())
                    .collect::<Vec<_>>()
                    .into_iter(),
            )
        };
        assert_eq!(names(2), "0, 1");
        assert_eq!(names(10), "0, 1, 2, 3, 4, 5, 6, 7 and 2 more");
    }

    #[test]
    fn a_name_is_compared_as_far_as_the_system_keeps_it() {
        assert_eq!(cut(b"tokio-runtime-worker"), b"tokio-runtime-w");
        assert_eq!(cut(b"short"), b"short");
    }
}
