//! `map`: the shortest way in.

use partools_core::{ItemOf, Items, over};
use partools_threads::Threads;

/// `items.iter().map(f).collect()` on all processors: the outputs of `f`, in item order, made by
/// [`Threads`].
///
/// For everything beyond that, such as a shared argument, errors as values, or another executor, there is
/// [`over`].
///
/// ```
/// let words = ["few", "several", "many"];
/// assert_eq!(partools::map(&words, |word| word.len()), [3, 7, 4]);
/// assert_eq!(partools::map(0..3, |i| i * i), [0, 1, 4]);
/// ```
///
/// # Panics
/// Where `f` does, with its payload, as a plain loop would: that of the lowest item that panics. And where
/// the map cannot run at all: when the environment variable `PARTOOLS_WORKERS` is set to something that is
/// no number of workers, or there is no memory for the outputs.
#[track_caller]
pub fn map<X, F, O>(items: X, f: F) -> Vec<O>
where
    X: Items + Sync,
    F: for<'a> Fn(ItemOf<'a, X>) -> O + Sync,
    O: Send,
{
    match over(items).map(f).run_or_unwind(&Threads::new()) {
        Ok(outputs) => outputs,
        Err(error) => panic!("partools::map: {error}"),
    }
}
