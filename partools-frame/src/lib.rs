//! Frames: any function over the groups of a table, in parallel, on any executor.
//!
//! ```
//! use arrow_array::{Float64Array, StringArray};
//! use partools_core::Serial;
//! use partools_frame::Frame;
//! use std::sync::Arc;
//!
//! let flights = Frame::new([
//!     ("origin", Arc::new(StringArray::from(vec!["EWR", "JFK", "EWR", "EWR"])) as _),
//!     ("dest", Arc::new(StringArray::from(vec!["ANC", "BOS", "ANC", "BOS"])) as _),
//!     ("delay", Arc::new(Float64Array::from(vec![Some(4.0), Some(1.0), None, Some(-3.0)])) as _),
//! ])?;
//! let worst = flights
//!     .group_by(["origin", "dest"])
//!     .apply(|group| Ok(group.valid::<f64>("delay")?.iter().copied().reduce(f64::max)))
//!     .named(["worst"])
//!     .run(&Serial)?; // or Threads, Fork: any executor
//! assert_eq!(worst.names().collect::<Vec<_>>(), ["origin", "dest", "worst"]);
//! assert_eq!(worst.values::<f64>("worst")?, [4.0, -3.0, 1.0]);
//! # Ok::<(), partools_frame::FrameError>(())
//! ```
//!
//! A [`Frame`] is a checked Arrow `RecordBatch`; by the features `csv` and `parquet` also a file, and by the crate
//! `partools-polars` (a workspace of its own, since polars takes minutes to build) a frame of polars'. [`Frame::group_by`] takes
//! columns and options, then a form: `apply`, `transform`, `filter`, `agg`; with a state for each worker and random numbers
//! `apply_cx` and so on. What a closure may return is an [`Output`]. A failing group is named by its key, and
//! `try_run` keeps the others ([`Partial`]). Where some groups are much larger than others, those are begun first. The example
//! `delays` fits a robust line to the flights of each route.
//!
//! # What is copied and what is not
//! The frame's rows stay where they are, and are never sorted. Grouping makes a list of row numbers (4 bytes a row). Large
//! frames are grouped in parts, by as many threads as the executor has workers, also where those are processes; while that
//! goes on it takes 4 bytes a row more, and what the parts in the making take. Where almost every row is a group of its own, the
//! row numbers (and nothing else) are sorted by key, which takes 32 bytes a row while it goes on. A worker copies the rows of one group at a time,
//! and only of the columns that the closure asks for, into buffers that it uses again; rows that stand together in the frame
//! are not copied at all. Workers elsewhere (`Ipc`, `Mpi`, `Loopback`) have a decoded copy of the whole frame each.
//!
//! # Coming from pandas
//! | pandas | here |
//! |---|---|
//! | a row index | none: keys are columns, rows have numbers (`group.rows()`) |
//! | `NaN` is how a value is missing | null is; in keys and aggregates not-a-number counts as missing too, as in pandas. With `dropna(false)` it is a key of its own, before null |
//! | `apply` decides by the first result what the table looks like | the closure's type does; rows of different columns are an error that names both groups |
//! | `None` among numbers becomes `NaN` | `None` skips the group; in a tuple `(Option<f64>, ..)` it is null |
//! | groups of `apply` have no key columns | `group.batch()` has all columns, and `group.key()` the key |
//! | `groupby(level=..)`, `axis=1`, a function of the index | not there: make it a column |
//! | `group_keys=False` may put rows in the order of the input | `keep_order()` does, and nothing else |
//! | `sort=True` sorts categories by their order | the same: their order in the dictionary |
//! | an integer sum that overflows wraps around | it is an error that names the group |
//! | `agg` with a dict, `named_agg` | `agg([sum("v"), mean("v").named("m")])`, and `.and("range", \|group\| ..)` for a function of yours |
//! | `read_csv("f.csv", usecols=["a"], na_values="NA")` | `Frame::csv("f.csv").columns(["a"]).null("NA").read()?` (feature `csv`) |
//!
//! # Coming from the Python original
//! Its strategies `sort`, `split`, `iter` and `iter_local` gave the same results by different ways to cut the frame up.
//! Here there is one way (a list of rows for each group), which copies no frame, so they have no names any more: with
//! 10,000,000 rows and two integer keys, numbering and listing the rows took 0.15 s on one thread, and sorting them by their
//! keys, as `sort` and `split` do, 6.1 s (measured when this was designed).
//! `presorted()` is what is left of `sort` for rows that are in order.

pub mod agg;
mod apply;
mod cross;
mod element;
mod error;
#[cfg(any(feature = "csv", feature = "parquet"))]
mod files;
mod filter;
mod form;
mod frame;
mod group;
mod group_by;
mod group_error;
mod key;
mod keys;
mod names;
mod output;
mod partial;
mod run;
mod scratch;
mod series;
mod task;
mod transform;
mod value;

pub use agg::{Agg, Aggregate, Aggregates, Answer};
pub use apply::Apply;
pub use arrow_array;
pub use element::{Cell, Element};
pub use error::{FrameError, GroupFailure};
#[cfg(feature = "csv")]
pub use files::Csv;
#[cfg(feature = "parquet")]
pub use files::Parquet;
pub use filter::Filter;
pub use frame::Frame;
pub use group::Group;
pub use group_by::GroupBy;
pub use group_error::GroupError;
pub use key::Key;
pub use output::{Columns, GroupValues, Mismatch, Output};
pub use partial::Partial;
pub use partools_derive::Record;
pub use series::{
    CallValue, FarSeries, LendValue, Mapped, Nulls, OfValue, OfValueShared, OwnNulls,
    PortableValues, SeriesApply, SeriesTask, Values, series_apply, series_apply_shared,
};
pub use task::{Alone, CallGroup, FarGroups, FarShared, GroupTask, InContext, WithShared};
pub use transform::Transform;
pub use value::Value;
