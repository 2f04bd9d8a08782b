//! What most programs name, for one `use partools::prelude::*`: how a map begins, and what it runs on.
//! ([`map`](fn@crate::map) is not among it: write `partools::map`.)

#[cfg(all(feature = "fork", target_os = "linux"))]
pub use crate::Fork;
#[cfg(feature = "rayon")]
pub use crate::Rayon;
#[cfg(target_os = "linux")]
pub use crate::SharedVec;
#[cfg(feature = "threads")]
pub use crate::Threads;
pub use crate::{AnyExecutor, Chunks, Serial, chunks, over, zip};
