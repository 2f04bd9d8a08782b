//! partools on threads of this process: [`Threads`] starts its own for each map, `Rayon` (feature `rayon`)
//! works in a rayon pool.
//!
//! ```text
//!   calling thread = worker 0     works, and alone delivers
//!   helpers        = workers 1..  claim chunks and fill them, until the run is over
//! ```
//!
//! Items, the shared argument and the closure are borrowed as they are, so they must be `Sync`; outputs are
//! written straight into the final vector, so they must be `Send`. Nothing is copied. What an item does to
//! its process it does to yours: for items that may crash, leak or exit there is `partools-fork`.
//!
//! The loop, the order and the errors are the core's; this crate says on which threads the loop runs.

mod departure;
mod executor;
#[cfg(feature = "rayon")]
mod rayon;

pub use executor::Threads;
#[cfg(feature = "rayon")]
pub use rayon::Rayon;
