//! Ordered parallel map over a large read-only argument that no worker copies.
//!
//! You have something large that is only read (an array, an index, a model), and many items, and want
//! `f(item, &large)` for each of them, on all processors, in order. The call is the same whether the items
//! run here, on threads, or in processes of their own that may crash:
//!
//! ```
//! use partools::{Threads, over};
//!
//! let array: Vec<f64> = (0..1_000).map(f64::from).collect();
//! let sections = [0..500, 500..1_000];
//! let sums = over(&sections)
//!     .shared(array.as_slice()) // seen by every worker, copied by none
//!     .map(|section, array| array[section.clone()].iter().sum::<f64>())
//!     .run(&Threads::new())?; // or Fork::new(), Serial
//! assert_eq!(sums, [124_750.0, 374_750.0]);
//! # Ok::<(), partools::Error>(())
//! ```
//!
//! [`over`] takes a slice, a vector, a range of indices, [`chunks`] of a slice, a [`zip`]; options such as
//! the [chunk size](Over::chunk), a [state per worker](Over::state), [retries](Over::retries) or a
//! [seed](Over::seed) stand before the call form. The endings are [`run`](Job::run) (all outputs, or the
//! error of the first failing item), [`try_run`](Job::try_run) (an output or an error for each),
//! [`run_ok`](Job::run_ok) (for closures that return `Result`), [`for_each`](Job::for_each) (one by one,
//! in order, as they are ready) and [`fold`](Job::fold) (all into one value, the same to the last bit on every executor). For `iter().map().collect()` there is [`map`](fn@map).
//!
//! # Which executor when
//! | executor | workers are | take it | it cannot |
//! |---|---|---|---|
//! | [`Serial`] | the calling thread | to debug; as the reference | be fast |
//! | [`Threads`] | threads, kept until it is dropped | for code that behaves | survive a crash of an item |
//! | `Rayon` | threads of a rayon pool | where a pool is there already | the same |
//! | `Fork` | forked children, made for each map | for items that may crash, leak, exit, or call C that is not thread-safe | run beside other threads; run off Linux |
//! | `Ipc` | this executable, started again and kept (feature `ipc`) | for items that may crash, in a program that has threads | take a closure that captures; run off Linux |
//! | `Mpi` | the ranks of an MPI job (feature `mpi`) | where one machine is too small | survive a crash of an item; take a closure that captures |
//! | [`Loopback`] | the calling thread, as if it were another process | to test what is to run in worker processes | take a closure that captures |
//!
//! All give equal results for a pure closure. [`AnyExecutor`] is one of them by name, for command lines:
//! `"fork:4".parse()`; [`AnyPortable`] is one that takes [portable tasks](PortableTask) alone.
//!
//! # What is copied and what is not
//! - Never the shared argument, the items, or what the closure captures. Threads borrow them; children
//!   inherit them by copy-on-write, so only pages that somebody *writes* become two.
//! - Children of `Fork` have page tables of their own: 2 MB for each GB of an ordinary vector. Those of a
//!   [`SharedVec`] are not copied when a child is made, which makes the fork itself 200 times faster; a
//!   child fills in the pages it reads, which are huge ones since Linux 6.1. The example `section_sum` measures both.
//! - A file need not be read first: a [`MappedSlice`] is the file itself, `.npy` too, on each local executor;
//!   its pages come in as they are touched, once for all workers. [`SharedVec::from_reader`] reads one that
//!   others may change, and no second copy of it exists at any time.
//! - Outputs move once on threads, straight into the final vector. From a child they are copied: plain
//!   numbers as bytes, other types through serde ([`Portable`]).
//! - A child that clones and drops an `Arc` of the parent's writes its count, and that page becomes two.
//!
//! # Testing code that forks
//! `Fork` refuses to run beside other threads, and the test harness of Rust runs every `#[test]` on a second
//! thread. Test it in a file of its own with `harness = false` (`[[test]]` in `Cargo.toml`) and a plain
//! `main`, or with `libtest-mimic` and its `test_threads` set to 1. Doc tests are processes of their own
//! with one thread: those may fork.
//!
//! ```
//! # #[cfg(all(feature = "fork", target_os = "linux"))] {
//! use partools::{Fork, over};
//! let results = over(0..3)
//!     .map(|i| if i == 1 { std::process::abort() } else { i })
//!     .try_run(&Fork::new().workers(2))?;
//! assert_eq!(results[1].as_ref().unwrap_err().to_string(), "item 1 had its worker process killed by SIGABRT");
//! assert_eq!(results[2].as_ref().ok(), Some(&2));
//! # }
//! # Ok::<(), partools::Error>(())
//! ```
//!
//! # Looking at a map
//! [`observe`](Over::observe) hands over observers, several if you like; they work with every ending, errors too, and on
//! every executor. A [`Report`] is one: busy and idle time of each worker, retries, forks with advice, the slowest items,
//! as a small table. By feature there are a bar (`Progress`, feature `progress`), spans and events (`Tracing`, feature
//! `tracing`), and a timeline that opens in Perfetto (`Timeline`, feature `timeline`); the example `insight` has all but
//! the spans. Anything else is an [`Observer`] of your own.
//!
//! ```
//! use partools::{Report, Threads, over};
//! let report = Report::new();
//! let failed = over(0..1000).observe(&report).map(|i| assert!(i < 700)).run(&Threads::new());
//! assert!(failed.is_err() && report.summary().failed >= 1);
//! println!("{report}");
//! ```
//!
//! # Features
//! `threads`, `fork` and `derive` (of `SharedArg`) are on if nothing is said; `rayon` adds `Rayon`, `frame` frames, `ipc` adds `Ipc`, `harden` its hardening, `mpi` adds `Mpi` and `mpi::init`, and needs an MPI and libclang to build; `journal` adds
//! `Journal`, with which a map goes on where it was killed;
//! `progress`, `tracing` and `timeline` are for looking on. `fork` is accepted on every system,
//! but only on Linux is there a `Fork`. Features only add types: no bound changes with them. To write an
//! executor of your own, see [`Executor`]; crates that do depend on `partools-core` alone.

mod any;
#[cfg(feature = "threads")]
mod map;
mod name;
pub mod prelude;
mod present;

pub use any::{AnyExecutor, AnyPortable};
#[cfg(feature = "threads")]
pub use map::map;
pub use name::ParseExecutorError;

pub use partools_core::{Attach, Layout, Loopback, PortableItems, PortableTask, Remote, wire};
pub use partools_core::{Caller, Capabilities, Executor, Run, Span, Task, Writer};
pub use partools_core::{CancelToken, Halt};
pub use partools_core::{
    Cause, CodecError, Error, Failed, ItemError, Location, MemoryBound, StartError,
};
pub use partools_core::{Chunks, OnError, Plan, Retries, Serial, chunks, over, zip};
pub use partools_core::{Cx, ItemOf, Items, Job, Lend, LendView, Map, Over, Shared, ViewOf};
pub use partools_core::{
    Ending, Event, Moment, Observer, Report, Summary, Timed, Wants, WorkerUse,
};
pub use partools_core::{
    Folded, Keeper, Kept, Kernel, OverIter, Picked, Stream, Window, over_iter,
};
pub use partools_core::{Plain, PlainVec, Portable};

pub use partools_core::Serialized;
// The trait comes by a glob, so that the macro below stands before the one that the core has under this name
// where some other crate asks for it: the code of this one names `partools`, which is what its user depends on.
/// Makes a struct of shared arguments a shared argument: several arrays under their names.
///
/// ```
/// use partools::{Loopback, SharedArg, Threads, over};
///
/// #[derive(SharedArg)]
/// struct Columns<'a> {
///     delay: &'a [f64],
///     carrier: &'a [u16],
///     names: &'a str,
///     scale: f64,
/// }
///
/// let (delay, carrier) = (vec![4.0, -2.0, 7.0], vec![1, 0, 1]);
/// let columns = Columns { delay: &delay, carrier: &carrier, names: "UA,AA", scale: 0.5 };
/// let job = over(0..3).shared(columns).map(|i, columns| {
///     let name = columns.names.split(',').nth(columns.carrier[i].into()).expect("a carrier");
///     format!("{name} {}", columns.delay[i] * columns.scale)
/// });
/// assert_eq!(job.run(&Threads::new())?, ["AA 2", "UA -1", "AA 3.5"]);
/// # #[cfg(all(feature = "fork", target_os = "linux"))]
/// assert_eq!(job.run(&partools::Fork::new().workers(2))?, job.run(&Threads::new())?);
/// assert_eq!(job.run(&Loopback)?, job.run(&Threads::new())?); // as it goes to other processes
/// # Ok::<(), partools::Error>(())
/// ```
///
#[cfg(feature = "derive")]
pub use partools_derive::SharedArgByPartools as SharedArg;
pub use shared_arg::*;
mod shared_arg {
    pub use partools_core::SharedArg;
}

/// Frames: any function over the groups of a table. With the feature `frame`.
#[cfg(feature = "frame")]
pub mod frame {
    /// Makes a struct of values what a closure over a group may return: a row, with a column for each field under its name.
    /// See [`Output`].
    pub use partools_derive::RecordByPartools as Record;
    pub use partools_frame::*;
}

#[cfg(all(feature = "fork", target_os = "linux"))]
pub use partools_fork::{Capture, Fork, Limits};
#[cfg(feature = "progress")]
pub use partools_insight::Progress;
#[cfg(feature = "timeline")]
pub use partools_insight::Timeline;
#[cfg(feature = "tracing")]
pub use partools_insight::Tracing;
#[cfg(all(feature = "harden", target_os = "linux"))]
pub use partools_ipc::Hardening;
#[cfg(all(feature = "ipc", target_os = "linux"))]
pub use partools_ipc::{Ipc, Published, init};
#[cfg(feature = "journal")]
pub use partools_journal::{Account, Interrupted, Journal, Journaled, Resumed};
#[cfg(all(feature = "mpi", target_os = "linux"))]
pub use partools_mpi::{self as mpi, Mpi};
#[cfg(target_os = "linux")]
pub use partools_os::{CtrlC, cancel_on_ctrl_c};
#[cfg(target_os = "linux")]
pub use partools_os::{FilePart, MappedSlice, NpyElement, SharedVec, SharedVecMut, huge_pages};
#[cfg(feature = "rayon")]
pub use partools_threads::Rayon;
#[cfg(feature = "threads")]
pub use partools_threads::Threads;

/// The README's examples are tests too; that of frames is one of `partools-frame`, which builds Arrow anyway.
#[cfg(all(doctest, feature = "fork", target_os = "linux"))]
#[doc = include_str!("../../README.md")]
mod readme {}

/// So are those of the page on failures.
#[cfg(all(doctest, feature = "fork", feature = "journal", target_os = "linux"))]
#[doc = include_str!("../../docs/WHEN-THINGS-GO-WRONG.md")]
mod when_things_go_wrong {}

/// And that of the page on MPI, where there is one.
#[cfg(all(doctest, feature = "mpi", target_os = "linux"))]
#[doc = include_str!("../../docs/MORE-THAN-ONE-MACHINE.md")]
mod more_than_one_machine {}

/// And those of the page on worker processes.
#[cfg(all(doctest, feature = "ipc", target_os = "linux"))]
#[doc = include_str!("../../docs/WORKERS-IN-THEIR-OWN-PROCESS.md")]
mod workers_in_their_own_process {}
