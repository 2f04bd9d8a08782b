//! What a worker has timed, for observers.

use super::Worker;
use crate::observe::{Stopwatch, Timed};
use crate::task::Task;

impl<T: Task> Worker<T> {
    /// The slowest of the items since the last time it was asked for them; none where
    /// [nobody wants them](crate::Wants::item_times). For workers elsewhere: what comes home with
    /// [`Event::Worked`](crate::Event::Worked).
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Error, Executor, ItemError, Report, Run, Sink, Task, Worker, over};
    /// # struct Example;
    /// # impl<T: Task> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     # let _ = &caller;
    ///     # struct Nowhere;
    ///     # impl<O> Sink<O> for Nowhere {
    ///     #     fn push(&mut self, _: O) {}
    ///     #     fn fail(&mut self, _: ItemError) {}
    ///     #     fn needed(&self) -> usize { usize::MAX }
    ///     # }
    ///     let mut worker = Worker::new(task, 0, run.plan());
    ///     worker.run(0..3, 0, &mut Nowhere)?;
    ///     let slowest = worker.take_slowest();
    ///     let slowest = slowest.iter().max_by_key(|timed| timed.took()).expect("a report wants them");
    ///     Err(Error::executor(format!("the slowest is {:?}", slowest.items())))
    /// }
    /// # }
    /// let job = over(0..3).observe(&Report::new()).map(|i| std::thread::sleep(std::time::Duration::from_millis(i as u64 * 5)));
    /// assert_eq!(job.run(&Example).unwrap_err().to_string(), "the slowest is 2..3");
    /// ```
    #[must_use]
    pub fn take_slowest(&mut self) -> Vec<Timed> {
        self.stopwatch
            .as_mut()
            .map_or_else(Vec::new, Stopwatch::take)
    }

    pub(crate) fn slowest(&self) -> &[Timed] {
        self.stopwatch.as_ref().map_or(&[], Stopwatch::slowest)
    }

    pub(crate) fn clear_slowest(&mut self) {
        if let Some(stopwatch) = &mut self.stopwatch {
            stopwatch.clear();
        }
    }
}
