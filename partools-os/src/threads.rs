//! Who else runs in this process.
//!
//! A fork copies one thread, and locks that others hold stay locked in the child; so before a fork one asks here.
//! Asking is cheap when the answer is nobody: the link count of /proc/self/task is two plus the threads.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

const TASKS: &str = "/proc/self/task";
/// The link count while the caller is the only thread.
const LINKS_ALONE: u64 = 3;
/// How long to wait before looking again whether a thread is gone.
const FIRST_NAP: Duration = Duration::from_micros(50);
const LONGEST_NAP: Duration = Duration::from_millis(1);

/// A thread of this process that is not the calling one.
///
/// ```
/// use partools_os::other_threads;
/// use std::{sync::Barrier, thread};
///
/// let barrier = Barrier::new(2);
/// let others = thread::scope(|scope| {
///     let named = thread::Builder::new().name("a-name-of-more-than-15-bytes".into());
///     named.spawn_scoped(scope, || { barrier.wait(); barrier.wait(); }).expect("a thread");
///     barrier.wait(); // it runs, so it has a name
///     let others = other_threads();
///     barrier.wait(); // and now it may end
///     others
/// })?;
/// assert_eq!(others.len(), 1);
/// assert_eq!(others[0].name, "a-name-of-more-"); // 15 bytes are kept
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherThread {
    /// Its id, as the system numbers threads.
    pub tid: u32,
    /// Its name, as the system knows it: at most 15 bytes.
    pub name: String,
}

/// The threads of this process but for the calling one. About 2 µs when there is none.
///
/// A thread that was joined a moment ago may still be listed: see [`settled_threads`].
///
/// ```
/// assert_eq!(partools_os::other_threads()?, []); // nobody: a fork loses no thread
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// When /proc is not there or cannot be read.
pub fn other_threads() -> io::Result<Vec<OtherThread>> {
    if fs::metadata(TASKS)?.nlink() == LINKS_ALONE {
        return Ok(Vec::new());
    }
    let own = rustix::thread::gettid().as_raw_pid().unsigned_abs();
    let mut others = Vec::new();
    for task in fs::read_dir(TASKS)? {
        let name = task?.file_name();
        let Some(tid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if tid == own {
            continue;
        }
        // One that ended since it was listed has no name any more, and is no other thread any more.
        if let Ok(name) = fs::read(format!("{TASKS}/{tid}/comm")) {
            others.push(OtherThread {
                tid,
                name: String::from_utf8_lossy(&name).trim_end().to_owned(),
            });
        }
    }
    Ok(others)
}

/// As [`other_threads`], but waits up to `grace` for threads to vanish: after a join, the system may list a
/// thread for some milliseconds more (8.8 at most in 10,000 trials).
///
/// ```
/// use std::{thread, time::Duration};
///
/// thread::spawn(|| "work").join().expect("it did not panic");
/// assert_eq!(partools_os::settled_threads(Duration::from_secs(1))?, []);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// When /proc is not there or cannot be read.
pub fn settled_threads(grace: Duration) -> io::Result<Vec<OtherThread>> {
    let begun = Instant::now();
    let mut nap = FIRST_NAP;
    loop {
        let others = other_threads()?;
        let left = grace.saturating_sub(begun.elapsed());
        if others.is_empty() || left.is_zero() {
            return Ok(others);
        }
        std::thread::sleep(nap.min(left));
        nap = (nap * 2).min(LONGEST_NAP);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn other_threads_are_named_and_the_caller_is_not_among_them() {
        let (release, waiting) = mpsc::channel::<()>();
        let (begun, begins) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            let named = std::thread::Builder::new().name("a sleeper".into());
            let sleep = move || {
                drop(begun);
                waiting.recv()
            };
            named.spawn_scoped(scope, sleep).expect("a thread");
            // A thread names itself, before it does anything else.
            assert!(begins.recv().is_err());
            let own = rustix::thread::gettid().as_raw_pid().unsigned_abs();
            let others = other_threads().expect("a list");
            assert!(others.iter().all(|other| other.tid != own));
            assert!(
                others.iter().any(|other| other.name == "a sleeper"),
                "{others:?}"
            );
            drop(release);
        });
    }
}
