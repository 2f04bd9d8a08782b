//! `Fork`: a child process per worker, made for one map. Linux only: elsewhere this crate is empty.
//!
//! ```text
//!   parent                                                    child w (forked for this map)
//!   Run: what is done, failed, needed   <- admit ---- ring w --  CLAIM a..b, OUTPUT .., OUTPUT .., FAILED ..
//!   board (read-only for children)      -- limit, bound ------>  how far claims may go, what is still needed
//!   counter                             <- fetch and add ------  self-scheduling: the next chunk
//! ```
//!
//! Closure, items and shared argument are inherited by copy-on-write, so nothing is serialised on the way in
//! and a closure may capture anything. Outputs come back through a ring per child; each is published as soon as
//! it is made. When a child dies its finished outputs are there, the item in flight is known, and the rest goes to
//! a fresh child.
//!
//! Where a stream asks for it ([`persistent_workers`](partools_core::OverIter::persistent_workers)), children live as long as the
//! stream, and the items of each window are encoded into memory that they can read.
//!
//! Invariant: the run's books are kept by the parent alone. A child can write its own ring and the counter,
//! nothing else of ours, and what it writes there is checked before it counts.
//!
//! ```
//! use partools_core::over;
//! use partools_fork::Fork;
//!
//! let table = std::rc::Rc::new(vec![2, 3, 5, 7]); // no thread could have it; a child inherits it
//! let results = over(0..4)
//!     .map(|i| if i == 2 { std::process::exit(9) } else { table[i] })
//!     .try_run(&Fork::new().workers(2))?;
//! assert_eq!(results[2].as_ref().unwrap_err().to_string(), "item 2 ended its worker process with exit code 9");
//! assert_eq!(results[3].as_ref().ok(), Some(&7));
//! # Ok::<(), partools_core::Error>(())
//! ```
#![cfg(target_os = "linux")]

mod board;
mod books;
mod crew;
mod executor;
mod host;
mod notes;
mod panic_note;
mod quarters;
mod record;
mod resident;
mod seat;
mod sheet;
mod window;
mod worker;

pub use executor::Fork;
pub use partools_os::{Capture, Limits};
