//! The plan: what a map asks for beside its closure. Written once by the builder, read by the run.

use crate::capability::Capabilities;
use crate::control::CancelToken;
use crate::error::Error;
use crate::observe::{Observer, Observers, Part};
use crate::order::Order;
use crate::retries::Retries;
use crate::schedule::Chunks;
use std::time::Duration;

/// What the failure of an item means for the items above it. Those below it are always run to their end, so that the
/// failure that is told is that of the lowest index, on every executor (C7).
///
/// | ending | not set | `Stop` | `Collect` |
/// |---|---|---|---|
/// | `run`, `run_or_unwind` | as `Stop` | the error at once | all items are run, then the same error |
/// | `for_each`, `try_for_each` | as `Stop` | outputs below the failure, then the error | all outputs but the failed, then the lowest error |
/// | `run_ok`, `run_ok_text` | as `Stop` | the lowest `Err` or failure at once | all items are run, then the same |
/// | `try_run` | as `Collect` | results up to the failure; those above say that they were not needed | each item's own result |
///
/// ```
/// use partools_core::{OnError, Serial, over};
/// use std::cell::Cell;
/// let called = Cell::new(0);
/// let job = || over(0..10).map(|i| { called.set(called.get() + 1); 10 / i.abs_diff(3) });
///
/// let error = job().run(&Serial).unwrap_err(); // what a plain loop would have called
/// assert_eq!((error.item().map(|item| item.index()), called.replace(0)), (Some(3), 4));
///
/// let all = over(0..10).on_error(OnError::Collect).map(|i| { called.set(called.get() + 1); 10 / i.abs_diff(3) });
/// let error = all.run(&Serial).unwrap_err();
/// assert_eq!((error.item().map(|item| item.index()), called.get()), (Some(3), 10));
///
/// let first = over(0..10).on_error(OnError::Stop).map(|i| 10 / i.abs_diff(3)).try_run(&Serial)?;
/// assert_eq!(first[9].as_ref().unwrap_err().to_string(), "item 9 was not needed: item 3 had failed");
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// They are not needed any more: those not begun are not called, those under way are killed where the executor
    /// can, and what came of them is dropped.
    Stop,
    /// They are as needed as before.
    Collect,
}

/// The options of a map. The builder [`over`](crate::over) has a method for each; a plan of its own is
/// for [`Job`](crate::Job)s made from a named task.
///
/// ```
/// use partools_core::{Chunks, Plan, Serial, over};
/// let plan = Plan::new().chunk(Chunks::of(25)).retries(2).seed(42);
/// let job = over(0..3).map_cx(|i, cx| if cx.attempt < 2 { panic!("not yet") } else { i });
/// assert_eq!(job.plan(plan).run(&Serial)?, [0, 1, 2]);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Plan {
    pub(crate) chunks: Chunks,
    pub(crate) on_error: Option<OnError>,
    pub(crate) retries: Retries,
    /// `None`: [`RESPAWNS`].
    pub(crate) respawns: Option<usize>,
    pub(crate) seed: u64,
    pub(crate) item_timeout: Option<Duration>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) cancel: Option<CancelToken>,
    /// Somebody may stop the run, says the plan that a worker elsewhere has of it.
    pub(crate) watched: bool,
    pub(crate) window: Option<usize>,
    pub(crate) observers: Observers,
    /// The map is a window of a stream.
    pub(crate) part: Option<Part>,
    /// Somebody looks on, says the plan that a run has.
    pub(crate) observed: bool,
    /// Workers time their items, says the plan that a run has: an observer wants it.
    pub(crate) times_items: bool,
    pub(crate) unordered: bool,
    pub(crate) order: Option<Order>,
}

/// So many workers may die in a row, if not set.
const RESPAWNS: usize = 100;

impl Plan {
    /// No retries, automatic chunks, seed 0, no limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many items a worker claims at a time.
    pub fn chunk(mut self, chunks: Chunks) -> Self {
        self.chunks = chunks;
        self
    }

    /// What the failure of an item means for those above it; as the ending has it, if not set.
    pub fn on_error(mut self, then: OnError) -> Self {
        self.on_error = Some(then);
        self
    }

    /// How an item that failed is tried again, with a fresh state, before its failure counts: so many times, or as
    /// [`Retries`] say.
    pub fn retries(mut self, retries: impl Into<Retries>) -> Self {
        self.retries = retries.into();
        self
    }

    /// How many workers may die one after the other, without one item done in between, before the map
    /// [gives up](crate::Run::give_up): for a map whose every item kills its worker. 100 if not set. What was finished is
    /// kept for [`try_run`](crate::Job::try_run), and the items that are left say why they were not run. Workers that were
    /// killed for a limit do not count, be it one on time ([`item_timeout`](Self::item_timeout), processor time) or on memory:
    /// whoever set it wants each item that is over it named, and it may be most of them.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Cause, Error, Executor, Plan, Run, Task, over};
    /// # /// Loses every worker at its first item.
    /// # struct Unlucky;
    /// # impl<T: Task> Executor<T> for Unlucky {
    /// #     fn capabilities(&self) -> Capabilities { Capabilities::new("unlucky", 1) }
    /// #     fn execute(&self, _: &T, run: &Run<T::Output>, _: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    /// #         while let Some(chunk) = run.try_claim() { chunk.lost(Cause::Exited { code: 1 }); }
    /// #         Ok(())
    /// #     }
    /// # }
    /// // On an executor all of whose workers die:
    /// let results = over(0..1000).map(|i| i).plan(Plan::new().respawns(10)).try_run(&Unlucky)?;
    /// assert_eq!(results[10].as_ref().unwrap_err().to_string(), "item 10 ended its worker process with exit code 1");
    /// assert!(results[11].as_ref().unwrap_err().to_string().starts_with("item 11 was not run: 11 workers in a row died"));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn respawns(mut self, most: usize) -> Self {
        self.respawns = Some(most);
        self
    }

    /// The seed of [`Cx::rng`](crate::Cx::rng): the same seed gives each item the same numbers on every
    /// executor.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Does it say that the failure of an item leaves those above it as needed as before?
    #[must_use]
    pub fn is_collecting(&self) -> bool {
        self.on_error == Some(OnError::Collect)
    }

    /// Does it say that outputs may be delivered in any order?
    #[must_use]
    pub fn is_unordered(&self) -> bool {
        self.unordered
    }

    /// The seed that was set.
    #[must_use]
    pub fn the_seed(&self) -> u64 {
        self.seed
    }

    /// The longest that one item may run. Then its worker is told to stop (SIGTERM), and killed when it has not after a
    /// grace that the executor states; the item is reported as timed out, with the time it ran, and the others go on.
    /// Only executors that can kill an item take it ([`Capabilities::kills_items`]).
    ///
    /// Code that has a handler of its own for SIGTERM may clean up in it. Whatever the item still returns is dropped.
    pub fn item_timeout(mut self, limit: Duration) -> Self {
        self.item_timeout = Some(limit);
        self
    }

    /// How long the map may take, from the call of its ending on. Then nothing more is handed out; items under way are
    /// killed where the executor can, else they end. No time at all is allowed, and calls no item.
    ///
    /// A map whose last item ends with the deadline, or behind it, is complete and no error. Items that are cheap
    /// are called up to 32 in a row between two looks at the clock.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// Stops the map when `token` is cancelled, as a [deadline](Self::deadline) does when it passes. Whoever sleeps
    /// looks at it every 4 ms.
    pub fn cancel(mut self, token: &CancelToken) -> Self {
        self.cancel = Some(token.clone());
        self
    }

    /// Are so many deaths in a row more than the plan allows?
    pub(crate) fn is_too_deadly(&self, deaths: usize) -> bool {
        deaths > self.respawns.unwrap_or(RESPAWNS)
    }

    /// Can anything but its items stop the run?
    pub(crate) fn is_watched(&self) -> bool {
        self.watched || self.cancel.is_some() || self.deadline.is_some()
    }

    /// How many items [`for_each`](crate::Job::for_each) may have finished or running ahead of the last
    /// one delivered: the bound on the outputs it holds. If not set, 64 per worker where outputs own memory, which may be of any
    /// size, and 64 to 4096 of others, as 128 KB hold: short strings from worker processes come five times as fast in a window of
    /// thousands. A chunk larger than the window makes room for itself.
    pub fn window(mut self, items: usize) -> Self {
        self.window = Some(items);
        self
    }

    /// Has `observer` look on; several may. It is cloned: a cheap handle, such as a [`Report`](crate::Report), or an
    /// `Arc` of anything that is an [`Observer`].
    pub fn observe<O: Observer + Clone + 'static>(mut self, observer: &O) -> Self {
        self.observers.add(observer.clone());
        self
    }

    /// [`for_each`](crate::Job::for_each) and [`try_for_each`](crate::Job::try_for_each) deliver outputs as they are ready,
    /// whatever is still missing below them; the index that comes with each says whose it is. For all other endings it
    /// means nothing.
    ///
    /// The window is what it was: it begins at the lowest item that is not delivered. So one item that takes for ever does
    /// not hold up the delivery of those behind it, but no more than a window of them is called meanwhile.
    ///
    /// The error is that of the lowest failure, as ever (C7). Where the plan stops at it, outputs above it may have been
    /// delivered before it was known.
    pub fn unordered(mut self) -> Self {
        self.unordered = true;
        self
    }

    /// Hands items out in the order of falling cost, given for each item by `costs`, so that no long one is begun last while
    /// all other workers have nothing left to do. A hint: whatever the costs, outputs come in item order, the error is that
    /// of the lowest index (C7), and an item's index, label and random numbers are its own (C15).
    ///
    /// Costs are compared, and nothing else: minutes, bytes, or a rank. With large chunks the longest items are together in
    /// the first; so [`Chunks::of(1)`](Chunks::of) is often what goes with this. `for_each` takes outputs in item order, so it
    /// hands items out in that order too, unless it is [unordered](Self::unordered).
    ///
    /// ```
    /// use partools_core::{Job, Plan, Serial, over};
    /// let task = over(0..4).map(|i| i * 10).task().clone();
    /// let plan = Plan::new().longest_first([3, 1, 4, 1]); // called in the order 2, 0, 1, 3
    /// assert_eq!(Job::new(task).plan(plan).run(&Serial)?, [0, 10, 20, 30]);
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    pub fn longest_first<C: Ord>(mut self, costs: impl IntoIterator<Item = C>) -> Self {
        let costs: Vec<C> = costs.into_iter().collect();
        self.order = Some(Order::longest_first(&costs));
        self
    }

    /// Refuses an order of other items than there are.
    pub(crate) fn check_order(&self, count: usize) -> Result<(), Error> {
        let total = self.order.as_ref().map_or(count, Order::total);
        if total != count {
            let why =
                format!("longest_first was given {total} costs, and the task has {count} items");
            return Err(Error::plan(why));
        }
        Ok(())
    }

    /// Refuses nonsense.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if matches!(self.chunks, Chunks::Of(0) | Chunks::PerWorker(0)) {
            let why = format!(
                "{:?} asks for chunks of no items; pass at least 1",
                self.chunks
            );
            return Err(Error::plan(why));
        }
        if self.window == Some(0) {
            return Err(Error::plan(
                "a window of 0 items holds nothing; pass at least 1",
            ));
        }
        if self.item_timeout == Some(Duration::ZERO) {
            return Err(Error::plan("an item timeout of 0 leaves no item any time"));
        }
        Ok(())
    }

    /// Refuses what an executor with these `capabilities` cannot do (C11).
    pub(crate) fn check_against(&self, capabilities: &Capabilities) -> Result<(), Error> {
        if self.item_timeout.is_some() && !capabilities.kills_items() {
            return Err(Error::refused(
                capabilities.name(),
                "the plan has an item timeout, and this executor lacks the capability `kills_items`",
                "drop the timeout, or run on an executor whose workers are processes, such as Fork",
            ));
        }
        Ok(())
    }
}
