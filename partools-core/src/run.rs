//! A run: one map under way. It hands out chunks, keeps their outputs, and knows what is done, failed and
//! still needed. Executors share it with their workers; [`Caller`](crate::Caller) stays behind on the
//! calling thread.
//!
//! ```text
//!   cursor --claim--> Chunk --fill--> slots --commit/lost--> hub.done, hub.failures, hub.returned
//!                                                                |
//!   delivered <---------- Caller (in order, calling thread) <----+
//! ```
//!
//! How items are handed out is in `claims`, what is done with the books in `books`, how it is stopped in `stopping`.

mod books;
mod claims;
mod notes;
mod stopping;

use crate::chunk::Ledger;
use crate::control::Control;
use crate::error::Error;
use crate::hub::Hub;
use crate::kept::{Keeper, KeptBy};
use crate::observe::Watch;
use crate::order::Order;
use crate::plan::{OnError, Plan};
use crate::schedule::{Pace, Schedule};
use crate::slots::Slots;
use crate::sync::{AtomicBool, AtomicU64, AtomicUsize, Bell, Mutex, Ordering};
use crate::task::Task;
use crate::worker::Worker;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// The position of the first output, if any, that makes all later items unneeded.
pub(crate) type Halts<O> = fn(&[O]) -> Option<usize>;

/// How a run is set up, by its ending.
pub(crate) struct Setup<O> {
    pub(crate) on_error: OnError,
    /// Failures are wanted one by one, rather than the lowest as the map's error.
    pub(crate) takes_failures: bool,
    /// What is finished is wanted also where the run was stopped before its end.
    pub(crate) takes_parts: bool,
    pub(crate) halts: Option<Halts<O>>,
    /// Outputs are delivered while the run goes on, so only a window of them is kept.
    pub(crate) windowed: bool,
    pub(crate) keep_payloads: bool,
    /// Who keeps outputs as they are finished, before they are delivered.
    pub(crate) keeper: KeptBy<O>,
    /// Only these items.
    pub(crate) order: Option<Order>,
}

/// One map under way: it hands out chunks, keeps their outputs, and knows what is done, failed and still needed.
///
/// Workers in this process call [`work`](Run::work). An executor whose items run elsewhere claims here and fills what
/// comes back, or lets its workers claim by themselves and [admits](Run::admit) that:
///
/// ```
/// use partools_core::{Caller, Capabilities, Error, Executor, ItemError, Run, Sink, Task, Worker, over};
///
/// /// Runs each chunk in a place of its own (here: a vector), as a remote executor would.
/// struct Elsewhere;
///
/// struct Answers<O>(Vec<Result<O, ItemError>>);
/// impl<O> Sink<O> for Answers<O> {
///     fn push(&mut self, output: O) { self.0.push(Ok(output)); }
///     fn fail(&mut self, error: ItemError) { self.0.push(Err(error)); }
///     fn needed(&self) -> usize { usize::MAX }
/// }
///
/// impl<T: Task> Executor<T> for Elsewhere {
///     fn capabilities(&self) -> Capabilities { Capabilities::new("elsewhere", 1) }
///     fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
///         let mut worker = Worker::new(task, 0, run.plan());
///         while let Some(mut chunk) = run.try_claim() {
///             let mut answers = Answers(Vec::new());
///             worker.run(chunk.range(), chunk.attempt(), &mut answers)?;
///             for answer in answers.0 {
///                 match answer {
///                     Ok(output) => drop(chunk.push(output)),
///                     Err(error) => chunk.fail(error),
///                 }
///             }
///             chunk.commit();
///             caller.deliver();
///         }
///         Ok(worker.finish()?)
///     }
/// }
/// assert_eq!(over(0..5).map(|i| i * 2).run(&Elsewhere)?, [0, 2, 4, 6, 8]);
/// # Ok::<(), Error>(())
/// ```
pub struct Run<O> {
    count: usize,
    plan: Plan,
    setup: Setup<O>,
    schedule: Schedule,
    /// The index behind the last claim made here.
    cursor: AtomicU64,
    /// Items below are needed. Only ever lowered.
    pub(crate) bound: AtomicUsize,
    /// Items below were delivered, and their slots are free again.
    pub(crate) delivered: AtomicUsize,
    stopped: AtomicBool,
    /// Workers that died since an output last came from one, or the failure of an item that it survived.
    deaths: AtomicUsize,
    control: Option<Control>,
    /// What the executor said that workers cost to make and to end, in nanoseconds.
    workers_took: AtomicU64,
    /// Since when outputs are delivered while it goes on, if they are.
    streams_since: Option<Instant>,
    /// Where the workers are, where the executor says so.
    places: OnceLock<Arc<[String]>>,
    /// The observers, where there are any.
    pub(crate) watch: Option<Arc<Watch>>,
    pub(crate) slots: Slots<O>,
    pub(crate) hub: Mutex<Hub>,
    /// Rung whenever the hub changes in a way that a sleeper may wait for.
    bell: Bell,
}

/// Where one worker has all items and chunks are measured, an observer sees at least so many.
const LOOKS: usize = 32;

/// How many outputs a worker may be ahead where nobody said: what owns memory may be of any size; of the rest, 128 KB.
const fn ahead<O>() -> usize {
    let (least, most) = (64, 4096);
    match (128 << 10) / (size_of::<O>() + 1) {
        _ if std::mem::needs_drop::<O>() => least,
        few if few < least => least,
        many if many > most => most,
        fit => fit,
    }
}

impl<O> Run<O> {
    pub(crate) fn new(
        count: usize,
        workers: usize,
        mut plan: Plan,
        setup: Setup<O>,
    ) -> Result<Self, Error> {
        let control = Control::new(&plan);
        let watch = Watch::new(&plan);
        plan.observed = watch.is_some();
        // What is finished is told soon: workers look up as often as where somebody may stop the run.
        plan.watched |= setup.keeper.is_some();
        plan.times_items = watch.as_ref().is_some_and(|w| w.wants().has_item_times());
        let workers = workers.max(1);
        let (capacity, largest) = if setup.windowed {
            let window = plan.window.unwrap_or(workers.saturating_mul(ahead::<O>()));
            let window = window.min(count);
            let wanted = Schedule::new(count, workers, plan.chunks, usize::MAX);
            // Fixed chunks keep their size, and the window makes room for one per worker; measured and
            // guided ones keep to the window, half of an even share each.
            let fixed = matches!(
                plan.chunks,
                crate::Chunks::Of(_) | crate::Chunks::PerWorker(_)
            );
            let chunk = if fixed {
                wanted.size(count, &Pace::new())
            } else {
                window / workers.saturating_mul(2)
            };
            (window.max(chunk.saturating_mul(workers)).min(count), chunk)
        } else if watch.is_some() && workers == 1 && plan.chunks == crate::Chunks::Auto {
            // All at once would show an observer nothing before the end.
            (count, count.div_ceil(LOOKS))
        } else {
            (count, usize::MAX)
        };
        let streams_since = setup.windowed.then(Instant::now);
        let slots = Slots::new(capacity)
            .map_err(|_| Error::too_large(capacity, std::any::type_name::<O>()))?;
        let schedule = Schedule::new(count, workers, plan.chunks, largest);
        Ok(Run {
            count,
            schedule,
            plan,
            setup,
            cursor: AtomicU64::new(0),
            bound: AtomicUsize::new(count),
            delivered: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            deaths: AtomicUsize::new(0),
            control,
            workers_took: AtomicU64::new(0),
            streams_since,
            places: OnceLock::new(),
            watch,
            slots,
            hub: Mutex::new(Hub::default()),
            bell: Bell::default(),
        })
    }

    // ---- what an executor asks

    /// How many items there are to run.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The item at this place of the hand-out. Chunks, claims, bounds and windows count places, from 0; items are as many, and
    /// each is at the place of its index unless the plan picks or orders them (C15). Workers lead from one to the other
    /// by themselves, and the core leads back; an executor needs this only to tell somebody which item it is.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Error, Executor, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     assert_eq!([run.item_at(0), run.item_at(1), run.item_at(2)], [2, 0, 1]);
    ///     caller.work(task);
    ///     Ok(())
    /// }
    /// # }
    /// let words = ["bb", "a", "ccc"];
    /// assert_eq!(over(&words).longest_first(|word| word.len()).map(|word| word.len()).run(&Example)?, [2, 1, 3]);
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn item_at(&self, place: usize) -> usize {
        self.plan
            .order
            .as_ref()
            .map_or(place, |order| order.item(place))
    }

    /// How long workers wait before they call an item as its attempt number `attempt`.
    #[must_use]
    pub fn wait_before(&self, attempt: u32) -> Duration {
        self.plan.retries.wait_before(attempt)
    }

    /// How many places are needed where the item at `place` has failed and stops those above it.
    pub(crate) fn needed_with(&self, place: usize) -> usize {
        let order = self.plan.order.as_ref();
        order.map_or(place + 1, |order| order.needed_with(place))
    }

    /// What the map asks for.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The longest that one item may run, where the plan limits it.
    #[must_use]
    pub fn item_timeout(&self) -> Option<Duration> {
        self.plan.item_timeout
    }

    /// How items are cut into chunks, for claims made elsewhere.
    #[must_use]
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Items from this index on are not needed any more. The number of items at first; lowered by
    /// failures (C7); 0 when the run was stopped.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Cause, Error, Executor, ItemError, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     let mut chunk = run.try_claim().expect("a chunk");
    ///     assert_eq!(run.bound(), 10);
    ///     chunk.fail(ItemError::new(0, 0, Cause::NoOutput));
    ///     assert_eq!(run.bound(), 1); // whatever is above, item 0 decides
    ///     # drop(chunk);
    ///     # caller.work(task);
    ///     # Ok(())
    /// }
    /// # }
    /// # assert!(over(0..10).map(|i| i).run(&Example).is_err());
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn bound(&self) -> usize {
        if self.is_stopped() {
            0
        } else {
            self.bound.load(Ordering::Relaxed)
        }
    }

    /// Items below this index may be claimed now: those within the window and below the bound.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Error, Executor, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     // `run` keeps all outputs to the end; `for_each` has a window, which moves as they are delivered.
    ///     assert_eq!(run.claim_limit(), if run.is_streaming() { 4 } else { 10 });
    ///     caller.work(task);
    ///     assert!(!run.is_streaming() || run.claim_limit() == 10);
    ///     Ok(())
    /// }
    /// # }
    /// assert_eq!(over(0..10).map(|i| i).run(&Example)?.len(), 10);
    /// over(0..10).window(4).map(|i| i).for_each(&Example, |_, _| {})?;
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn claim_limit(&self) -> usize {
        let window = self
            .delivered
            .load(Ordering::Acquire)
            .saturating_add(self.slots.capacity());
        self.bound().min(window)
    }

    /// Making the workers of this run, or ending them, took the calling thread so long, while nothing else was done; what is
    /// said several times is added. For executors that make them anew for each run: an [`over_iter`](crate::over_iter)
    /// makes its windows so long that this is a small part of them.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Error, Executor, Run, Task, over_iter};
    /// # use std::time::Duration;
    /// # struct Example;
    /// # impl<T: Task> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     run.workers_took(Duration::from_secs(2)); // a container each
    ///     caller.work(task);
    ///     Ok(())
    /// }
    /// # }
    /// # assert_eq!(over_iter(0..100).map(|n| *n).run(&Example)?.len(), 100);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn workers_took(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.workers_took.fetch_add(nanos, Ordering::Relaxed);
    }

    /// How long that was.
    pub(crate) fn time_of_workers(&self) -> Duration {
        Duration::from_nanos(self.workers_took.load(Ordering::Relaxed))
    }

    /// Are outputs wanted as soon as they are ready, rather than all at the end?
    #[must_use]
    pub fn is_streaming(&self) -> bool {
        self.setup.windowed
    }

    /// Does somebody keep each output as soon as it is finished, in case this process is killed? An executor whose workers are
    /// elsewhere then takes outputs as soon as they are there, although nobody may want them before the end.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.setup.keeper.is_some()
    }

    #[inline]
    pub(crate) fn keeper(&self) -> Option<&dyn Keeper<O>> {
        self.setup.keeper.as_deref()
    }

    /// Does a failure make those above it unneeded?
    pub(crate) fn stops_at_failures(&self) -> bool {
        self.setup.on_error == OnError::Stop
    }

    /// Are outputs wanted in any order?
    pub(crate) fn is_unordered(&self) -> bool {
        self.setup.windowed && self.plan.unordered
    }

    /// Does nobody stop or share with the one worker, nor look at outputs, or keep them, before the end?
    #[inline]
    pub(crate) fn is_solo(&self) -> bool {
        self.schedule.workers() == 1
            && !self.setup.windowed
            && self.setup.halts.is_none()
            && self.setup.keeper.is_none()
            && self.control.is_none()
            && self.watch.is_none()
    }

    /// Should the panics of items keep their payloads? They cannot cross a border.
    pub(crate) fn keeps_payloads(&self) -> bool {
        self.setup.keep_payloads
    }

    pub(crate) fn halts(&self) -> Option<Halts<O>> {
        self.setup.halts
    }

    /// Does this output make all later items unneeded? For backends that see outputs one by one, before
    /// they enter a chunk.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Error, Executor, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task<Output = Result<usize, String>>> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     assert!(run.is_last_needed(&Err("no".into())) && !run.is_last_needed(&Ok(1)));
    ///     # caller.work(task);
    ///     # Ok(())
    /// }
    /// # }
    /// // With `run_ok`, an `Err` ends the map; with the other endings it is an output like any other.
    /// assert_eq!(over(0..3).map(|i| Ok::<_, String>(i)).run_ok(&Example).expect("no Err"), [0, 1, 2]);
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn is_last_needed(&self, output: &O) -> bool {
        self.setup
            .halts
            .is_some_and(|halts| halts(std::slice::from_ref(output)).is_some())
    }

    /// A worker's whole life: claims chunks and fills them until nothing is left. For every worker but
    /// the calling thread, which has [`Caller::work`](crate::Caller::work).
    pub fn work<T>(&self, task: &T, worker: usize)
    where
        T: Task<Output = O> + ?Sized,
    {
        let mut ledger = Ledger::new(self);
        let mut worker = Worker::new(task, worker, &self.plan).keep_payloads(self.keeps_payloads());
        worker.begin();
        let shift = self.shift(worker.number());
        while self.work_one(&mut worker, &mut ledger, true) {}
        drop(shift);
        if let Err(error) = worker.finish() {
            self.abort(error);
        }
    }

    /// Claims one chunk and fills it. False where there was none to claim.
    pub(crate) fn work_one<T>(
        &self,
        worker: &mut Worker<T>,
        ledger: &mut Ledger<'_, O>,
        may_wait: bool,
    ) -> bool
    where
        T: Task<Output = O>,
    {
        let Some(mut chunk) = self.claim_work(&worker.pace, may_wait) else {
            return false;
        };
        let begun = self.hand_out(&mut chunk, Some(worker.number()));
        if let Err(error) = worker.fill(chunk.range(), chunk.attempt(), &mut chunk) {
            drop(chunk);
            self.abort(error);
            return false;
        }
        if let Some(begun) = begun {
            self.tell_work(worker, chunk.range(), begun);
        }
        chunk.settle(ledger);
        if self.setup.windowed {
            ledger.flush();
        }
        true
    }
}

impl<O> std::fmt::Debug for Run<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("count", &self.count)
            .field("bound", &self.bound())
            .field("stopped", &self.is_stopped())
            .finish_non_exhaustive()
    }
}
