//! An executor on threads, whole. The worker loop, the order of outputs, retries, panics and the lowest failure are the
//! core's; what is left to say is where the loop runs.

use partools_core::{Caller, Capabilities, Error, Executor, Run, Task};

/// So many threads, made for each map; the calling one is the first.
pub struct Scoped(pub usize);

impl<T: Task<Output: Send> + Sync> Executor<T> for Scoped {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("scoped", self.0)
    }
    fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
        std::thread::scope(|scope| {
            (1..self.0).for_each(|worker| drop(scope.spawn(move || run.work(task, worker))));
            caller.work(task);
        });
        Ok(())
    }
}
