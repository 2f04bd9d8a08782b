//! The calling thread's part of a run: it works like any worker where the executor lets it, and it alone
//! delivers (C3). It never sleeps in a claim, since it alone can move the window that others wait for.

use crate::chunk::Ledger;
use crate::error::Error;
use crate::item_error::ItemError;
use crate::panics::quietly;
use crate::run::Run;
use crate::task::Task;
use crate::worker::Worker;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::Range;

/// Takes what is delivered.
pub(crate) type Deliver<'r, O> = dyn FnMut(&mut Batch<'_, O>) + 'r;

/// The calling thread's handle on a run. It cannot leave that thread.
///
/// ```
/// use partools_core::{Caller, Capabilities, Error, Executor, Run, Task, over};
///
/// /// One thread works, the calling one only delivers.
/// struct Beside;
/// impl<T: Task + Sync> Executor<T> for Beside
/// where
///     T::Output: Send,
/// {
///     fn capabilities(&self) -> Capabilities { Capabilities::new("beside", 1) }
///     fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
///         std::thread::scope(|s| {
///             s.spawn(|| run.work(task, 0));
///             while caller.wait() {}
///         });
///         Ok(())
///     }
/// }
/// let mut seen = Vec::new();
/// over(0..4).map(|i| i * i).for_each(&Beside, |_, square| seen.push(square))?;
/// assert_eq!(seen, [0, 1, 4, 9]);
/// # Ok::<(), Error>(())
/// ```
pub struct Caller<'r, O> {
    run: &'r Run<O>,
    sink: &'r mut Deliver<'r, O>,
    /// Not `Send`: outputs are delivered on the thread that called.
    _here: PhantomData<*const ()>,
}

impl<'r, O> Caller<'r, O> {
    pub(crate) fn new(run: &'r Run<O>, sink: &'r mut Deliver<'r, O>) -> Self {
        Caller {
            run,
            sink,
            _here: PhantomData,
        }
    }

    /// Delivers what is ready now. False where the run is over: nothing is left to wait for.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Error, Executor, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task + Sync> Executor<T> for Example where T::Output: Send {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 2) }
    /// fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     std::thread::scope(|s| {
    ///         s.spawn(|| run.work(task, 0));
    ///         while caller.deliver() {
    ///             std::thread::yield_now(); // or poll a socket, or feed a watchdog
    ///         }
    ///     });
    ///     Ok(())
    /// }
    /// # }
    /// let mut seen = Vec::new();
    /// over(0..4).map(|i| i * i).for_each(&Example, |_, square| seen.push(square))?;
    /// assert_eq!(seen, [0, 1, 4, 9]);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn deliver(&mut self) -> bool {
        if let Some(keeper) = self.run.keeper() {
            keeper.settle();
        }
        while let Some(mut batch) = self.run.ready() {
            if batch.is_empty() {
                return true;
            }
            let stop = StopOnUnwind(self.run);
            (self.sink)(&mut batch);
            drop(batch);
            std::mem::forget(stop);
        }
        false
    }

    /// Delivers what is ready, and sleeps until there is more. False where the run is over. For executors
    /// whose work is all done by others: `while caller.wait() {}`.
    pub fn wait(&mut self) -> bool {
        self.deliver() && {
            self.run.sleep(false);
            true
        }
    }

    /// Works as worker 0 and delivers, until the run is over.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Error, Executor, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task + Sync> Executor<T> for Example where T::Output: Send {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 2) }
    /// fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     std::thread::scope(|s| {
    ///         s.spawn(|| run.work(task, 1));
    ///         caller.work(task);
    ///     });
    ///     Ok(())
    /// }
    /// # }
    /// assert_eq!(over(0..4).map(|i| i * i).run(&Example)?, [0, 1, 4, 9]);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn work<T>(&mut self, task: &T)
    where
        T: Task<Output = O> + ?Sized,
    {
        self.work_until_over(task, None);
    }

    /// As [`work`](Self::work), and calls `call` once, as soon as what was measured says that the items which nobody has claimed
    /// would take this worker another 60 µs. For executors whose helpers sleep between maps: waking one costs more than a map
    /// of a few cheap items.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Error, Executor, Run, Task, over};
    /// use std::{cell::Cell, thread::sleep, time::Duration};
    /// struct Alone<'a>(&'a Cell<u32>);
    /// impl<T: Task> Executor<T> for Alone<'_> {
    ///     fn capabilities(&self) -> Capabilities { Capabilities::new("alone", 2) }
    ///     fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///         caller.work_and_call(task, &|| self.0.set(self.0.get() + 1)); // or wake somebody
    ///         Ok(())
    ///     }
    /// }
    /// let calls = Cell::new(0);
    /// over(0..100).map(|_| sleep(Duration::from_micros(100))).run(&Alone(&calls))?;
    /// assert_eq!(calls.get(), 1);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn work_and_call<T>(&mut self, task: &T, call: &dyn Fn())
    where
        T: Task<Output = O> + ?Sized,
    {
        self.work_until_over(task, Some(call));
    }

    fn work_until_over<T>(&mut self, task: &T, mut call: Option<&dyn Fn()>)
    where
        T: Task<Output = O> + ?Sized,
    {
        let mut ledger = Ledger::new(self.run);
        let mut worker =
            Worker::new(task, 0, self.run.plan()).keep_payloads(self.run.keeps_payloads());
        worker.begin();
        let shift = self.run.shift(worker.number());
        loop {
            while self.run.work_one(&mut worker, &mut ledger, false) {
                if let Some(ask) = call
                    && self.run.is_worth_a_call(worker.pace())
                {
                    ask();
                    call = None;
                }
                if self.run.is_streaming() && !self.deliver() {
                    break;
                }
            }
            ledger.flush();
            if !self.deliver() {
                break;
            }
            self.run.sleep(true);
            worker.begin();
        }
        drop(shift);
        if let Err(error) = worker.finish() {
            self.run.abort(error);
        }
    }
}

impl<O> std::fmt::Debug for Caller<'_, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller")
            .field("run", self.run)
            .finish_non_exhaustive()
    }
}

/// A callback that panics stops the run before it unwinds: workers that wait for the window wake and end. An
/// executor that keeps the panic to itself does not get away with it: the outputs behind it are gone.
struct StopOnUnwind<'a, O>(&'a Run<O>);

impl<O> Drop for StopOnUnwind<'_, O> {
    fn drop(&mut self) {
        self.0.abort(Error::executor(
            "the callback panicked, and the executor did not let the panic through",
        ));
    }
}

/// Finished items on their way out, with their indices, in the order of their places: outputs and failures. What is not taken is dropped with it.
pub(crate) struct Batch<'r, O> {
    run: &'r Run<O>,
    range: Range<usize>,
    rest: Range<usize>,
    failures: BTreeMap<usize, ItemError>,
    /// Items are not where their indices are.
    has_order: bool,
    drop_panics: usize,
}

impl<'r, O> Batch<'r, O> {
    /// Only `Run` may call this, for a range that is done, not delivered, and in no other batch; with
    /// the failures in it.
    pub(crate) fn new(
        run: &'r Run<O>,
        range: Range<usize>,
        failures: BTreeMap<usize, ItemError>,
    ) -> Self {
        Batch {
            run,
            rest: range.clone(),
            range,
            failures,
            has_order: run.plan().order.is_some(),
            drop_panics: 0,
        }
    }

    /// Is nothing wanted any more, not even what is ready?
    pub(crate) fn is_stopped(&self) -> bool {
        self.run.is_stopped()
    }

    /// Stops the run: the callback wants no more.
    pub(crate) fn stop(&self) {
        self.run.stop();
    }

    fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Drops what is left; how many outputs panicked at that.
    pub(crate) fn discard(mut self) -> usize {
        self.drop_rest();
        self.drop_panics
    }

    /// Only what is at places below `end`, by their places; the rest is dropped.
    pub(crate) fn before(self, end: usize) -> impl Iterator<Item = <Self as Iterator>::Item> {
        let mut batch = self;
        std::iter::from_fn(move || match batch.rest.start < end {
            true => batch.next_place(),
            false => None,
        })
    }

    /// The next place, and what came of it.
    #[inline]
    fn next_place(&mut self) -> Option<<Self as Iterator>::Item> {
        let place = self.rest.next()?;
        if !self.failures.is_empty()
            && let Some(failure) = self.failures.remove(&place)
        {
            return Some((place, Err(failure)));
        }
        // SAFETY: `place` is done and did not fail, so its slot is filled; it is in this batch alone
        // (`new`) and `rest` has moved past it, so it is read once.
        Some((place, Ok(unsafe { self.run.slots().take(place) })))
    }

    fn drop_rest(&mut self) {
        if !std::mem::needs_drop::<O>() {
            self.rest.start = self.rest.end;
        }
        while let Some((_, output)) = self.next_place() {
            self.drop_panics += usize::from(quietly(|| drop(output)));
        }
    }
}

impl<O> Iterator for Batch<'_, O> {
    type Item = (usize, Result<O, ItemError>);

    fn next(&mut self) -> Option<Self::Item> {
        let (place, mut result) = self.next_place()?;
        if !self.has_order {
            return Some((place, result));
        }
        let item = self.run.item_at(place);
        if let Err(failure) = &mut result {
            failure.set_index(item);
        }
        Some((item, result))
    }
}

impl<O> Drop for Batch<'_, O> {
    fn drop(&mut self) {
        if !self.rest.is_empty() {
            self.run.withheld(self.rest.start);
        }
        self.drop_rest();
        self.run.was_delivered(self.range.clone());
    }
}
