//! partools on threads of this process: [`Threads`] keeps its own, `Rayon` (feature `rayon`) works in a rayon pool.
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
//!
//! ```
//! use partools_core::over;
//! use partools_threads::Threads;
//!
//! let array: Vec<f64> = (0..1000).map(f64::from).collect();
//! let sums = over(&[0..500, 500..1000])
//!     .shared(array.as_slice())
//!     .map(|section, array| array[section.clone()].iter().sum::<f64>())
//!     .run(&Threads::new().workers(2))?;
//! assert_eq!(sums, [124_750.0, 374_750.0]);
//! # Ok::<(), partools_core::Error>(())
//! ```

#[cfg(not(partools_model))]
mod crew;
#[cfg(not(partools_model))]
mod departure;
#[cfg(not(partools_model))]
mod executor;
#[cfg(any(test, not(partools_model)))]
mod gate;
#[cfg(feature = "rayon")]
mod rayon;
#[cfg(any(test, not(partools_model)))]
mod stage;
#[cfg(any(test, not(partools_model)))]
mod sync;

#[cfg(not(partools_model))]
pub use executor::Threads;
#[cfg(feature = "rayon")]
pub use rayon::Rayon;
