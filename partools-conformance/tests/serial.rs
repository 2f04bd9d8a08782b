//! The whole suite on `Serial`, the oracle; on the executor that the core's documentation shows, six lines
//! over scoped threads; and on one whose outputs cross a border.

use partools_conformance::{Subject, cases, run};
use partools_core::{Caller, Capabilities, Error, Executor, Run, Serial, Task};
use std::process::ExitCode;
use std::time::Duration;

/// As in the documentation of [`Executor`].
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
        std::thread::scope(|s| {
            for worker in 1..self.0 {
                s.spawn(move || run.work(task, worker));
            }
            caller.work(task);
        });
        Ok(())
    }
}

fn main() -> ExitCode {
    let serial = Subject::new("serial", |_workers| Serial);
    // A scope waits for its threads to end, not for the system to forget them.
    let scoped = Subject::new("scoped", Scoped).thread_grace(Duration::from_secs(1));
    run(cases(serial).into_iter().chain(cases(scoped)))
}
