//! `Rayon`: a map in a rayon pool, for programs that have one already.
//!
//! ```text
//!   calling thread   caller.work        worker 0, in the pool or not
//!   pool             run.work, queued   workers 1.., as pool threads come by
//! ```
//!
//! The calling thread works through all items alone if no pool thread ever comes, so a busy pool slows a map
//! and does not hang it. Helpers of a `for_each` sleep while its window is full, hence two more invariants:
//! - A thread is one worker at a time ([`Seat`]). An item that waits in rayon makes its thread run other
//!   jobs meanwhile; a second worker begun there would sleep for outputs that lie unfinished beneath it on
//!   its own stack.
//! - One thread of a pool is free of sleepers ([`Sleeper`]). The callback that would wake them may itself
//!   call into the pool, and wait there.

use partools_core::{Caller, Capabilities, Error, Executor, Run, Task};
use rayon::{Scope, ThreadPool};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs a map in a rayon pool: the global one, or one of yours.
///
/// There are as many workers as the pool has threads, and the calling thread is one of them, whether it
/// belongs to the pool or not. To have every item on a thread of the pool (its stack size, its start
/// handler), call from inside: `pool.install(|| ... .run(&Rayon::new()))`.
///
/// The number of workers is the pool's business: `RAYON_NUM_THREADS` or rayon's builder sets it, and
/// `PARTOOLS_WORKERS` does not count here. The first map of at least one item starts rayon's
/// global pool, if it did not run yet.
///
/// **The threads of a pool live on** when the map is done, those of the global pool as long as the process.
/// So `Fork` refuses to run afterwards, because a child forked beside other threads can hang, and says so.
/// A program that needs both uses [`Threads`](crate::Threads) here, whose helpers hold no lock while they rest,
/// or drops its own pool first.
///
/// Like every call into rayon, a map returns only when the pool has taken up what was queued. A map called
/// from outside waits for as long as all threads of the pool are blocked.
///
/// ```
/// use partools_core::over;
/// use partools_threads::Rayon;
///
/// let squares = over(0..1000).map(|i| i * i).run(&Rayon::new())?;
/// assert_eq!(squares[30], 900);
///
/// let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build()?;
/// let again = over(0..1000).map(|i| i * i).run(&Rayon::in_pool(&pool))?;
/// assert_eq!(again, squares);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[must_use]
pub struct Rayon<'p> {
    pool: Option<&'p ThreadPool>,
}

impl Rayon<'static> {
    /// In the pool that the calling thread belongs to, else in rayon's global one.
    ///
    /// ```
    /// use partools_core::over;
    /// use partools_threads::Rayon;
    /// let pool = rayon::ThreadPoolBuilder::new().num_threads(2).thread_name(|n| format!("mine-{n}")).build()?;
    /// let on = || std::thread::current().name().map(str::to_owned);
    /// let names = pool.install(|| over(0..1000).map(|_| on()).run(&Rayon::new()))?;
    /// assert!(names.iter().flatten().all(|name| name.starts_with("mine-")));
    /// assert_eq!(names.iter().flatten().count(), 1000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new() -> Self {
        Self::default()
    }
}

impl<'p> Rayon<'p> {
    /// In `pool`.
    pub fn in_pool(pool: &'p ThreadPool) -> Self {
        Rayon { pool: Some(pool) }
    }

    /// How many workers a map has.
    fn workers(&self) -> usize {
        self.pool
            .map_or_else(rayon::current_num_threads, ThreadPool::current_num_threads)
    }
}

impl<T> Executor<T> for Rayon<'_>
where
    T: Task + Sync + ?Sized,
    T::Output: Send,
{
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("rayon", self.workers())
    }

    fn execute(
        &self,
        task: &T,
        run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        let helpers = self.workers().min(run.count()).saturating_sub(1);
        let work = move |caller: &mut Caller<'_, T::Output>| {
            let _seat = Seat::take();
            caller.work(task);
        };
        match self.pool {
            _ if helpers == 0 => work(caller),
            Some(pool) => pool.in_place_scope(|scope| {
                recruit(scope, helpers, task, run);
                work(caller);
            }),
            None => rayon::in_place_scope(|scope| {
                recruit(scope, helpers, task, run);
                work(caller);
            }),
        }
        Ok(())
    }
}

/// Queues the helpers of a run.
fn recruit<'s, T>(scope: &Scope<'s>, helpers: usize, task: &'s T, run: &'s Run<T::Output>)
where
    T: Task + Sync + ?Sized,
    T::Output: Send,
{
    for number in 1..=helpers {
        scope.spawn(move |_| {
            let Some(_seat) = Seat::take() else { return };
            if !run.is_streaming() {
                run.work(task, number);
            } else if let Some(_sleeper) = Sleeper::admit() {
                run.work(task, number);
            }
        });
    }
}

thread_local! {
    static TAKEN: Cell<bool> = const { Cell::new(false) };
}

/// This thread is a worker until this is dropped.
struct Seat;

impl Seat {
    /// `None` where this thread is a worker already.
    fn take() -> Option<Self> {
        (!TAKEN.replace(true)).then_some(Seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        TAKEN.set(false);
    }
}

/// Helpers, of all pools, that may be asleep until a callback returns.
static SLEEPERS: AtomicUsize = AtomicUsize::new(0);

/// This thread of a pool may sleep, until this is dropped.
struct Sleeper;

impl Sleeper {
    /// `None` where no other thread of this pool might be left. Sleepers of other pools count as well: that
    /// costs helpers where several pools stream at once, and saves a count per pool.
    fn admit() -> Option<Self> {
        let most = rayon::current_num_threads().saturating_sub(1);
        let one_more = |asleep| (asleep < most).then_some(asleep + 1);
        let admitted = SLEEPERS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        admitted.is_ok().then_some(Sleeper)
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        SLEEPERS.fetch_sub(1, Ordering::Relaxed);
    }
}
