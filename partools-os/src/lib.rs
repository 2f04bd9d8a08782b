//! Everything of partools that talks to the operating system. Linux only: elsewhere this crate is empty.
//!
//! ```text
//!   parent                                   child (forked for one map)
//!   Inbox  <── Ring in a Region ───────────  Producer
//!   wait_any <─ Bell (eventfd), pidfd ─────  its bell, its end
//!   SharedVec  == sealed, read-only  ======  SharedVec
//!   MappedSlice == a file, read-only ======  MappedSlice
//!
//!   one process                              another one, not forked from it
//!   locate  ── descriptor, offset, length ─  Attached
//!   again::Crew ── this executable, again ─  again::worker
//!   again::start, Line ── messages ────────  again::linked, FarLine
//! ```
//!
//! A parent forks workers ([`spawn`]), each of which writes what it has to say into a [`Ring`] of its own; the parent
//! drains the rings, sleeps in [`wait_any`] and reaps. The invariant of the whole crate: **a child can write nothing
//! of ours but the regions that it was lent, and nothing that it writes there is believed before it was copied and
//! checked.** Raw calls and `unsafe` stand in `region.rs`, in `segment.rs` and
//! `supervise.rs` and their rooms (`segment/`, `supervise/`), in `ctrl_c.rs` and `reprieve.rs`, and in two rooms of `image`:
//! `headers.rs` reads the program's headers, `entry.rs` calls an `unsafe` function of the core's; nowhere else.
//!
//! ```standalone_crate
//! use partools_os::{Access, Bell, Exit, Inbox, Received, Region, Ring, SpawnOptions, Urgency, spawn, wait_any};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let (gate, ring, bell) = (Region::with_halves(1, 8)?, Ring::new(1 << 16)?, Bell::new()?);
//!     let lent = [(&gate, Access::ReadOnly), (ring.region(), Access::ReadWrite)];
//!     // SAFETY: this process has no other thread, and shares no other memory that can be written.
//!     let mut child = unsafe {
//!         spawn(&lent, &gate.halves()[0], &SpawnOptions::default(), || {
//!             ring.producer(&bell).send(1, b"done", Urgency::Prompt);
//!             std::process::abort()
//!         })
//!     }?;
//!
//!     let (mut inbox, mut said) = (Inbox::new(), Vec::new());
//!     let exit = loop {
//!         // Asked before the last look at the ring: what the child sent, it sent before it ended.
//!         let ended = child.try_reap();
//!         while let Received::Record { payload, .. } = inbox.receive(&ring)? {
//!             said.extend_from_slice(payload);
//!         }
//!         if let Some(exit) = ended {
//!             break exit;
//!         }
//!         if !inbox.arm(&ring) {
//!             wait_any(&bell, [&child].into_iter(), None)?;
//!         }
//!         inbox.disarm(&ring);
//!     };
//!     assert_eq!(said, b"done"); // kept, whatever became of the child
//!     assert!(matches!(exit, Exit::Signal { number: 6, .. }), "{exit}");
//!     Ok(())
//! }
//! ```
#![cfg(target_os = "linux")]

// What the ring is made of. Under `--cfg partools_model` shuttle schedules it (see `sync.rs`), and there is nothing else.
#[cfg_attr(partools_model, path = "model/bell.rs")]
mod bell;
#[cfg_attr(partools_model, path = "model/region.rs")]
mod region;
mod ring;
mod sync;
#[cfg_attr(partools_model, path = "model/turnstile.rs")]
mod turnstile;

#[cfg(not(partools_model))]
pub mod again;
#[cfg(not(partools_model))]
mod ctrl_c;
#[cfg(not(partools_model))]
mod descriptors;
#[cfg(all(not(partools_model), target_pointer_width = "64"))]
pub mod image;
#[cfg(not(partools_model))]
mod line;
#[cfg(not(partools_model))]
mod mappings;
#[cfg(not(partools_model))]
mod pages;
#[cfg(not(partools_model))]
mod registry;
#[cfg(not(partools_model))]
mod reprieve;
#[cfg(not(partools_model))]
mod segment;
#[cfg(not(partools_model))]
mod supervise;
#[cfg(not(partools_model))]
mod threads;

pub use bell::Bell;
pub use region::Region;
pub use ring::{Corrupt, Inbox, Producer, Received, Ring, Urgency};

#[cfg(not(partools_model))]
pub use ctrl_c::{CtrlC, cancel_on_ctrl_c};
#[cfg(not(partools_model))]
pub use line::{FarLine, Line, Message};
#[cfg(not(partools_model))]
pub use mappings::{SharedMapping, foreign_writable_shared};
#[cfg(not(partools_model))]
pub use pages::{page_table_bytes, private_dirty_bytes};
#[cfg(not(partools_model))]
pub use region::Access;
#[cfg(not(partools_model))]
pub use registry::Backing;
#[cfg(not(partools_model))]
pub use reprieve::Reprieve;
#[cfg(not(partools_model))]
pub use segment::{Attached, Located, locate};
#[cfg(not(partools_model))]
pub use segment::{FilePart, MappedSlice, NpyElement, SharedVec, SharedVecMut, huge_pages};
#[cfg(not(partools_model))]
pub use supervise::wait_for;
#[cfg(not(partools_model))]
pub use supervise::{Capture, Child, Excess, Exit, Limits, Notice, SpawnOptions, Watch, Wear};
#[cfg(not(partools_model))]
pub use supervise::{Clock, End, Flight, Hog, Killed, Late, Patience};
#[cfg(not(partools_model))]
pub use supervise::{Watched, cpu_time, flush_streams, room_for, signal_name, spawn, wait_any};
#[cfg(not(partools_model))]
pub use threads::{OtherThread, other_threads, settled_threads};
#[cfg(not(partools_model))]
pub use turnstile::{change_and_wake, sleep_while};
