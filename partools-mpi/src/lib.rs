//! partools on the ranks of an MPI job: put `mpirun -n 64` in front of the command, and the same portable map runs on 63 workers.
//!
//! ```text
//! rank 0          goes on behind `init`, deals chunks, delivers
//! ranks 1..       serve inside `init`, and never come out of it; their workers are 0..
//! each host       holds the shared argument once: a sealed memory file of one rank, which the other ranks of that host map
//! ```
//!
//! MPI brings the launcher, the network and the scheduler; here is no transport. What crosses is the core's wire
//! ([`partools_core::wire`]), so a closure must be a portable one, as for any executor whose workers are other processes.
//!
//! ```no_run
//! use partools_core::{Error, over};
//!
//! fn main() -> Result<(), Error> {
//!     let mpi = partools_mpi::init()?; // first of all: every rank but 0 stays here
//!     let table: Vec<f64> = (0..1_000_000).map(f64::from).collect();
//!     let sums = over(0..100)
//!         .shared(table.as_slice())
//!         .map(|i, table| table[i * 10_000..(i + 1) * 10_000].iter().sum::<f64>())
//!         .run(&mpi)?;
//!     println!("{}", sums.len());
//!     Ok(())
//! }
//! ```
//!
//! # What it cannot do
//! MPI cannot end one rank and go on: an item that crashes ends the job, so `.item_timeout` is refused (C11). A map that is
//! cancelled returns when the items under way have ended. Finished outputs outlive a crash in a journal (`partools-journal`): the
//! example `killed` shows one.
#![cfg(target_os = "linux")]

mod executor;
mod freight;
mod hosts;
mod last_words;
mod map;
mod message;
mod own;
mod ranks;
mod serve;

pub use executor::Mpi;
pub use ranks::init;
