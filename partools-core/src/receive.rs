//! The ending for whoever stores what comes: outputs and failures one by one, and a word when all that is ready was taken, so
//! that what was gathered can be written down before a long wait.

use crate::caller::Batch;
use crate::error::Error;
use crate::executor::Executor;
use crate::item_error::ItemError;
use crate::job::Job;
use crate::plan::OnError;
use crate::run::Setup;
use crate::task::Task;
use std::ops::ControlFlow;

/// Takes what becomes of a map's items, on the calling thread: [`Job::receive`] calls it.
///
/// ```
/// use partools_core::{ItemError, OnError, Receiver, Serial, over};
/// use std::ops::ControlFlow;
///
/// /// Lines, written in as few pieces as may be.
/// #[derive(Default)]
/// struct Lines { gathered: Vec<String>, written: Vec<String> }
/// impl Receiver<usize> for Lines {
///     fn output(&mut self, index: usize, output: usize) -> ControlFlow<()> {
///         self.gathered.push(format!("{index}: {output}"));
///         ControlFlow::Continue(())
///     }
///     fn failure(&mut self, error: ItemError) { self.gathered.push(error.to_string()); }
///     fn settle(&mut self) { self.written.append(&mut self.gathered); }
/// }
/// let mut lines = Lines::default();
/// over(0..4).map(|i| 6 / (i % 3)).receive(&Serial, OnError::Collect, &mut lines)?;
/// assert_eq!(lines.written.len(), 4);
/// assert!(lines.written[0].contains("divide by zero") && lines.written[1] == "1: 6");
/// # Ok::<(), partools_core::Error>(())
/// ```
pub trait Receiver<O> {
    /// An item's output. A break stops the map, as that of [`Job::try_for_each`] does.
    fn output(&mut self, index: usize, output: O) -> ControlFlow<()>;

    /// An item failed.
    fn failure(&mut self, error: ItemError);

    /// All that is ready was taken; until there is more it may take long.
    fn settle(&mut self) {}
}

impl<T: Task> Job<T> {
    /// Runs it on `executor` and hands each output and each failure to `receiver`, as [`for_each`](Self::for_each) does with
    /// outputs, in item order whatever the plan says of that. What a failure means for the items above it is what the plan says, else `otherwise`; with
    /// [`OnError::Stop`] nothing comes behind the first one.
    ///
    /// # Errors
    /// What kept the map from running, or stopped it; never the failure of an item.
    ///
    /// # Panics
    /// Where `receiver` panics: the run is stopped, then the panic goes on.
    pub fn receive<E>(
        &self,
        executor: &E,
        otherwise: OnError,
        receiver: &mut dyn Receiver<T::Output>,
    ) -> Result<(), Error>
    where
        E: Executor<T> + ?Sized,
    {
        let mut broken = false;
        let mut deliver = |batch: &mut Batch<'_, T::Output>| {
            while let Some((index, result)) = batch.next() {
                match result {
                    Ok(output) => {
                        if receiver
                            .output(self.task.index_of(index), output)
                            .is_break()
                        {
                            broken = true;
                            batch.stop();
                        }
                    }
                    Err(error) => receiver.failure(self.labelled(error)),
                }
                if batch.is_stopped() {
                    break;
                }
            }
            receiver.settle();
        };
        let setup = Setup {
            windowed: true,
            in_order: true,
            takes_failures: true,
            ..Setup::collecting(self.plan.on_error.unwrap_or(otherwise))
        };
        match self.execute(executor, setup, &mut deliver) {
            Err(error) if !broken => Err(error),
            _ => Ok(()),
        }
    }
}
