//! partools in worker processes that are this very executable, started again and kept: crash-proof beside any threads.
//!
//! ```text
//! near: the calling thread                                 far: init(), first in `main`
//! executor.rs  Ipc: its terms, its pool                    worker.rs    attach, answer, let go; map after map
//! pool.rs      slots, lent to maps in turn                 segments.rs  what it maps, for reading
//! crew.rs      one map: deal, read, bury, deliver
//! hand.rs      one worker's part in it                     a line (socket): messages and descriptors, to the worker
//! seat.rs      one process, and how it is reached          a ring (shared memory): records, from the worker
//! setup.rs     what a process does first                   a desk (shared memory): bound, tickets, clock
//! freight.rs   the shared argument, published once for a map
//! published.rs or for several
//! ```
//!
//! Invariants: no thread is started here; a worker ends with the pool and with this process, whatever its items do; what a
//! worker writes is checked before it counts; what workers share is sealed. Linux only: elsewhere this crate is empty.
#![cfg(target_os = "linux")]

mod crew;
mod desk;
mod executor;
mod freight;
mod hand;
#[cfg(feature = "harden")]
mod harden;
#[cfg(not(feature = "harden"))]
#[path = "harden/absent.rs"]
mod harden;
mod message;
mod pool;
mod published;
mod seat;
mod segments;
mod setup;
mod terms;
mod welcome;
mod worker;

pub use executor::Ipc;
#[cfg(feature = "harden")]
pub use harden::Hardening;
pub use partools_os::{Capture, Limits};
pub use published::{FarPublished, Published};
pub use worker::init;
