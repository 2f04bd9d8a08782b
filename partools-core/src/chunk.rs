//! A chunk is a claim: the right and the duty to fill the outputs of a range of items, once. Only a
//! [`Run`] mints it, it cannot be cloned, and [`commit`](Chunk::commit), [`lost`](Chunk::lost) or a plain
//! drop end it: whatever was not filled then goes back to be claimed again. So no safe executor, however
//! wrong, can fill a slot twice or leave one empty unnoticed.

mod filled;
mod ledger;
mod told;

pub(crate) use ledger::Ledger;

use crate::item_error::{Cause, ItemError};
use crate::observe::Event;
use crate::run::Run;
use crate::worker::Port;
use crate::writer::{Told, Writer};
use std::cell::Cell;
use std::ops::Range;

/// A claim on a range of items of a [`Run`].
///
/// ```
/// use partools_core::{Caller, Capabilities, Cause, Error, Executor, Run, Task, over};
///
/// /// Loses every worker at its first item, and says so.
/// struct Unlucky;
/// impl<T: Task> Executor<T> for Unlucky {
///     fn capabilities(&self) -> Capabilities { Capabilities::new("unlucky", 1) }
///     fn execute(&self, _: &T, run: &Run<T::Output>, _: &mut Caller<'_, T::Output>) -> Result<(), Error> {
///         while let Some(chunk) = run.try_claim() {
///             chunk.lost(Cause::Lost { why: "the cat sat on the cable".into() });
///         }
///         Ok(())
///     }
/// }
/// let results = over(0..3).map(|i| i).try_run(&Unlucky)?;
/// assert_eq!(results[2].as_ref().unwrap_err().to_string(), "item 2 was lost with its worker: the cat sat on the cable");
/// # Ok::<(), Error>(())
/// ```
pub struct Chunk<'r, O> {
    run: &'r Run<O>,
    range: Range<usize>,
    /// The next index to be filled or failed; those before it are done.
    at: usize,
    /// The attempt of the next item.
    attempt: u32,
    /// The worker that has it, or [`NOBODY`]; and since when, as a stamp. For observers, and for what
    /// failures say.
    worker: u32,
    since: u64,
    failures: Vec<ItemError>,
}

/// No worker, or none that is known.
const NOBODY: u32 = u32::MAX;

impl<'r, O> Chunk<'r, O> {
    /// Only `Run` may call this, for a range that it hands out once.
    #[inline]
    pub(crate) fn mint(run: &'r Run<O>, range: Range<usize>, attempt: u32) -> Self {
        Chunk {
            run,
            at: range.start,
            range,
            attempt,
            worker: NOBODY,
            since: 0,
            failures: Vec::new(),
        }
    }

    pub(crate) fn run(&self) -> &'r Run<O> {
        self.run
    }

    /// The items claimed, by their [places](Run::item_at) in the hand-out.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// The index of the next item to be filled or failed; the end of the range when all are.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// The attempt of the next item, the one at [`position`](Self::position): 0 unless it failed before and is tried again.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Are all items filled or failed?
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.at == self.range.end
    }

    /// Takes the output of the next item, made elsewhere.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Error, Executor, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task<Output = u64>> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     # let _ = (task, &caller);
    ///     while let Some(mut chunk) = run.try_claim() {
    ///         for index in chunk.range() {
    ///             assert_eq!(chunk.position(), index);
    ///             chunk.push(index as u64 * 10).expect("there is room");
    ///         }
    ///         assert_eq!(chunk.push(0), Err(0)); // it is full
    ///     }
    ///     Ok(())
    /// }
    /// # }
    /// assert_eq!(over(0..4).map(|_| 0).run(&Example)?, [0, 10, 20, 30]);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// The output back, where the chunk [is full](Self::is_full).
    pub fn push(&mut self, output: O) -> Result<(), O> {
        if self.is_full() {
            return Err(output);
        }
        self.slots(1)[0].write(output);
        self.keep(1, false);
        self.go_on(1);
        self.run.a_worker_lives();
        Ok(())
    }

    /// The next item failed for good. The error's index is set to that of the item. Ignored where the
    /// chunk [is full](Self::is_full).
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Cause, Error, Executor, ItemError, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     # let _ = (task, &caller);
    ///     while let Some(mut chunk) = run.try_claim() {
    ///         while !chunk.is_full() {
    ///             chunk.fail(ItemError::new(0, chunk.attempt(), Cause::Exited { code: 3 }));
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// # }
    /// let results = over(0..4).map(|i| i).try_run(&Example)?;
    /// assert_eq!(results[2].as_ref().unwrap_err().to_string(), "item 2 ended its worker process with exit code 3");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn fail(&mut self, mut error: ItemError) {
        if self.is_full() {
            return;
        }
        self.run.a_worker_lives();
        error.set_index(self.at);
        self.fail_for_good(self.placed(error));
    }

    fn fail_for_good(&mut self, mut error: ItemError) {
        self.run.failed_at(self.at);
        if self.run.is_observed() {
            error.set_index(self.run.item_at(self.at));
            self.run.note(Event::Failed { error: &error });
            error.set_index(self.at);
        }
        self.failures.push(error);
        self.at += 1;
        self.attempt = 0;
    }

    /// The next item failed at its attempt number [`attempt`](Self::attempt), and its worker goes on behind it. Where the
    /// plan has another attempt for it, it goes back, to be claimed alone; else this is [`fail`](Self::fail). For executors
    /// whose workers do not retry by themselves. Ignored where the chunk [is full](Self::is_full).
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Cause, Error, Executor, ItemError, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task<Output = u32>> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, _: &T, run: &Run<u32>, _: &mut Caller<'_, u32>) -> Result<(), Error> {
    ///     while let Some(mut chunk) = run.try_claim() {
    ///         while !chunk.is_full() {
    ///             match (chunk.position(), chunk.attempt()) {
    ///                 (2, 0 | 1) => chunk.failed(Cause::NoOutput),
    ///                 (_, attempt) => chunk.push(attempt).expect("there is room"),
    ///             }
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// # }
    /// assert_eq!(over(0..4).retries(2).map(|_| 0).run(&Example)?, [0, 0, 2, 0]);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn failed(&mut self, cause: Cause) {
        self.failed_by(ItemError::new(self.at, self.attempt, cause));
    }

    /// As [`failed`](Self::failed), with all that is known of the failure.
    pub(crate) fn failed_by(&mut self, error: ItemError) {
        if !self.is_full() {
            self.run.a_worker_lives();
            self.fail_or_go_back(self.placed(error));
        }
    }

    fn fail_or_go_back(&mut self, mut error: ItemError) {
        error.set_index(self.run.item_at(self.at));
        if !self.run.plan().retries.again(&error) {
            error.set_index(self.at);
            return self.fail_for_good(error);
        }
        self.note_retry(&error);
        let done = self.range.start..self.at;
        let next = self.at..self.at + 1;
        self.tell_done(done.clone(), self.failures.len());
        self.run.record(
            done,
            std::mem::take(&mut self.failures),
            next,
            self.attempt + 1,
        );
        self.at += 1;
        self.range.start = self.at;
        self.attempt = 0;
    }

    fn note_retry(&self, error: &ItemError) {
        self.run.note(Event::Retried {
            error,
            wait: self.run.wait_before(error.attempt() + 1),
        });
    }

    /// The next item failed, and the worker that has this claim tries it again by itself: it is at its attempt number
    /// `attempt` now. For executors that hear so of their workers, lest one that dies takes the count along.
    pub fn again(&mut self, attempt: u32) {
        self.attempt = self.attempt.max(attempt);
    }

    /// Cuts the claim in two: keeps the first `items` of what is left, and gives the rest as a claim of
    /// its own, if there is any.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Chunks, Error, Executor, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     let mut chunk = run.try_claim().expect("a chunk of 10");
    ///     let rest = chunk.split(4).expect("6 more");
    ///     assert_eq!((chunk.range(), rest.range()), (0..4, 4..10));
    ///     # drop((chunk, rest));
    ///     # caller.work(task);
    ///     # Ok(())
    /// }
    /// # }
    /// # assert_eq!(over(0..10).chunk(Chunks::of(10)).map(|i| i).run(&Example)?.len(), 10);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn split(&mut self, items: usize) -> Option<Self> {
        let cut = self.at.saturating_add(items).min(self.range.end);
        let rest = cut..std::mem::replace(&mut self.range.end, cut);
        // The next item takes its attempts along, or it could be tried again for ever.
        let attempt = match cut == self.at {
            true => self.attempt,
            false => 0,
        };
        if rest.is_empty() {
            return None;
        }
        let mut rest = Chunk::mint(self.run, rest, attempt);
        (rest.worker, rest.since) = (self.worker, self.since);
        Some(rest)
    }

    /// Ends the claim. What was not filled goes back and will be claimed again.
    pub fn commit(self) {
        drop(self);
    }

    /// The worker died while it ran the next item: that item is tried again where the plan says so, else
    /// failed for `cause`; the items behind it go back and will be claimed again, unblamed.
    ///
    /// A [`Cause::Killed`] by SIGKILL is hardly the item's doing: the system does that when memory runs out, or a person. So
    /// the first time the item is called again at the same attempt, alone; the second time it is blamed as for any other
    /// cause. (An executor that killed the worker itself has another cause to give, or none: [`stopped`](Self::stopped).)
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Cause, Error, Executor, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     let killed = || Cause::Killed { signal: 9, name: "SIGKILL".into() };
    ///     run.try_claim().expect("all three").lost(killed());
    ///     let again = run.try_claim().expect("the one that was under way");
    ///     assert_eq!((again.range(), again.attempt()), (0..1, 0));
    ///     again.lost(killed()); // once more: it is blamed
    ///     caller.work(task);
    ///     Ok(())
    /// }
    /// # }
    /// let results = over(0..3).map(|i| i).try_run(&Example)?;
    /// assert_eq!(results.iter().map(Result::is_ok).collect::<Vec<_>>(), [false, true, true]);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn lost(self, cause: Cause) {
        self.lost_saying(cause, None);
    }

    /// As [`lost`](Self::lost), with the last of what the worker wrote to [standard error](ItemError::stderr).
    pub fn lost_saying(mut self, cause: Cause, stderr: Option<String>) {
        if self.is_full() {
            return;
        }
        let run = self.run;
        let is_from_outside = matches!(&cause, Cause::Killed { name, .. } if name == "SIGKILL");
        // A limit is what somebody asked for, and keeping it may take as many workers as there are items. Nobody asked for
        // the other deaths.
        let is_by_limit = matches!(
            cause,
            Cause::TimedOut { .. } | Cause::CpuTime { .. } | Cause::Memory { .. }
        );
        if is_from_outside && self.run.excuse(self.at) {
            self.run.give_back(self.at..self.at + 1, self.attempt);
            self.run.give_back(self.at + 1..self.range.end, 0);
            self.range.end = self.at;
        } else {
            let error = ItemError::new(self.at, self.attempt, cause);
            let error = match stderr {
                Some(text) => error.with_stderr(text),
                None => error,
            };
            self.fail_or_go_back(self.placed(error));
        }
        drop(self);
        if !is_by_limit {
            run.a_worker_died();
        }
    }

    /// The worker was killed while it may have run the next item, because the run [is stopped](Run::is_stopped).
    /// Nobody is blamed; [`try_run`](crate::Job::try_run) says of the item that it was stopped, and of those behind
    /// it that they were not run.
    ///
    /// ```
    /// # use partools_core::{CancelToken, Caller, Capabilities, Cause, Error, Executor, Halt, Run, Task, over};
    /// # struct Example(CancelToken);
    /// # impl<T: Task> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, _: &T, run: &Run<T::Output>, _: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     let chunk = run.try_claim().expect("both items");
    ///     # self.0.cancel();
    ///     assert!(run.is_stopped()); // meanwhile somebody has cancelled the map, so the worker is killed
    ///     chunk.stopped();
    ///     Ok(())
    /// }
    /// # }
    /// # let token = CancelToken::new();
    /// let results = over(0..2).cancel(&token).map(|i| i).try_run(&Example(token.clone()))?;
    /// let causes = results.iter().map(|result| result.as_ref().unwrap_err().cause());
    /// let halt = Halt::Cancelled;
    /// assert!(causes.eq([&Cause::Stopped { halt }, &Cause::NotRun { halt }]));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn stopped(self) {
        if !self.is_full() {
            self.run.was_under_way(self.at);
        }
    }

    /// The next `len` slots; `len` is at most what is left.
    fn slots(&mut self, len: usize) -> &mut [std::mem::MaybeUninit<O>] {
        debug_assert!(len <= self.range.end - self.at);
        // SAFETY: this claim is the only one on these indices (`mint`), the slice borrows it exclusively,
        // and `lend` checks the bounds.
        unsafe { self.run.slots().lend(self.at, len) }
    }

    /// Ends the claim through the worker's own ledger, which needs the run's lock only now and then.
    /// Where all is filled; else it is for its `Drop`. (By reference: moving a claim costs more than
    /// the rest of this.)
    #[inline]
    pub(crate) fn settle(&mut self, ledger: &mut Ledger<'_, O>) {
        if self.is_full() && self.failures.is_empty() {
            self.tell_done(self.range.clone(), 0);
            ledger.add(self.range.clone());
            self.range.start = self.at;
        }
    }
}

impl<O> Port<O> for Chunk<'_, O> {
    fn needed(&self) -> usize {
        self.run.bound()
    }

    fn room(&mut self, items: usize) -> usize {
        items.min(self.run.slots().in_a_row(self.at))
    }

    fn writer<'w>(&'w mut self, items: usize, told: &'w Cell<Told>) -> Writer<'w, O> {
        Writer::slots(self.slots(items), told)
    }

    fn advance(&mut self, items: usize) {
        if items > 0 {
            self.keep(items, true);
        }
        self.go_on(items);
    }

    fn fail(&mut self, error: ItemError) {
        Chunk::fail(self, error);
    }

    fn retried(&mut self, error: &ItemError) {
        self.note_retry(error);
    }

    fn unwatched(&self) -> Option<usize> {
        self.run.is_solo().then(|| self.run.schedule().fixed())
    }
}

impl<O> Drop for Chunk<'_, O> {
    fn drop(&mut self) {
        let done = self.range.start..self.at;
        let rest = self.at..self.range.end;
        if !done.is_empty() || !rest.is_empty() {
            self.tell_done(done.clone(), self.failures.len());
            self.run
                .record(done, std::mem::take(&mut self.failures), rest, self.attempt);
        }
    }
}

impl<O> std::fmt::Debug for Chunk<'_, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chunk")
            .field("range", &self.range)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}
