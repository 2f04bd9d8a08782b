//! A task with a plan, ready to run; and the endings that run it.

use crate::caller::{Batch, Caller};
use crate::capability::Capabilities;
use crate::error::Error;
use crate::executor::Executor;
use crate::item_error::ItemError;
use crate::kept::KeptBy;
use crate::nested;
use crate::observe::{Curtain, Ending, Watch};
use crate::panics;
use crate::plan::{OnError, Plan};
use crate::run::{Run, Setup};
use crate::serial::Serial;
use crate::task::Task;
use std::convert::Infallible;
use std::ops::ControlFlow;
use std::time::Duration;

/// A task and its plan: what [`Over`](crate::Over)'s call forms make, and what has the endings. It can be run again.
///
/// ```
/// use partools_core::{Serial, over};
/// let job = over(&["a", "bb"]).map(|word| word.len());
/// assert_eq!(job.run(&Serial)?, [1, 2]);
/// assert_eq!(job.run(&Serial)?, [1, 2]);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing runs before an ending such as run"]
pub struct Job<T> {
    pub(crate) task: T,
    pub(crate) plan: Plan,
}

impl<T: Task> Job<T> {
    /// A job of a task of your own, with the default plan.
    ///
    /// ```
    /// use partools_core::{Job, Serial, over};
    /// let task = over(0..3).map(|i| i + 1).task().clone(); // or one that implements `Task`
    /// assert_eq!(Job::new(task).run(&Serial)?, [1, 2, 3]);
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    pub fn new(task: T) -> Self {
        Job {
            task,
            plan: Plan::new(),
        }
    }

    /// Runs under `plan`.
    ///
    /// ```
    /// use partools_core::{Chunks, Plan, Serial, over};
    /// let plan = Plan::new().chunk(Chunks::of(0));
    /// assert!(over(0..3).map(|i| i).plan(plan).run(&Serial).unwrap_err().is_plan()); // nonsense is refused when it runs
    /// ```
    pub fn plan(mut self, plan: Plan) -> Self {
        self.plan = plan;
        self
    }

    /// What it runs under.
    pub fn its_plan(&self) -> &Plan {
        &self.plan
    }

    /// The task.
    pub fn task(&self) -> &T {
        &self.task
    }

    /// Runs it on `executor`; all outputs, in item order.
    ///
    /// ```
    /// use partools_core::{Serial, over};
    /// let job = over(&["1", "x", "y"]).map(|text| text.parse::<i32>().expect("a number"));
    /// let error = job.run(&Serial).unwrap_err();
    /// assert_eq!(error.item().map(|item| item.index()), Some(1)); // on every executor: the lowest
    /// ```
    ///
    /// # Errors
    /// The failure of the failing item with the lowest index (the outputs that were finished are
    /// dropped), or what kept the map from running.
    pub fn run<E: Executor<T> + ?Sized>(&self, executor: &E) -> Result<Vec<T::Output>, Error> {
        self.run_kept(executor, None)
    }

    pub(crate) fn run_kept<E: Executor<T> + ?Sized>(
        &self,
        executor: &E,
        keeper: KeptBy<T::Output>,
    ) -> Result<Vec<T::Output>, Error> {
        let setup = Setup {
            keeper,
            ..self.setup(OnError::Stop)
        };
        let run = self.execute(executor, setup, &mut |_| {})?;
        run.map_or_else(|| Ok(Vec::new()), Run::into_outputs)
    }

    /// Runs it on `executor`; each item's output or failure, in item order. Nothing is lost.
    ///
    /// ```
    /// use partools_core::{Serial, over};
    /// let results = over(0..3).map(|i| 10 / i).try_run(&Serial)?;
    /// assert!(results[0].is_err());
    /// assert_eq!(results[2].as_ref().ok(), Some(&5));
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// What kept the map from running; never the failure of an item.
    pub fn try_run<E: Executor<T> + ?Sized>(
        &self,
        executor: &E,
    ) -> Result<Vec<Result<T::Output, ItemError>>, Error> {
        self.try_run_kept(executor, None)
    }

    pub(crate) fn try_run_kept<E: Executor<T> + ?Sized>(
        &self,
        executor: &E,
        keeper: KeptBy<T::Output>,
    ) -> Result<Vec<Result<T::Output, ItemError>>, Error> {
        let setup = Setup {
            keeper,
            takes_failures: true,
            takes_parts: true,
            ..self.setup(OnError::Collect)
        };
        let Some(run) = self.execute(executor, setup, &mut |_| {})? else {
            return Ok(Vec::new());
        };
        let results = run.into_results();
        Ok(results
            .into_iter()
            .map(|result| result.map_err(|e| self.labelled(e)))
            .collect())
    }

    /// Runs it on `executor` and calls `f(index, output)` for each output, on the calling thread, in item
    /// order, as soon as it is ready; in any order where the plan is [unordered](Plan::unordered). Workers run ahead by no
    /// more than the plan's [window](Plan::window), so that memory stays bounded whatever the number of items.
    ///
    /// ```
    /// use partools_core::{Serial, over};
    /// let mut total = 0;
    /// over(0..10).map(|i| i * i).for_each(&Serial, |_index, square| total += square)?;
    /// assert_eq!(total, 285);
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// The failure of the failing item with the lowest index, after all outputs below it were delivered;
    /// or what kept the map from running.
    ///
    /// # Panics
    /// Where `f` panics: the run is stopped, then the panic goes on.
    pub fn for_each<E, F>(&self, executor: &E, mut f: F) -> Result<(), Error>
    where
        E: Executor<T> + ?Sized,
        F: FnMut(usize, T::Output),
    {
        let goes_on = |index, output| {
            f(index, output);
            ControlFlow::<Infallible>::Continue(())
        };
        self.try_for_each(executor, goes_on).map(|_| ())
    }

    /// As [`for_each`](Self::for_each), until `f` breaks: then the map is stopped. Items under way are killed where the
    /// executor can, else they end; nothing more is delivered.
    ///
    /// ```
    /// use partools_core::{Serial, over};
    /// use std::ops::ControlFlow;
    /// let squares = over(0..1_000_000_000_usize).map(|i| i * i);
    /// let found = squares.try_for_each(&Serial, |index, square| match square {
    ///     square if square > 5000 => ControlFlow::Break(index),
    ///     _ => ControlFlow::Continue(()),
    /// })?;
    /// assert_eq!(found, ControlFlow::Break(71));
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`for_each`](Self::for_each), where `f` did not break before.
    ///
    /// # Panics
    /// Where `f` panics: the run is stopped, then the panic goes on.
    pub fn try_for_each<E, F, B>(&self, executor: &E, f: F) -> Result<ControlFlow<B>, Error>
    where
        E: Executor<T> + ?Sized,
        F: FnMut(usize, T::Output) -> ControlFlow<B>,
    {
        let (flow, _) = self.try_for_each_kept(executor, f, None)?;
        Ok(flow)
    }

    /// As [`try_for_each`](Self::try_for_each), with a keeper; and what the executor said that making and ending its workers
    /// took.
    pub(crate) fn try_for_each_kept<E, F, B>(
        &self,
        executor: &E,
        mut f: F,
        keeper: KeptBy<T::Output>,
    ) -> Result<(ControlFlow<B>, Duration), Error>
    where
        E: Executor<T> + ?Sized,
        F: FnMut(usize, T::Output) -> ControlFlow<B>,
    {
        let (mut failure, mut broken) = (None, None);
        let mut deliver = |batch: &mut Batch<'_, T::Output>| {
            while let Some((index, result)) = batch.next() {
                match result.map(|output| f(self.task.index_of(index), output)) {
                    Ok(ControlFlow::Continue(())) => {}
                    Ok(ControlFlow::Break(value)) => {
                        broken = Some(value);
                        batch.stop();
                    }
                    // C7: the lowest; in any order it may come last.
                    Err(error) => failure = Some(lower(failure.take(), error)),
                }
                if batch.is_stopped() {
                    break;
                }
            }
        };
        let setup = Setup {
            keeper,
            windowed: true,
            ..self.setup(OnError::Stop)
        };
        let result = self.execute(executor, setup, &mut deliver);
        if let Some(value) = broken {
            return Ok((ControlFlow::Break(value), Duration::ZERO));
        }
        match (result, failure) {
            // What ended the map early may have hidden a lower failure, where they come in any order.
            (Err(error), Some(_)) if self.plan.unordered && error.item().is_none() => Err(error),
            (_, Some(error)) => Err(Error::from_item(self.labelled(error))),
            (result, None) => {
                let took = result?.map_or(Duration::ZERO, |run| run.time_of_workers());
                Ok((ControlFlow::Continue(()), took))
            }
        }
    }

    /// As [`run`](Self::run), but a panicking item's panic goes on in the caller, as it would in a plain
    /// loop.
    ///
    /// ```
    /// use partools_core::{Serial, over};
    /// let job = over(0..3).map(|i| if i == 1 { std::panic::panic_any(i) } else { i });
    /// let payload = std::panic::catch_unwind(|| job.run_or_unwind(&Serial)).unwrap_err();
    /// assert_eq!(payload.downcast_ref(), Some(&1_usize)); // what was thrown
    /// ```
    ///
    /// # Errors
    /// What kept the map from running.
    ///
    /// # Panics
    /// Where an item does, with its own payload if the executor's workers share this process.
    pub fn run_or_unwind<E: Executor<T> + ?Sized>(
        &self,
        executor: &E,
    ) -> Result<Vec<T::Output>, Error> {
        let setup = Setup {
            keep_payloads: true,
            ..self.setup(OnError::Stop)
        };
        let outputs = match self.execute(executor, setup, &mut |_| {}) {
            Ok(run) => run.map_or_else(|| Ok(Vec::new()), Run::into_outputs),
            Err(error) => Err(error),
        };
        outputs.or_else(|error| std::panic::resume_unwind(error.into_item()?.into_payload()))
    }

    /// All outputs are wanted, at the end; failures do what the plan says, or `else_then`.
    fn setup(&self, else_then: OnError) -> Setup<T::Output> {
        Setup::collecting(self.plan.on_error.unwrap_or(else_then))
    }

    /// Runs the job to its end: checks, execution, verdict. `None` where there are no items (C9).
    pub(crate) fn execute<E: Executor<T> + ?Sized>(
        &self,
        executor: &E,
        setup: Setup<T::Output>,
        deliver: &mut dyn FnMut(&mut Batch<'_, T::Output>),
    ) -> Result<Option<Run<T::Output>>, Error> {
        // C8: a map inside a worker runs on that worker.
        match nested::inside_worker() {
            true => self.execute_on(&Serial, setup, deliver),
            false => self.execute_on(executor, setup, deliver),
        }
    }

    fn execute_on<E: Executor<T> + ?Sized>(
        &self,
        executor: &E,
        mut setup: Setup<T::Output>,
        deliver: &mut dyn FnMut(&mut Batch<'_, T::Output>),
    ) -> Result<Option<Run<T::Output>>, Error> {
        self.plan.check()?;
        let mut plan = self.plan.clone();
        plan.order = setup.order.take().or(plan.order);
        let mut count = self.task.count();
        plan.check_order(count)?;
        if setup.windowed && !plan.unordered {
            // What is delivered in item order is handed out so, too, or the window would have to hold it all.
            plan.order = plan.order.filter(|order| !order.reorder());
        }
        if let Some(order) = &plan.order {
            count = order.count();
        }
        if count == 0 {
            // C9: the executor is not even asked what it can do, which may start a pool.
            let watch = Watch::new(&plan);
            Curtain::rise(watch.as_ref(), "", 0, 0).fall(Ending::Finished);
            return Ok(None);
        }
        let capabilities: Capabilities = executor.capabilities();
        self.plan.check_against(&capabilities)?;
        panics::chain_hook();
        let (takes_failures, takes_parts) = (setup.takes_failures, setup.takes_parts);
        let mut run = Run::new(count, capabilities.workers(), plan, setup)?;
        let (name, workers) = (capabilities.name(), capabilities.workers());
        let curtain = Curtain::rise(run.watch.as_ref(), name, workers, count);
        // No worker is made for a map that is cancelled already, or has no time.
        let done = match run.is_stopped() {
            true => Ok(()),
            false => executor.execute(&self.task, &run, &mut Caller::new(&run, deliver)),
        };
        let verdict = done.and_then(|()| run.verdict(capabilities.name()));
        let halted = verdict.as_ref().ok().copied().flatten();
        let verdict = verdict.and_then(|halt| match halt {
            Some(halt) if !takes_parts => Err(run.halted(halt)),
            _ if takes_failures => Ok(()),
            _ => run
                .first_failure()
                .map_or(Ok(()), |f| Err(Error::from_item(self.labelled(f)))),
        });
        curtain.fall(match (&verdict, halted) {
            (Err(error), _) => Ending::Failed(error),
            (Ok(()), Some(halt)) => Ending::Stopped(halt),
            (Ok(()), None) => Ending::Finished,
        });
        match verdict {
            Ok(()) => Ok(Some(run)),
            Err(error) => Err(error.with_drop_panics(run.discard())),
        }
    }

    pub(crate) fn labelled(&self, mut error: ItemError) -> ItemError {
        let index = error.index();
        error.set_label(|| panics::catch(|| self.task.label(index)).ok().flatten());
        error.lead_back(|index| self.task.index_of(index));
        error
    }
}

/// The failure of the lower item.
fn lower(known: Option<ItemError>, new: ItemError) -> ItemError {
    match known {
        Some(known) if known.index() < new.index() => known,
        _ => new,
    }
}

impl<O> Setup<O> {
    /// All outputs are wanted, at the end.
    pub(crate) fn collecting(on_error: OnError) -> Self {
        Setup {
            on_error,
            takes_failures: false,
            takes_parts: false,
            halts: None,
            windowed: false,
            keep_payloads: false,
            keeper: None,
            order: None,
        }
    }
}
