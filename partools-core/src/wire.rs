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

mod answer;
mod entry;
mod error;
mod frame;
mod parcel;
mod request;
mod segment;
mod server;

pub use answer::{Outlet, Record, accept, deliver};
pub use entry::Entry;
pub use error::WireError;
pub use frame::{FrameReader, FrameWriter};
pub use parcel::{Locate, Parcel, Place};
pub use request::{Request, request};
pub use segment::SegmentBuffer;
pub use server::Server;

/// The version of everything here. Both sides run the same executable, so it guards against files and
/// messages that were left over from another one.
pub(crate) const VERSION: u16 = 1;
