//! The locks, atomics and thread-locals of the core, in one place, so that `--cfg partools_model` can swap them for
//! shuttle's and a test can explore the interleavings of cursor, workers and caller (`tests/model.rs`).

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

/// Sleeps on `bell`, also after a panic elsewhere.
pub(crate) fn wait<'a, T>(bell: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    bell.wait(guard)
        .unwrap_or_else(|poison| poison.into_inner())
}
