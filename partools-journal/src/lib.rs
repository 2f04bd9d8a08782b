//! Maps that go on where they were killed. Finished outputs are appended to a file; a second run takes them from there and
//! calls only the items that are missing.
//!
//! ```
//! use partools_core::{Serial, over};
//! use partools_journal::Journal;
//! # let folder = std::env::temp_dir().join(format!("partools-journal-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder)?;
//! # let path = folder.join("primes.journal");
//!
//! let job = over(0..1000_usize)
//!     .map(|n| n > 1 && (2..n).all(|d| n % d != 0)) // imagine an hour each
//!     .journal(&path, "primes below 1000");
//! let first = job.run(&Serial)?;
//! assert_eq!((first.account.taken, first.account.added), (0, 1000));
//!
//! let again = job.run(&Serial)?; // after a crash, say
//! assert_eq!((again.account.taken, again.account.added), (1000, 0));
//! assert_eq!(again.outputs, first.outputs);
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is kept and what can be lost
//! An output is in the file as soon as it is finished and this process has it, whatever still runs beside it or below it, and
//! before it is delivered: it survives the death of this process at any point, `kill -9` included. What a killed process loses
//! is what was under way:
//! - on threads, the item that each worker is at, and up to 31 cheap ones that it called just before;
//! - where workers are processes, the item that each is at, and what they finished and this process had not read: since the
//!   last end of a chunk for a tenth of a second at most, and for as long as a callback of
//!   [`for_each`](Journaled::for_each) takes.
//!
//! A machine that loses power loses, besides, what was written in the last [5 seconds](Journaled::sync_every). Failed items are
//! not written down: they are run again.
//!
//! # Which file belongs to which map
//! The file begins with the map's fingerprint: the tag, the number of items, the seed, the name of the output's type, the
//! executable's identity (its build id, or a hash), and, where [asked for](Journaled::check_items), a hash of the items. A map
//! with another one is refused, before its first item; [`any_build`](Journaled::any_build) and [`any_map`](Journaled::any_map)
//! allow it. A second process is refused while a first one has the file. Nothing can see whether a closure reads a file or a clock
//! that has changed since: put into the tag what the outputs depend on.
//!
//! Each record has a checksum. A record that is damaged, or was cut off, costs its own outputs (those of some consecutive items,
//! 4 KB or one output) and no others; [`Account::damaged`] says how many records there were. A disk that is full ends the
//! writing, not the map: [`Account::trouble`] says so.
//!
//! Journaled maps run on every executor; outputs must be [`Portable`](partools_core::Portable), also on threads. Nothing of
//! this is done on workers: a killed worker leaves the journal alone.

mod account;
mod fingerprint;
mod journaled;
mod keep;
mod layout;
mod replay;
mod scan;
mod store;

pub use account::{Account, Interrupted, Resumed};
pub use journaled::{Journal, Journaled};
