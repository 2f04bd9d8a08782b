//! The ending for a second try: only what failed is called again.

use crate::error::Error;
use crate::executor::Executor;
use crate::item_error::{Cause, ItemError};
use crate::job::Job;
use crate::order::Order;
use crate::plan::OnError;
use crate::run::Setup;
use crate::task::Task;

impl<T: Task> Job<T> {
    /// Calls the items again that have no output in `results`, which [`try_run`](Self::try_run) gave, and puts what comes of
    /// them in their place. Says how many are still without one.
    ///
    /// Items keep their index, label and random numbers; their attempts begin anew. It may be another executor than the
    /// first time. An item that this time was not even called (the map was stopped) keeps the failure that it had. Where the
    /// map cannot run at all, `results` are as they were.
    ///
    /// ```
    /// use partools_core::{Serial, over};
    /// use std::cell::Cell;
    ///
    /// let (is_up, calls) = (Cell::new(false), Cell::new(0));
    /// let job = over(0..10).map(|i| {
    ///     calls.set(calls.get() + 1);
    ///     assert!(i % 3 != 0 || is_up.get(), "the network is down");
    ///     i * i
    /// });
    /// let mut results = job.try_run(&Serial)?;
    /// assert_eq!(results.iter().filter(|result| result.is_err()).count(), 4);
    ///
    /// is_up.set(true);
    /// assert_eq!(job.redo(&Serial, &mut results)?, 0);
    /// assert_eq!(calls.get(), 10 + 4);
    /// assert_eq!(results[9].as_ref().ok(), Some(&81));
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// What kept the map from running, as of `try_run`; and where there are not as many results as items.
    pub fn redo<E: Executor<T> + ?Sized>(
        &self,
        executor: &E,
        results: &mut [Result<T::Output, ItemError>],
    ) -> Result<usize, Error> {
        let count = self.task.count();
        if results.len() != count {
            let why = format!(
                "redo was given {} results, and the task has {count} items; give it those of a try_run of the same job",
                results.len()
            );
            return Err(Error::plan(why));
        }
        self.plan.check_order(count)?;
        let failed = |item: &usize| results[*item].is_err();
        let left = match &self.plan.order {
            Some(order) => order.only(failed),
            None => Order::new(count, (0..count).filter(failed).collect()),
        };
        if left.count() > 0 {
            let setup = Setup {
                takes_failures: true,
                takes_parts: true,
                order: Some(left.clone()),
                ..Setup::collecting(self.plan.on_error.unwrap_or(OnError::Collect))
            };
            if let Some(run) = self.execute(executor, setup, &mut |_| {})? {
                for (&item, result) in left.items().iter().zip(run.into_results()) {
                    let cause = result.as_ref().map_err(ItemError::cause);
                    if !matches!(cause, Err(Cause::NotRun { .. } | Cause::NotNeeded { .. })) {
                        results[item] = result.map_err(|error| self.labelled(error));
                    }
                }
            }
        }
        Ok(results.iter().filter(|result| result.is_err()).count())
    }
}
