//! Waiting until a thread is gone, not only joined (C4).
//!
//! A join returns when the thread has let go of its stack; the system may list its id for some milliseconds
//! more (8.8 at most in 10,000 trials), and whoever then asks who else runs here, such as a fork, sees a
//! thread. So each helper notes its id, and after the join we look until none of them is listed. Only Linux
//! tells; elsewhere, or where /proc is not there, nothing is noted and nothing is waited for.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often to yield to other threads between two looks, before naps begin: most are gone at once.
const YIELDS: u32 = 8;
/// Naps double from this one.
const FIRST_NAP: Duration = Duration::from_micros(20);
const LONGEST_NAP: Duration = Duration::from_millis(1);
/// Nobody waits longer than this: an id that is listed by then belongs to a new thread.
const PATIENCE: Duration = Duration::from_millis(50);

/// The threads that are to be gone when this is dropped. They must have been joined by then.
pub(crate) struct Departures(Mutex<Vec<PathBuf>>);

impl Departures {
    pub(crate) fn none() -> Self {
        Departures(Mutex::new(Vec::new()))
    }

    /// The calling thread is one of them. The numbers of its process and its own, where the system tells.
    pub(crate) fn note(&self) -> Option<(u32, u32)> {
        if !cfg!(target_os = "linux") {
            return None;
        }
        // 4711/task/4712
        let own = std::fs::read_link("/proc/thread-self").ok()?;
        let mut listed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listed.push(Path::new("/proc").join(&own));
        let (process, thread) = own.to_str()?.split_once("/task/")?;
        Some((process.parse().ok()?, thread.parse().ok()?))
    }
}

impl Drop for Departures {
    fn drop(&mut self) {
        let listed = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        let is_listed = |path: &PathBuf| std::fs::symlink_metadata(path).is_ok();
        let (begun, mut looks, mut nap) = (Instant::now(), 0, FIRST_NAP);
        loop {
            listed.retain(is_listed);
            if listed.is_empty() || begun.elapsed() > PATIENCE {
                return;
            }
            looks += 1;
            if looks <= YIELDS {
                std::thread::yield_now();
            } else {
                std::thread::sleep(nap);
                nap = (nap * 2).min(LONGEST_NAP);
            }
        }
    }
}
