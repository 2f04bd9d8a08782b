//! What an item is and what is done with it: the one thing that all contenders are given alike.
//!
//! A function is a type here, not a closure: it captures nothing, so a contender may call it from another thread,
//! a forked child or a process that was started anew. Items and outputs can cross borders; the shared argument is
//! for those contenders that can show it to their workers.

use bytemuck::Pod;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A function of an item and a shared argument.
///
/// ```
/// use partools_bench::Work;
///
/// struct Scale;
/// impl Work for Scale {
///     type Item = f64;
///     type Shared = f64;
///     type Output = f64;
///     const SHARES: bool = true;
///     fn call(item: &f64, factors: &[f64]) -> f64 {
///         item * factors[0]
///     }
///     fn digest(output: &f64) -> u64 {
///         output.to_bits()
///     }
/// }
/// assert_eq!(Scale::call(&2.0, &[1.5]), 3.0);
/// ```
pub trait Work: 'static {
    /// What the work is done for.
    type Item: Sync + Clone + Serialize + DeserializeOwned + 'static;
    /// An element of the slice that every call sees and none copies.
    type Shared: Pod + Sync;
    /// What comes of it.
    type Output: Send + Serialize + DeserializeOwned + 'static;

    /// Whether there is such a slice; if not, it is empty. A contender that cannot show one to its workers says so.
    const SHARES: bool;

    /// Does it.
    fn call(item: &Self::Item, shared: &[Self::Shared]) -> Self::Output;

    /// A number that tells outputs apart, the same in every language that has peers; see [`Digest`](crate::Digest).
    fn digest(output: &Self::Output) -> u64;
}
