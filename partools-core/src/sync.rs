//! The locks, atomics and thread-locals of the core, in one place, so that `--cfg partools_model` can swap them for
//! shuttle's and a test can explore the interleavings of cursor, workers and caller (`tests/model.rs`).

use std::time::Duration;

#[cfg(not(partools_model))]
pub(crate) use std::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};
#[cfg(not(partools_model))]
pub(crate) use std::thread_local;

#[cfg(partools_model)]
pub(crate) use shuttle::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};
#[cfg(partools_model)]
pub(crate) use shuttle::thread_local;

/// Locks, also after a panic elsewhere: the state under our locks is whole between any two statements
/// that can panic, so poison carries no news.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poison| poison.into_inner())
}

/// What is behind a lock that nobody else can hold.
pub(crate) fn unlocked<T>(mutex: &mut Mutex<T>) -> &mut T {
    mutex.get_mut().unwrap_or_else(|poison| poison.into_inner())
}

/// Wakes those who sleep on it, and costs nothing where nobody does: a `Condvar` alone makes a system
/// call each time.
#[derive(Default)]
pub(crate) struct Bell {
    condvar: Condvar,
    /// Changed only while the lock is held that sleepers wait with.
    sleepers: AtomicUsize,
}

impl Bell {
    /// Sleeps until it rings, or sooner; also after a panic elsewhere.
    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.sleepers.fetch_add(1, Ordering::Relaxed);
        let guard = self
            .condvar
            .wait(guard)
            .unwrap_or_else(|poison| poison.into_inner());
        self.sleepers.fetch_sub(1, Ordering::Relaxed);
        guard
    }

    /// As [`wait`](Self::wait), but no longer than `limit`.
    pub(crate) fn wait_for<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        limit: Duration,
    ) -> MutexGuard<'a, T> {
        self.sleepers.fetch_add(1, Ordering::Relaxed);
        let (guard, _) = self
            .condvar
            .wait_timeout(guard, limit)
            .unwrap_or_else(|poison| poison.into_inner());
        self.sleepers.fetch_sub(1, Ordering::Relaxed);
        guard
    }

    /// Wakes all sleepers. For those who hold the lock, or have held it since the change that is waited
    /// for: a sleeper not counted by then takes the lock later, and sees the change.
    pub(crate) fn ring(&self) {
        if self.sleepers.load(Ordering::Relaxed) > 0 {
            self.condvar.notify_all();
        }
    }
}
