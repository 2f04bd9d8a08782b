//! Threads that an executor keeps from map to map: whoever forks may know that they rest.
//!
//! A fork copies the calling thread alone, and a lock that another one held stays locked in the child for ever. A thread
//! that rests holds none: it waits, or looks at atomics. So beside such threads a fork loses nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All that live, of this process or, in a forked child, of its parent.
static KEPT: Mutex<Vec<Arc<Entry>>> = Mutex::new(Vec::new());

fn kept() -> MutexGuard<'static, Vec<Arc<Entry>>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug)]
struct Entry {
    process: u32,
    thread: u32,
    rests: AtomicBool,
}

/// A thread that an executor keeps from map to map. It is on the list until this is dropped; at first it does not rest.
///
/// ```
/// use partools_core::KeptThread;
/// let (process, thread) = (std::process::id(), 4711); // as the system numbers them
/// let kept = KeptThread::enroll(process, thread);
/// assert!(!KeptThread::is_resting(process, thread));
/// // SAFETY: (of this example) no thread has that number, so it holds no lock.
/// unsafe { kept.rests() };
/// assert!(KeptThread::is_resting(process, thread));
/// kept.works();
/// assert!(!KeptThread::is_resting(process, thread));
/// ```
#[derive(Debug)]
pub struct KeptThread(Arc<Entry>);

impl KeptThread {
    /// The thread of this number, of the process of that number.
    #[must_use]
    pub fn enroll(process: u32, thread: u32) -> Self {
        let entry = Arc::new(Entry {
            process,
            thread,
            rests: AtomicBool::new(false),
        });
        kept().push(Arc::clone(&entry));
        KeptThread(entry)
    }

    /// It rests from now on, until [`works`](Self::works).
    ///
    /// # Safety
    /// Until then the thread holds no lock and takes none, those of the allocator and the standard library among them,
    /// but for locks that no forked child uses; and while no map is under way that it serves, it does not go back to
    /// work. So a process that is forked meanwhile by the thread that has those maps is whole without it.
    pub unsafe fn rests(&self) {
        self.0.rests.store(true, Ordering::Release);
    }

    /// It may hold locks from now on.
    pub fn works(&self) {
        self.0.rests.store(false, Ordering::Release);
    }

    /// Does that thread rest? False for one that nobody enrolled.
    #[must_use]
    pub fn is_resting(process: u32, thread: u32) -> bool {
        kept().iter().any(|entry| {
            (entry.process, entry.thread) == (process, thread)
                && entry.rests.load(Ordering::Acquire)
        })
    }
}

impl Drop for KeptThread {
    fn drop(&mut self) {
        kept().retain(|entry| !Arc::ptr_eq(entry, &self.0));
    }
}
