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
//! Claims take no lock while items lie ahead of the cursor. Where claims are made elsewhere (a counter in
//! shared memory, a remote rank) they enter by [`Run::admit`], which checks them against all that was
//! handed out. Invariant: an index is in at most one live `Chunk`, and never again once it is done.

use crate::caller::Batch;
use crate::chunk::{Chunk, Ledger};
use crate::error::Error;
use crate::hub::Hub;
use crate::item_error::ItemError;
use crate::plan::Plan;
use crate::schedule::{Pace, Schedule};
use crate::slots::Slots;
use crate::sync::{AtomicBool, AtomicU64, AtomicUsize, Bell, Mutex, Ordering, lock};
use crate::task::Task;
use crate::worker::Worker;
use std::ops::Range;
use std::time::Duration;

/// What a failure means for the items above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnFailure {
    /// They are not needed any more (C7).
    Stop,
    /// They are as needed as before.
    Collect,
}

/// The position of the first output, if any, that makes all later items unneeded.
pub(crate) type Halts<O> = fn(&[O]) -> Option<usize>;

/// How a run is set up, by its ending.
pub(crate) struct Setup<O> {
    pub(crate) on_failure: OnFailure,
    pub(crate) halts: Option<Halts<O>>,
    /// Outputs are delivered while the run goes on, so only a window of them is kept.
    pub(crate) windowed: bool,
    pub(crate) keep_payloads: bool,
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
    pub(crate) slots: Slots<O>,
    pub(crate) hub: Mutex<Hub>,
    /// Rung whenever the hub changes in a way that a sleeper may wait for.
    bell: Bell,
}

impl<O> Run<O> {
    pub(crate) fn new(
        count: usize,
        workers: usize,
        plan: Plan,
        setup: Setup<O>,
    ) -> Result<Self, Error> {
        let workers = workers.max(1);
        let (capacity, largest) = if setup.windowed {
            let window = plan.window.unwrap_or(workers.saturating_mul(64)).min(count);
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
        } else {
            (count, usize::MAX)
        };
        let slots = Slots::new(capacity)
            .map_err(|_| Error::too_large(capacity, std::any::type_name::<O>()))?;
        Ok(Run {
            count,
            schedule: Schedule::new(count, workers, plan.chunks, largest),
            plan,
            setup,
            cursor: AtomicU64::new(0),
            bound: AtomicUsize::new(count),
            delivered: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            slots,
            hub: Mutex::new(Hub::default()),
            bell: Bell::default(),
        })
    }

    // ---- what an executor asks

    /// How many items there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
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

    /// Are outputs wanted as soon as they are ready, rather than all at the end?
    #[must_use]
    pub fn is_streaming(&self) -> bool {
        self.setup.windowed
    }

    /// Does nobody stop or share with the one worker, nor look at outputs before the end?
    #[inline]
    pub(crate) fn is_solo(&self) -> bool {
        self.schedule.workers() == 1 && !self.setup.windowed && self.setup.halts.is_none()
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

    /// Was the run stopped: by an error of the map, a callback that panicked, or [`stop`](Self::stop)?
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    // ---- claims

    /// Claims the next chunk; sleeps while the window is full. `None`: nothing is left to claim. For
    /// workers; the calling thread must not sleep here, since it alone can move the window.
    ///
    /// Under [`Chunks::Auto`](crate::Chunks::Auto) a claim made here is half an even share of what remains, as with
    /// [guided](crate::Chunks::guided) chunks: nobody measures for it.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Error, Executor, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task<Output = usize>> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, _: &T, run: &Run<usize>, caller: &mut Caller<'_, usize>) -> Result<(), Error> {
    ///     std::thread::scope(|s| {
    ///         s.spawn(|| {
    ///             while let Some(mut chunk) = run.claim() {
    ///                 for index in chunk.range() {
    ///                     chunk.push(index * 10).expect("there is room");
    ///                 }
    ///             }
    ///         });
    ///         while caller.wait() {} // moves the window
    ///     });
    ///     Ok(())
    /// }
    /// # }
    /// let mut seen = Vec::new();
    /// over(0..1000).window(3).map(|_| 0).for_each(&Example, |_, output| seen.push(output))?;
    /// assert_eq!((seen.len(), seen[999]), (1000, 9990));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn claim(&self) -> Option<Chunk<'_, O>> {
        self.claim_at(&Pace::unmeasured(), true)
    }

    /// Claims the next chunk, if one can be claimed now; as large as [`claim`](Self::claim) makes it.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Chunks, Error, Executor, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     let first = run.try_claim().expect("a chunk");
    ///     let second = run.try_claim().expect("another one");
    ///     assert_eq!((first.range(), second.range()), (0..5, 5..10));
    ///     assert!(run.try_claim().is_none());
    ///     drop(first); // unfilled: what is given back will be claimed again
    ///     assert_eq!(run.try_claim().map(|again| again.range()), Some(0..5));
    ///     # drop(second);
    ///     # caller.work(task);
    ///     # Ok(())
    /// }
    /// # }
    /// # assert_eq!(over(0..10).chunk(Chunks::of(5)).map(|i| i).run(&Example)?.len(), 10);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn try_claim(&self) -> Option<Chunk<'_, O>> {
        self.claim_at(&Pace::unmeasured(), false)
    }

    #[inline]
    pub(crate) fn claim_at(&self, pace: &Pace, may_wait: bool) -> Option<Chunk<'_, O>> {
        match self.schedule.claim(&self.cursor, self.claim_limit(), pace) {
            Some(range) => Some(Chunk::mint(self, range, 0)),
            None => self.claim_slowly(pace, may_wait),
        }
    }

    /// The next chunk for the loop of a worker in this process.
    #[inline]
    fn claim_work(&self, pace: &Pace, may_wait: bool) -> Option<Chunk<'_, O>> {
        if self.is_solo()
            && let Some(range) = self.schedule.claim_rest(&self.cursor, self.claim_limit())
        {
            return Some(Chunk::mint(self, range, 0));
        }
        self.claim_at(pace, may_wait)
    }

    /// Nothing lies ahead of the cursor: looks for what was given back, and waits where it may.
    #[cold]
    #[inline(never)]
    fn claim_slowly(&self, pace: &Pace, may_wait: bool) -> Option<Chunk<'_, O>> {
        loop {
            let limit = self.claim_limit();
            if let Some(range) = self.schedule.claim(&self.cursor, limit, pace) {
                return Some(Chunk::mint(self, range, 0));
            }
            let mut hub = lock(&self.hub);
            loop {
                if self.is_stopped() {
                    return None;
                }
                let limit = self.claim_limit();
                if let Some((range, attempt)) = hub.take_returned(limit) {
                    return Some(Chunk::mint(self, range, attempt));
                }
                let next = self.cursor.load(Ordering::Relaxed);
                if !may_wait || next >= self.bound() as u64 {
                    return None;
                }
                if next < limit as u64 {
                    break;
                }
                hub = self.bell.wait(hub);
            }
        }
    }

    /// From now on claims are made elsewhere, from index 0 or wherever the cursor stands, and enter by
    /// [`admit`](Self::admit); claims made here give only what was given back.
    pub fn claims_elsewhere(&self) {
        lock(&self.hub).handed(&self.cursor, self.count);
    }

    /// Admits a claim that was made elsewhere. `None` where any of its items was handed out before, lies
    /// beyond the items or beyond the window: what arrives for it must be thrown away.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Error, Executor, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     run.claims_elsewhere();
    ///     let chunk = run.admit(2..5).expect("a claim that a remote worker made");
    ///     assert!(run.admit(4..6).is_none()); // item 4 was handed out
    ///     assert!(run.admit(8..11).is_none()); // there are 10
    ///     assert_eq!(run.handed_out(), 0); // item 0 was not
    ///     # drop(chunk);
    ///     # run.reclaim();
    ///     # caller.work(task);
    ///     # Ok(())
    /// }
    /// # }
    /// # assert_eq!(over(0..10).map(|i| i).run(&Example)?.len(), 10);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn admit(&self, range: Range<usize>) -> Option<Chunk<'_, O>> {
        let mut hub = lock(&self.hub);
        let window = self
            .delivered
            .load(Ordering::Acquire)
            .saturating_add(self.slots.capacity());
        let fits = range.start < range.end && range.end <= self.count.min(window);
        let handed = hub.handed(&self.cursor, self.count);
        if !fits || handed.intersects(&range) {
            return None;
        }
        handed.insert(range.clone());
        drop(hub);
        Some(Chunk::mint(self, range, 0))
    }

    /// Every item below this index was handed out. For claims made elsewhere.
    #[must_use]
    pub fn handed_out(&self) -> usize {
        lock(&self.hub).handed(&self.cursor, self.count).reach(0)
    }

    /// Says that no claim is under way elsewhere: every needed item that was not handed out yet can now
    /// be claimed here. True where anything can be claimed now.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Error, Executor, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     run.claims_elsewhere();
    ///     drop(run.admit(2..5)); // its worker was lost, and so is every other one
    ///     assert!(run.reclaim());
    ///     caller.work(task); // so all is done here
    ///     Ok(())
    /// }
    /// # }
    /// assert_eq!(over(0..10).map(|i| i).run(&Example)?.len(), 10);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn reclaim(&self) -> bool {
        let mut hub = lock(&self.hub);
        let gaps = hub.handed(&self.cursor, self.count).gaps(self.bound());
        for gap in gaps {
            hub.handed(&self.cursor, self.count).insert(gap.clone());
            hub.returned.insert(gap.start, (gap.end, 0));
        }
        self.bell.ring();
        hub.claimable(self.claim_limit())
    }

    // ---- work

    /// A worker's whole life: claims chunks and fills them until nothing is left. For every worker but
    /// the calling thread, which has [`Caller::work`](crate::Caller::work).
    pub fn work<T>(&self, task: &T, worker: usize)
    where
        T: Task<Output = O> + ?Sized,
    {
        let mut ledger = Ledger::new(self);
        let mut worker = Worker::new(task, worker, &self.plan).keep_payloads(self.keeps_payloads());
        worker.begin();
        while self.work_one(&mut worker, &mut ledger, true) {}
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
        if let Err(error) = worker.fill(chunk.range(), chunk.attempt(), &mut chunk) {
            drop(chunk);
            self.abort(error);
            return false;
        }
        chunk.settle(ledger);
        if self.setup.windowed {
            ledger.flush();
        }
        true
    }

    /// Stops the run: nothing more is handed out, and the map ends in an error unless it was complete.
    pub fn stop(&self) {
        let _hub = lock(&self.hub);
        self.stopped.store(true, Ordering::Relaxed);
        self.bell.ring();
    }

    /// Stops the run for `error`, which becomes the map's. The first such error wins.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Error, Executor, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     # let _ = (task, &caller);
    ///     run.abort(Error::executor("the power is gone"));
    ///     assert!(run.is_stopped() && run.try_claim().is_none());
    ///     Ok(())
    /// }
    /// # }
    /// assert_eq!(over(0..10).map(|i| i).run(&Example).unwrap_err().to_string(), "the power is gone");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn abort(&self, error: impl Into<Error>) {
        lock(&self.hub).error.get_or_insert(error.into());
        self.stop();
    }

    // ---- what a chunk tells

    pub(crate) fn slots(&self) -> &Slots<O> {
        &self.slots
    }

    pub(crate) fn failed_at(&self, index: usize) {
        if self.setup.on_failure == OnFailure::Stop {
            self.lower_bound(index + 1);
        }
    }

    pub(crate) fn lower_bound(&self, bound: usize) {
        let _hub = lock(&self.hub);
        self.bound.fetch_min(bound, Ordering::Relaxed);
        self.bell.ring();
    }

    pub(crate) fn give_back(&self, range: Range<usize>, attempt: u32) {
        if !range.is_empty() {
            lock(&self.hub)
                .returned
                .insert(range.start, (range.end, attempt));
            self.bell.ring();
        }
    }

    pub(crate) fn record(
        &self,
        done: Range<usize>,
        failures: Vec<ItemError>,
        rest: Range<usize>,
        attempt: u32,
    ) {
        let mut hub = lock(&self.hub);
        hub.done.insert(done);
        hub.failures
            .extend(failures.into_iter().map(|f| (f.index(), f)));
        if !rest.is_empty() {
            hub.returned.insert(rest.start, (rest.end, attempt));
        }
        self.bell.ring();
    }

    pub(crate) fn record_all(&self, done: &[Range<usize>]) {
        let mut hub = lock(&self.hub);
        for range in done {
            hub.done.insert(range.clone());
        }
        self.bell.ring();
    }

    // ---- what the caller asks

    /// Finished outputs that may be delivered now: those behind the last one delivered, without a gap.
    /// `None` where the run is over. In a run that is not streaming nothing is ready before the end.
    pub(crate) fn ready(&self) -> Option<Batch<'_, O>> {
        let mut hub = lock(&self.hub);
        let (from, to) = self.extent(&hub)?;
        let to = if self.setup.windowed { to } else { from };
        Some(self.batch(&mut hub, from..to))
    }

    /// Sleeps until something may have become ready, or over, or (`or_work`) claimable.
    pub(crate) fn sleep(&self, or_work: bool) {
        let mut hub = lock(&self.hub);
        while let Some((from, to)) = self.extent(&hub) {
            let ready = self.setup.windowed && from < to;
            if ready || (or_work && self.is_claimable(&hub)) {
                return;
            }
            hub = self.bell.wait(hub);
        }
    }

    /// Can anything be claimed here now: what was given back, or what lies ahead of the cursor within the
    /// window? (Nobody else may be left to claim the latter.)
    fn is_claimable(&self, hub: &Hub) -> bool {
        let limit = self.claim_limit();
        hub.claimable(limit) || self.cursor.load(Ordering::Relaxed) < limit as u64
    }

    /// From the first index not delivered to the end of what is finished behind it; `None` where the run
    /// is stopped, or all that is needed is finished and (in a streaming run) delivered.
    fn extent(&self, hub: &Hub) -> Option<(usize, usize)> {
        let bound = self.bound();
        let from = self.delivered.load(Ordering::Relaxed);
        let to = hub.done.reach(from).min(bound);
        let over = if self.setup.windowed {
            from >= bound
        } else {
            to >= bound
        };
        (!over).then_some((from, to))
    }

    /// Takes the finished outputs and failures of `range` out of the run.
    pub(crate) fn batch(&self, hub: &mut Hub, range: Range<usize>) -> Batch<'_, O> {
        let mut failures = hub.failures.split_off(&range.start);
        hub.failures.append(&mut failures.split_off(&range.end));
        Batch::new(self, range, failures)
    }

    /// The items below `index` were delivered: the window moves.
    pub(crate) fn delivered_to(&self, index: usize) {
        let _hub = lock(&self.hub);
        self.delivered.fetch_max(index, Ordering::Release);
        self.bell.ring();
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
