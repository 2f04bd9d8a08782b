//! What others build on partools, with nothing but its public names: two executors, and a library function that runs on
//! any executor. The guide page `docs/WRITE-AN-EXECUTOR.md` is built around these files.
//!
//! - [`Scoped`]: threads, in under 20 lines.
//! - [`Spool`]: worker processes that pick up chunks from a directory; under 120 lines, the worker's included.
//! - [`row_means`]: a function whose caller chooses the executor.
#![cfg(target_os = "linux")]

mod row_means;
mod scoped;
pub mod spool;

pub use row_means::{RowMeans, row_means};
pub use scoped::Scoped;
pub use spool::Spool;
