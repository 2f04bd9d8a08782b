//! The atomics of the ring, in one place, so that `--cfg partools_model` can swap them for shuttle's and a test can
//! explore the interleavings of producer and inbox (`tests/ring_model.rs`). `lib.rs` swaps the three modules that
//! the ring sleeps and lives in for those of `model` then, and leaves out the rest of the crate.

#[cfg(not(partools_model))]
pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, fence};

#[cfg(partools_model)]
pub(crate) use shuttle::sync::atomic::{AtomicU32, AtomicU64, fence};
