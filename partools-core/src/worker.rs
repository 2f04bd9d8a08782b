//! The worker loop, written once for every backend: it walks a chunk in pieces, catches panics, retries,
//! rebuilds the state, and stops where nothing more is needed. Outputs go straight into slots of the final
//! vector ([`Chunk`](crate::Chunk)), or to a backend's own [`Sink`].
//!
//! ```text
//! chunk   |----piece----|----piece----|--..    a look at the clock and at `needed` between pieces
//!                 x item panics: state dropped; retried, or failed; the loop goes on behind it
//! ```

mod sink;
mod times;

pub(crate) use sink::Port;
pub use sink::Sink;
use sink::SinkPort;

use crate::item_error::{Cause, ItemError};
use crate::nested;
use crate::observe::Stopwatch;
use crate::order::Order;
use crate::panics::{Panic, catch};
use crate::plan::Plan;
use crate::retries::Retries;
use crate::schedule::Pace;
use crate::task::{Span, Task};
use crate::worker_error::WorkerError;
use crate::writer::Told;
use std::cell::Cell;
use std::ops::Range;
use std::time::{Duration, Instant};

/// One worker of a run: a task, its state, and what it has measured. For workers elsewhere; in this process
/// [`Run::work`](crate::Run::work) is all it takes.
///
/// ```
/// use partools_core::{ItemError, Plan, Sink, Worker, over};
///
/// struct Kept<O>(Vec<O>);
/// impl<O> Sink<O> for Kept<O> {
///     fn push(&mut self, output: O) { self.0.push(output); }
///     fn fail(&mut self, error: ItemError) { panic!("{error}"); }
///     fn needed(&self) -> usize { usize::MAX }
/// }
///
/// let job = over(0..100).state(|worker| worker * 1000).map_cx(|i, cx| *cx.state + i);
/// let (mut worker, mut kept) = (Worker::new(job.task(), 7, &Plan::new()), Kept(Vec::new()));
/// worker.run(0..2, 0, &mut kept)?; // a chunk
/// worker.run(50..51, 0, &mut kept)?; // and another one, with the same state
/// worker.finish()?;
/// assert_eq!(kept.0, [7000, 7001, 7050]);
/// # Ok::<(), partools_core::WorkerError>(())
/// ```
pub struct Worker<T: Task> {
    task: T,
    number: usize,
    seed: u64,
    retries: Retries,
    /// The items at the places that are run, where they are others.
    order: Option<Order>,
    /// So many items are called between two looks, at most.
    most: usize,
    keep_payloads: bool,
    state: Option<T::State>,
    pub(crate) pace: Pace,
    /// Times items, where an observer wants it.
    stopwatch: Option<Stopwatch>,
}

/// Under a token or a deadline a worker looks after this many items, however cheap the last ones were: the next may
/// take an hour each. A look costs some 50 ns.
const WATCHED: usize = 32;
/// Where items are timed, the clock is read this many times in a piece of some 100 µs.
const TIMED: usize = 10;

/// Who waits before an attempt looks this often whether the item is still needed.
const NAP: Duration = Duration::from_millis(4);

impl<T: Task> Worker<T> {
    /// Worker number `number` of a run of `task` under `plan`. A reference to a task is a task.
    pub fn new(task: T, number: usize, plan: &Plan) -> Self {
        Worker {
            task,
            number,
            seed: plan.seed,
            retries: plan.retries,
            order: plan.order.clone(),
            most: if plan.is_watched() {
                WATCHED
            } else {
                usize::MAX
            },
            keep_payloads: false,
            state: None,
            pace: Pace::new(),
            stopwatch: plan.times_items.then(Stopwatch::new),
        }
    }

    pub(crate) fn keep_payloads(mut self, keep: bool) -> Self {
        self.keep_payloads = keep;
        self
    }

    /// The task, to be dealt the items of its next chunk.
    pub(crate) fn task_mut(&mut self) -> &mut T {
        &mut self.task
    }

    /// What this worker has measured so far, to size its next claim by.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Error, Executor, ItemError, Run, Sink, Task, Worker, over};
    /// # struct Example;
    /// # impl<T: Task> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 2) }
    /// fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     # let _ = &caller;
    ///     # struct Nowhere;
    ///     # impl<O> Sink<O> for Nowhere {
    ///     #     fn push(&mut self, _: O) {}
    ///     #     fn fail(&mut self, _: ItemError) {}
    ///     #     fn needed(&self) -> usize { usize::MAX }
    ///     # }
    ///     let counter = std::sync::atomic::AtomicU64::new(0); // in shared memory, say
    ///     let (mut worker, mut sizes) = (Worker::new(task, 0, run.plan()), Vec::new());
    ///     while let Some(range) = run.schedule().claim(&counter, run.claim_limit(), worker.pace()) {
    ///         sizes.push(range.len());
    ///         worker.run(range, 0, &mut Nowhere)?;
    ///     }
    ///     assert!(sizes[0] == 1 && sizes[1..].iter().any(|&size| size > 1)); // it learned how cheap they are
    ///     Err(Error::executor("it kept no output"))
    /// }
    /// # }
    /// assert_eq!(over(0..1000).map(|i| i).run(&Example).unwrap_err().to_string(), "it kept no output");
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn pace(&self) -> &Pace {
        &self.pace
    }

    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// Work begins, or goes on after a wait: what passed until now is nobody's cost.
    pub fn begin(&mut self) {
        self.pace.begin();
    }

    /// Makes the state now, where there is none yet.
    ///
    /// ```
    /// use partools_core::{Plan, Worker, over};
    /// let job = over(0..9).try_state(|worker| Err::<(), _>(format!("no device {worker}"))).map_cx(|i, _| i);
    /// let error = Worker::new(job.task(), 3, &Plan::new()).start().expect_err("no such device");
    /// assert_eq!(error.to_string(), "the state of worker 3 could not be made: no device 3");
    /// ```
    ///
    /// # Errors
    /// The task's own error, or its panic.
    pub fn start(&mut self) -> Result<(), WorkerError> {
        if self.state.is_none() {
            let _inside = nested::enter();
            match catch(|| self.task.start(self.number)) {
                Ok(Ok(state)) => self.state = Some(state),
                Ok(Err(why)) => return Err(WorkerError::start(self.number, why)),
                Err(panic) => {
                    let why = format!("it panicked{}", place(&panic));
                    return Err(WorkerError::start(self.number, why.into()));
                }
            }
        }
        Ok(())
    }

    /// Calls the items of `range`, the first of them at its attempt number `attempt`; outputs and
    /// failures go to `sink`.
    ///
    /// # Errors
    /// Where a state cannot be made, or the task breaks its contract. An item's failure is no error here.
    pub fn run<S>(
        &mut self,
        range: Range<usize>,
        attempt: u32,
        sink: &mut S,
    ) -> Result<(), WorkerError>
    where
        S: Sink<T::Output> + ?Sized,
    {
        self.fill(range, attempt, &mut SinkPort::new(sink))
    }

    /// As [`run`](Self::run), into any port.
    pub(crate) fn fill<P>(
        &mut self,
        range: Range<usize>,
        attempt: u32,
        port: &mut P,
    ) -> Result<(), WorkerError>
    where
        P: Port<T::Output>,
    {
        let _inside = nested::enter();
        let unwatched = port.unwatched();
        if let Some(stopwatch) = &mut self.stopwatch {
            stopwatch.start();
        }
        let (mut at, mut attempt) = (range.start, attempt);
        let mut rested = attempt == 0;
        while at < range.end && at < port.needed() {
            if !rested {
                // Before its state is made: what a fresh state connects to may be what needs time.
                rested = self.rest(at, attempt, port);
                continue;
            }
            let Some(state) = &mut self.state else {
                // Which may take its time, so that nothing more is needed.
                self.start()?;
                if let Some(stopwatch) = &mut self.stopwatch {
                    stopwatch.start();
                }
                continue;
            };
            let left = range.end - at;
            let want = match (attempt, unwatched) {
                (0, Some(piece)) => piece.min(left),
                (0, None) if self.stopwatch.is_some() => {
                    let piece = self.pace.piece().min(self.most);
                    (piece / TIMED).clamp(1, left)
                }
                (0, None) => self.pace.piece().min(self.most).min(left),
                _ => 1,
            };
            let (item, want) = match &self.order {
                None => (at, want),
                Some(order) => order.row(at, want),
            };
            let len = port.room(want).clamp(1, want);
            let span = Span {
                range: item..item + len,
                worker: self.number,
                attempt,
                seed: self.seed,
            };
            let told = Cell::new(Told::default());
            if unwatched.is_none() {
                self.pace.start();
            }
            let result = catch(|| {
                let mut writer = port.writer(len, &told);
                self.task.call_chunk(state, &span, &mut writer);
            });
            let Told { filled, overfull } = told.get();
            port.advance(filled);
            at += filled;
            if unwatched.is_none() {
                self.pace.record(filled.max(1));
            }
            if let Some(stopwatch) = &mut self.stopwatch {
                // What failed behind those that were filled is timed with them.
                let end = item + filled + usize::from(filled < len);
                stopwatch.lap(item..end);
            }
            if overfull {
                let text = format!("it pushed more than {len} outputs for as many items");
                return Err(WorkerError::task(text));
            }
            let mut failure = match result {
                Ok(()) if filled == len => {
                    attempt = 0;
                    continue;
                }
                Ok(()) => ItemError::new(at, attempt, Cause::NoOutput),
                Err(panic) if filled == len => {
                    let text = format!("it panicked behind its last item{}", place(&panic));
                    return Err(WorkerError::task(text));
                }
                Err(panic) => {
                    self.drop_state()?;
                    ItemError::panicked(at, attempt, panic, self.keep_payloads)
                }
            };
            if self.again(&mut failure, port) {
                attempt += 1;
                rested = false;
            } else {
                port.fail(failure);
                at += 1;
                attempt = 0;
            }
        }
        Ok(())
    }

    /// Is the item at this place to be tried again? The plan, and who looks on, know it by its index.
    #[cold]
    fn again<P: Port<T::Output>>(&self, failure: &mut ItemError, port: &mut P) -> bool {
        let place = failure.index();
        if let Some(order) = &self.order {
            failure.set_index(order.item(place));
        }
        let again = self.retries.again(failure);
        if again {
            port.retried(failure);
        }
        failure.set_index(place);
        again
    }

    /// What is at the places of the next chunk, told from afar.
    pub(crate) fn set_order(&mut self, order: Order) {
        self.order = Some(order);
    }

    /// Waits as long as the plan has it before attempt number `attempt` of the item at `at`. False where that item is not
    /// needed any more.
    #[cold]
    fn rest<P: Port<T::Output>>(&mut self, at: usize, attempt: u32, port: &mut P) -> bool {
        port.rests(attempt);
        let (begun, wait) = (Instant::now(), self.retries.wait_before(attempt));
        loop {
            let left = wait.saturating_sub(begun.elapsed());
            if left.is_zero() {
                break;
            }
            if at >= port.needed() {
                return false;
            }
            std::thread::sleep(left.min(NAP));
        }
        port.goes_on();
        self.pace.begin();
        if let Some(stopwatch) = &mut self.stopwatch {
            stopwatch.start();
        }
        true
    }

    /// Ends the worker: its state is dropped.
    ///
    /// # Errors
    /// Where the state's `Drop` panics.
    pub fn finish(mut self) -> Result<(), WorkerError> {
        self.drop_state()
    }

    fn drop_state(&mut self) -> Result<(), WorkerError> {
        let Some(state) = self.state.take() else {
            return Ok(());
        };
        let _inside = nested::enter();
        catch(|| drop(state)).map_err(|panic| {
            WorkerError::task(format!(
                "dropping the state of worker {} panicked{}",
                self.number,
                place(&panic)
            ))
        })
    }
}

/// Also where a callback's panic unwinds past the worker: a state whose `Drop` panics then would abort the
/// process.
impl<T: Task> Drop for Worker<T> {
    fn drop(&mut self) {
        let _ = self.drop_state();
    }
}

fn place(panic: &Panic) -> String {
    match &panic.location {
        Some(at) => format!(" at {at}: {}", panic.message),
        None => format!(": {}", panic.message),
    }
}

impl<T: Task> std::fmt::Debug for Worker<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use crate::{Chunks, Job, Serial, Sink, Span, StartError, Task, Worker, Writer, plan::Plan};
    use std::cell::RefCell;
    use std::time::Duration;

    /// Sleeps through its items, fails at item 3 where told so, and notes how long its spans were.
    struct Slow {
        fails: bool,
        spans: RefCell<Vec<usize>>,
    }

    impl Slow {
        fn new(fails: bool) -> Self {
            Slow {
                fails,
                spans: RefCell::default(),
            }
        }
    }

    impl Task for Slow {
        type State = ();
        type Output = Result<(), ()>;
        fn count(&self) -> usize {
            25
        }
        fn start(&self, _: usize) -> Result<(), StartError> {
            Ok(())
        }
        fn call_chunk(&self, _: &mut (), span: &Span, out: &mut Writer<'_, Result<(), ()>>) {
            self.spans.borrow_mut().push(span.range().len());
            for index in span.range() {
                std::thread::sleep(Duration::from_micros(300));
                out.push(if self.fails && index == 3 {
                    Err(())
                } else {
                    Ok(())
                });
            }
        }
    }

    #[test]
    fn slow_items_are_looked_at_one_by_one_where_somebody_could_stop_them() {
        /// Needs no more than the first 4 items as soon as it has one.
        struct Enough(usize);
        impl<O> Sink<O> for Enough {
            fn push(&mut self, _: O) {
                self.0 += 1;
            }
            fn fail(&mut self, error: crate::ItemError) {
                panic!("{error}");
            }
            fn needed(&self) -> usize {
                if self.0 == 0 { 25 } else { 4 }
            }
        }
        let (slow, mut sink) = (Slow::new(false), Enough(0));
        Worker::new(&slow, 0, &Plan::new())
            .run(0..25, 0, &mut sink)
            .expect("it ran");
        assert_eq!(*slow.spans.borrow(), [1, 1, 1, 1]);
    }

    #[test]
    fn slow_items_are_looked_at_one_by_one_where_an_output_can_stop_them() {
        let job = Job::new(Slow::new(true)).plan(Plan::new().chunk(Chunks::of(25)));
        assert!(job.run_ok(&Serial).is_err());
        assert_eq!(*job.task().spans.borrow(), [1, 1, 1, 1]);
    }

    #[test]
    fn a_worker_whom_nobody_can_stop_calls_a_chunk_in_one_go() {
        let job = Job::new(Slow::new(false)).plan(Plan::new().chunk(Chunks::of(10)));
        assert_eq!(job.run(&Serial).expect("it ran").len(), 25);
        assert_eq!(*job.task().spans.borrow(), [10, 10, 5]);
    }
}
