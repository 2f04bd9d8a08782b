//! Polars on the calling thread alone.
//!
//! Polars has a pool of threads for the whole process. A forked child inherits the pool's books, not its threads: whatever
//! asks the pool for something there (`filter`, `sort`, `group_by`, `take`) waits for ever. Polars has a switch, one a thread,
//! for threads of its own that must not wait for the pool; this is the only way to turn it from outside.

use polars_async::executor::ALLOW_RAYON_THREADS;
use polars_core::runtime::RAYON;
use std::marker::PhantomData;

/// While it lives, polars does all that this thread asks for on this thread, and leaves its pool alone.
///
/// In a closure on `Fork` polars hangs without it once the parent has used polars' pool. On threads it saves the pool's
/// coordination, which small frames do not repay. Make one where the closure begins (it costs next to nothing but for the
/// first time in a thread), or one for each worker with `.state`:
///
/// ```
/// use partools_core::over;
/// use partools_fork::Fork;
/// use partools_polars::OneThread;
/// use polars_core::prelude::*;
///
/// let numbers = Column::new("n".into(), (0..1000).rev().collect::<Vec<i32>>());
/// let numbers = DataFrame::new_infer_height(vec![numbers])?;
/// let sort = |frame: &DataFrame| frame.sort(["n"], SortMultipleOptions::default());
/// assert_eq!(sort(&numbers)?.height(), 1000); // polars' pool has threads from here on
///
/// // SAFETY: with `OneThread` no closure here waits for polars' threads, and polars holds no lock between its calls.
/// let fork = unsafe { Fork::new().workers(2).tolerate_threads(partools_polars::OneThread::names()) };
/// let heights = over(0..4).state(|_| OneThread::new()).map_cx(|_, _| sort(&numbers).map_or(0, |sorted| sorted.height()));
/// assert_eq!(heights.run(&fork)?, [1000; 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "polars uses its pool again once this is dropped"]
pub struct OneThread {
    /// Whether the pool was allowed before: guards may lie within one another.
    before: bool,
    /// The switch is this thread's.
    here: PhantomData<*const ()>,
}

impl OneThread {
    /// From now on.
    pub fn new() -> Self {
        let before = ALLOW_RAYON_THREADS.replace(false);
        // The first question makes the stand-in for the pool, a pool that is this thread; later, with parts of a frame in
        // hand, would do as well, but then its cost is an item's.
        let threads = RAYON.current_num_threads();
        debug_assert_eq!(threads, 1, "polars' switch works");
        OneThread {
            before,
            here: PhantomData,
        }
    }

    /// The names of the threads of polars' pool, for `Fork::tolerate_threads`.
    pub fn names() -> impl Iterator<Item = String> {
        let name = std::env::var("POLARS_THREAD_NAME").unwrap_or_else(|_| "polars".to_owned());
        (0..polars_config::config().max_threads()).map(move |number| format!("{name}-{number}"))
    }
}

impl Default for OneThread {
    fn default() -> Self {
        OneThread::new()
    }
}

impl Drop for OneThread {
    fn drop(&mut self) {
        ALLOW_RAYON_THREADS.set(self.before);
    }
}
