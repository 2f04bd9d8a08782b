//! The core of partools: ordered map over a large read-only argument that no worker copies.
//!
//! What a user writes is [`over`], a call form and an ending of [`Job`]; what a backend writes is an
//! [`Executor`]. In between lie the worker loop, chunks, order, errors and retries, written once here.
//! This crate starts no thread and no process and makes no system call of its own.
//!
//! ```
//! use partools_core::{Serial, over};
//! let array = vec![1.0, 2.0, 3.0, 4.0];
//! let sums = over(&[0..2, 2..4])
//!     .shared(array.as_slice())
//!     .map(|section, array| array[section.clone()].iter().sum::<f64>())
//!     .run(&Serial)?;
//! assert_eq!(sums, [3.0, 7.0]);
//! # Ok::<(), partools_core::Error>(())
//! ```

mod blame;
mod caller;
mod capability;
mod chunk;
mod control;
mod error;
mod executor;
mod fallible;
mod fold;
mod folded;
mod hub;
mod item_error;
mod items;
mod job;
mod kept;
mod kept_thread;
mod kernel;
mod loopback;
mod map;
mod nested;
mod observe;
mod order;
mod outcome;
mod over;
mod over_iter;
mod panics;
mod picked;
mod plan;
mod portable;
mod ranges;
mod redo;
mod remote;
mod report;
mod retries;
mod run;
mod schedule;
mod serial;
mod shared;
mod shared_arg;
mod slots;
mod state;
mod stream;
mod sync;
mod task;
pub mod wire;
mod worker;
mod worker_error;
mod workers;
mod writer;

pub use caller::Caller;
pub use capability::Capabilities;
pub use chunk::Chunk;
pub use control::{CancelToken, Halt};
pub use error::Error;
pub use executor::Executor;
pub use fallible::{ErrorsAsText, Failed};
pub use folded::Folded;
pub use item_error::{Cause, ItemError, Location, MemoryBound};
pub use items::{ItemOf, Items, Lend, SliceChunks, Zip, chunks, zip};
pub use job::Job;
pub use kept::{Keeper, Kept};
pub use kept_thread::KeptThread;
pub use kernel::{Closures, Kernel, PortableKernel};
pub use loopback::Loopback;
pub use map::{Cx, Full, Map, One, Two};
pub use observe::{Ending, Event, Moment, Observer, Timed, Wants};
pub use over::{Over, over};
pub use over_iter::{OverIter, over_iter};
pub use panics::{enter_worker_process, on_fatal_panic};
#[cfg(feature = "derive")]
pub use partools_derive::SharedArg;
pub use picked::{FarPicked, Picked};
pub use plan::{OnError, Plan};
pub use portable::{CodecError, Plain, PlainVec, Portable, decode, encode, is_plain};
pub use remote::{
    Dealt, FarItems, FarPieces, FarRange, PortableItems, PortableStart, PortableTask, Remote,
};
pub use report::{Report, Summary, WorkerUse};
pub use retries::Retries;
pub use run::Run;
pub use schedule::{Chunks, Pace, Schedule};
pub use serial::Serial;
pub use shared::{LendView, NoShared, Shared, ViewOf, With};
pub use shared_arg::{Attach, Attached, Layout, Piece, Serialized, SharedArg};
pub use state::{By, NoState, Start, StartError, TryBy};
#[doc(hidden)]
pub use stream::{Berth, Each, Fetch, Packed, Persistent, Sending, Windowed};
pub use stream::{Stream, Window};
pub use task::{Span, Task};
pub use worker::{Sink, Worker};
pub use worker_error::WorkerError;
pub use workers::worker_count;
pub use writer::Writer;
