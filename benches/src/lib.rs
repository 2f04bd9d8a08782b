//! Every backend of partools and every peer of it, side by side: workloads that all are given alike, contenders that
//! each have a process of their own, records of what came out.
//!
//! ```text
//! cargo run --release -p partools-bench -- compare --quick      everything, small, in two minutes
//! cargo run --release -p partools-bench -- compare --only sum   what has "sum" in its name
//! cargo bench -p partools-bench --bench map_overhead            details, one at a time: also shared_arg, skew,
//!                                                               results, faults, groupby
//! ```
//!
//! # How it measures
//! ```text
//!   catalogue: workloads  ──┐                      ┌── rival (process) ── serve ── session: rounds by one contender
//!   contenders: entries   ──┴─ race: a workload ───┼── rival
//!                                 │                └── rival, script in Python or R
//!                                 └─ records ── check, report
//! ```
//! A contender has a process of its own, which is stopped while others are measured, so that the thread pool of one
//! disturbs neither the fork nor the time of another. Rounds are interleaved. The results of each are compared with the
//! plain loop's by a digest, in the same run; who cannot do a workload says so and why, and has no figure.
//!
//! Pools are kept between rounds by those who keep them; only `cold/first` has everything made within the time. Executors
//! of partools but for the rayon one make their workers for each map, always within the time.
//!
//! # Executors of your own
//! Implement [`Contender`] (for an executor of partools, [`executor_contender!`] does), and call [`run`] with it: that
//! is the whole program, with everything else beside it. `examples/foreign.rs` is one.
//!
//! Figures are ratios within one run: machines differ and are shared, so a time says little without the others beside
//! it, taken in the same minute.
#![allow(
    clippy::cast_possible_truncation,
    reason = "sizes, and whole numbers in floats that digests are made of: far below the ends of their types"
)]

mod catalogue;
mod check;
mod cli;
mod contender;
mod contenders;
mod digest;
mod effort;
mod ideal;
mod inner_loop;
mod machine;
mod neighbours;
mod peers;
mod processes;
mod race;
mod record;
mod report;
mod rival;
mod serve;
mod session;
mod shape;
mod turns;
mod work;
mod works;

pub use catalogue::{Size, Workload, catalogue, family};
pub use check::faults;
pub use cli::run;
pub use contender::{Contender, Entry, Kind, Launch, Trouble};
pub use contenders::all as contenders;
pub use digest::Digest;
pub use ideal::Ideal;
pub use inner_loop::FirstToLast;
pub use machine::{Machine, today};
pub use record::{Comparison, Record, Status};
pub use serve::{Answer, Order};
pub use session::Taken;
pub use shape::{Memory, OutputKind, Runs, Shape, least_time, times};
pub use turns::{Outcome, Turn, take_turns};
pub use work::Work;
pub use works::{Convolve, Section, Sum, cheap, cheap_items, plain_loop, spin, uneven};

#[doc(hidden)]
pub use partools;
