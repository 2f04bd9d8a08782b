//! An executor of your own, measured beside all others: implement it, make it a contender, and call `run`.
//!
//! ```text
//! cargo run --release -p partools-bench --example foreign -- compare --quick --only items/1ms
//! ```

use partools_bench::partools::{Caller, Capabilities, Error, Executor, Run, Task};
use partools_bench::{Entry, Kind, executor_contender};
use std::process::ExitCode;

/// Threads from std, and nothing else: the example of [`Executor`].
struct Scoped(usize);

impl<T: Task + Sync> Executor<T> for Scoped
where
    T::Output: Send,
{
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("scoped", self.0)
    }

    fn execute(
        &self,
        task: &T,
        run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        std::thread::scope(|scope| {
            for worker in 1..self.0 {
                scope.spawn(move || run.work(task, worker));
            }
            caller.work(task);
        });
        Ok(())
    }
}

executor_contender!(
    /// `Scoped`, with as many workers as it is asked for.
    OnScoped, Scoped, |workers| Scoped(workers)
);

fn main() -> ExitCode {
    partools_bench::run(vec![Entry::of::<OnScoped>("scoped", Kind::Ours)])
}
