//! What most programs name, for one `use partools::prelude::*`: how a map begins, and what it runs on.
//! ([`map`](fn@crate::map) is not among it: write `partools::map`.)
//!
//! ```
//! use partools::prelude::*;
//!
//! let readings = [20.5, 21.5, 19.0, 23.0, 18.0];
//! let means = over(chunks(&readings, 2))
//!     .chunk(Chunks::of(1))
//!     .map(|days| days.iter().sum::<f64>() / days.len() as f64)
//!     .run(&"serial".parse::<AnyExecutor>()?)?;
//! assert_eq!(means, [21.0, 21.0, 18.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(all(feature = "fork", target_os = "linux"))]
pub use crate::Fork;
#[cfg(feature = "rayon")]
pub use crate::Rayon;
#[cfg(target_os = "linux")]
pub use crate::SharedVec;
#[cfg(feature = "threads")]
pub use crate::Threads;
pub use crate::{AnyExecutor, CancelToken, Chunks, Serial, chunks, over, over_iter, zip};
