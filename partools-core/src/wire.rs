//! The wire seam: how a map crosses to workers elsewhere, in bytes, whatever carries them.
//!
//! ```text
//! near                                              far
//! Parcel::pack(task, plan) ── head, segments ────>  Entry::serve(head, segments, worker, |server| ..)
//! request(task, &mut chunk) ── bytes ────────────>  server.answer(&bytes, &mut outlet)
//! deliver(&bytes, &mut chunk) <── records ────────  (decodes items, calls, encodes outputs and failures)
//! ```
//!
//! Everything that is read here may be damaged or hostile: it is checked, and ends in a [`WireError`], never
//! in undefined behaviour, a panic or memory beyond a small multiple of what came in. (One limit stands with
//! [`Portable`](crate::Portable): deeply recursive types.) What is *called* is trusted: an [`Entry`] is a function of
//! this very executable. Numbers are little-endian; values are in the order and layout of this build, so both
//! sides must run the same executable.
//!
//! [`Loopback`](crate::Loopback) is the shortest executor on this seam.
//!
//! ```
//! use partools_core::wire::{Entry, Parcel, Request, WireError, deliver, request};
//! use partools_core::{Caller, Capabilities, Error, Executor, Portable, PortableTask, Run, over};
//!
//! /// What a worker process does with the bytes that came.
//! fn work(entry: Entry, head: &[u8], message: &[u8]) -> Result<Vec<u8>, WireError> {
//!     let mut answer = Err(WireError::new("it was not served"));
//!     entry.serve(head, &[&[]], 0, &mut |server| {
//!         let mut records = Vec::new();
//!         answer = server.answer(message, &mut records).map(|()| records);
//!     })?;
//!     answer
//! }
//!
//! struct Wired;
//! impl<T: PortableTask<Output: Portable>> Executor<T> for Wired {
//!     fn capabilities(&self) -> Capabilities { Capabilities::new("wired", 1) }
//!     fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
//!         let (parcel, mut message) = (Parcel::pack(task, run.plan())?, Request::new());
//!         while let Some(mut chunk) = run.try_claim() {
//!             if request(task, &mut chunk, &mut message)? {
//!                 deliver(&work(parcel.entry(), parcel.head(), message.as_bytes())?, &mut chunk)?;
//!             }
//!             chunk.commit();
//!             caller.deliver();
//!         }
//!         Ok(())
//!     }
//! }
//! assert_eq!(over(0..5).map(|i| i * i).run(&Wired)?, [0, 1, 4, 9, 16]);
//! # Ok::<(), Error>(())
//! ```

mod answer;
mod elements;
mod entry;
mod error;
mod frame;
mod gathered;
mod incoming;
mod outgoing;
mod parcel;
mod request;
mod row;
mod segment;
mod server;
mod stretch;

pub use answer::{Outlet, Record, accept, deliver};
pub use elements::Elements;
pub use entry::Entry;
pub use error::WireError;
pub(crate) use frame::is_fixed;
pub use frame::{FrameReader, FrameWriter};
pub use gathered::Gathered;
pub use incoming::Incoming;
pub use outgoing::Outgoing;
pub(crate) use parcel::{Head, Place};
pub use parcel::{Locate, Parcel};
pub use request::{Request, request};
pub(crate) use row::append_element;
pub use row::{Encoded, Encoder};
pub use segment::SegmentBuffer;
pub use server::Server;
pub use stretch::{Growth, Stretch};

/// The version of everything here. Both sides run the same executable, so it guards against files and
/// messages that were left over from another one.
pub(crate) const VERSION: u16 = 2;
