//! The futex of the model (`tests/ring_model.rs`). Whoever sleeps here sleeps without a time limit, so that a lost
//! wake-up is a deadlock, which shuttle reports. As in the kernel, a sleeper compares and falls asleep under a lock
//! that every waker takes.

use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::Duration;

use shuttle::sync::{Condvar, Mutex, MutexGuard};

use crate::sync::AtomicU32;

shuttle::lazy_static! {
    /// One place to sleep for all words: who wakes without a change of its own word sleeps on.
    static ref KERNEL: Kernel = Kernel::default();
}

#[derive(Default)]
struct Kernel {
    lock: Mutex<()>,
    woken: Condvar,
}

fn enter() -> MutexGuard<'static, ()> {
    KERNEL
        .lock
        .lock()
        .unwrap_or_else(|poison| poison.into_inner())
}

/// Sleeps while `word` is `seen`, and until somebody wakes it, however long that takes.
pub(crate) fn sleep_while(word: &AtomicU32, seen: u32, _at_most: Duration) {
    let mut guard = enter();
    while word.load(Acquire) == seen {
        guard = KERNEL
            .woken
            .wait(guard)
            .unwrap_or_else(|poison| poison.into_inner());
    }
}

/// Changes `word` and wakes all that sleep on it.
pub(crate) fn change_and_wake(word: &AtomicU32) {
    word.fetch_add(1, Release);
    let _guard = enter();
    KERNEL.woken.notify_all();
}
