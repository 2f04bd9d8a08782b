//! Everything of partools that talks to the operating system. Linux only: elsewhere this crate is empty.
//!
//! ```text
//!   parent                                   child (forked for one map)
//!   Inbox  <── Ring in a Region ───────────  Producer
//!   wait_any <─ Bell (eventfd), pidfd ─────  its bell, its end
//!   SharedVec  == sealed, read-only  ======  SharedVec
//! ```
//!
//! A parent forks workers ([`spawn`]), each of which writes what it has to say into a [`Ring`] of its own; the parent
//! drains the rings, sleeps in [`wait_any`] and reaps. The invariant of the whole crate: **a child can write nothing
//! of ours but the regions that it was lent, and nothing that it writes there is believed before it was copied and
//! checked.** Raw calls and `unsafe` stand in `region.rs`, `segment.rs` and `supervise`, nowhere else.
#![cfg(target_os = "linux")]

mod bell;
mod descriptors;
mod mappings;
mod region;
mod registry;
mod ring;
mod segment;
mod supervise;
mod threads;
mod turnstile;

pub use bell::Bell;
pub use mappings::{SharedMapping, foreign_writable_shared};
pub use region::{Access, Region};
pub use ring::{Corrupt, Inbox, Producer, Received, Ring, Urgency};
pub use segment::{SharedVec, SharedVecMut, huge_pages};
pub use supervise::{Child, Exit, SpawnOptions, flush_streams, signal_name, spawn, wait_any};
pub use threads::{OtherThread, other_threads, settled_threads};
pub use turnstile::{change_and_wake, sleep_while};
