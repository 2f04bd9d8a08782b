//! Polars beside partools: frames to and fro without a copy, and polars inside the closures of workers.
//!
//! ```
//! use partools_core::Serial;
//! use partools_polars::{OneThread, from_polars, to_polars};
//! use polars_core::prelude::*;
//!
//! let origins = Column::new("origin".into(), ["JFK", "EWR", "JFK"]);
//! let delays = Column::new("delay".into(), [4.0, 8.0, 6.0]);
//! let flights = DataFrame::new_infer_height(vec![origins, delays])?;
//!
//! let frame = from_polars(&flights)?;
//! let most = frame.group_by(["origin"]).apply(|group| {
//!     let _polars = OneThread::new();
//!     let group = to_polars(&group.batch()?)?;
//!     Ok(group.column("delay")?.f64()?.max())
//! });
//! assert_eq!(most.run(&Serial)?.values::<f64>("value")?, [8.0, 6.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Why this is a crate of its own
//! Polars takes minutes to build, and this needs one certain version of it: the switch that [`OneThread`] turns is none of
//! polars' promises, and has moved three times in three releases. What has neither stays out of `partools-frame`. It is not
//! part of the workspace either: `cargo test` in this folder runs its tests.

mod interchange;
mod one_thread;

pub use interchange::{from_polars, to_polars};
pub use one_thread::OneThread;
