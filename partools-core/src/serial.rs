//! `Serial`: the calling thread is the only worker. The oracle that every other executor is measured by.

use crate::caller::Caller;
use crate::capability::Capabilities;
use crate::error::Error;
use crate::executor::Executor;
use crate::run::Run;
use crate::task::Task;

/// Runs every item on the calling thread, in order.
///
/// ```
/// use partools_core::{Serial, over};
/// assert_eq!(over(0..4).map(|i| i * i).run(&Serial)?, [0, 1, 4, 9]);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Serial;

impl<T: Task + ?Sized> Executor<T> for Serial {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("serial", 1)
    }

    fn execute(
        &self,
        task: &T,
        _run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        caller.work(task);
        Ok(())
    }
}
