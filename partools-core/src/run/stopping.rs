//! How a run is stopped: by an executor, by an error, or because a look at its [`Control`] found a reason. Everybody who asks
//! [`Run::is_stopped`], or anything that depends on it, looks.

use crate::control::{Control, Halt};
use crate::error::Error;
use crate::run::Run;
use crate::sync::{Ordering, lock};
use std::time::Duration;

impl<O> Run<O> {
    /// Was the run stopped: by an error of the map, a callback that panicked, [`stop`](Self::stop), a token that was
    /// cancelled, or a deadline that passed? The last two are looked at here, and wherever else a run is asked for what
    /// it needs or hands out.
    #[must_use]
    #[inline]
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) || self.control.as_ref().is_some_and(|c| self.look(c))
    }

    #[cold]
    fn look(&self, control: &Control) -> bool {
        let is_due = control.is_due();
        if is_due {
            self.stopped.store(true, Ordering::Relaxed);
            // The lock may be held by who looks. A sleeper that misses this wakes up by itself.
            self.bell.ring();
        }
        is_due
    }

    /// How long an executor may sleep before it must ask again whether the run [is stopped](Self::is_stopped): nobody
    /// wakes it when a token is cancelled or a deadline passes. `None`: as long as it likes. For executors that sleep
    /// in a system call of their own.
    ///
    /// ```
    /// # use partools_core::{CancelToken, Caller, Capabilities, Error, Executor, Run, Task, over};
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    /// # struct Example;
    /// # impl<T: Task> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, _: &T, run: &Run<T::Output>, _: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     let (_remote, answers) = mpsc::channel::<Vec<u8>>(); // they never come
    ///     while !run.is_stopped() {
    ///         let patience = run.look_again().unwrap_or(Duration::MAX);
    ///         let _answer = answers.recv_timeout(patience);
    ///     }
    ///     Ok(())
    /// }
    /// # }
    /// let error = over(0..10).deadline(Duration::from_millis(20)).map(|i| i).run(&Example).unwrap_err();
    /// assert!(error.is_deadline());
    /// assert_eq!(over(0..10).map(|i| i).run(&partools_core::Serial)?.len(), 10);
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn look_again(&self) -> Option<Duration> {
        self.control.as_ref().map(Control::patience)
    }

    /// Why the run was stopped before its end without an error: by its plan, or because the executor gave up.
    pub(crate) fn halt(&self) -> Option<Halt> {
        let found = self.control.as_ref().and_then(Control::found);
        found.or_else(|| lock(&self.hub).given_up)
    }

    /// Stops the run: nothing more is handed out, and the map ends in an error unless it was complete.
    pub fn stop(&self) {
        let _hub = lock(&self.hub);
        self.stopped.store(true, Ordering::Relaxed);
        self.bell.ring();
    }

    /// Stops the run as a deadline does, for a reason of the executor's: what was finished is kept for
    /// [`try_run`](crate::Job::try_run), and the other items say that they were not run. The first such reason wins.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Cause, Error, Executor, Halt, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task<Output = usize>> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, _: &T, run: &Run<usize>, _: &mut Caller<'_, usize>) -> Result<(), Error> {
    ///     let mut chunk = run.try_claim().expect("both items");
    ///     chunk.push(5).expect("there is room");
    ///     run.give_up(Halt::Deaths { workers: 100 });
    ///     Ok(())
    /// }
    /// # }
    /// let results = over(0..2).map(|i| i).try_run(&Example)?;
    /// assert_eq!(results[0].as_ref().ok(), Some(&5));
    /// assert_eq!(results[1].as_ref().unwrap_err().cause(), &Cause::NotRun { halt: Halt::Deaths { workers: 100 } });
    /// assert!(over(0..2).map(|i| i).run(&Example).unwrap_err().is_deaths());
    /// # Ok::<(), Error>(())
    /// ```
    pub fn give_up(&self, why: Halt) {
        lock(&self.hub).given_up.get_or_insert(why);
        self.stop();
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
}
