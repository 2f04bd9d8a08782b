//! The locks and atomics of the stage, in one place, so that `--cfg partools_model` can swap them for shuttle's and a
//! test can explore the interleavings of a caller and its helpers (`tests/stage_model.rs`).

#[cfg(not(partools_model))]
pub(crate) use std::sync::{
    Arc, Condvar, Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering},
};
#[cfg(not(partools_model))]
pub(crate) use std::thread::Thread;

#[cfg(partools_model)]
pub(crate) use shuttle::sync::{
    Arc, Condvar, Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering},
};
#[cfg(partools_model)]
pub(crate) use shuttle::thread::Thread;

/// Locks, also after a panic elsewhere: what is under our locks is whole between any two statements that can panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poison| poison.into_inner())
}
