//! A safe executor, a safe `Items` and a safe `Task`, however wrong, end in an error: never in undefined
//! behaviour, never in a wrong result. Run under AddressSanitizer too:
//!
//! ```text
//! RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address \
//!     cargo test -p partools-core --target x86_64-unknown-linux-gnu --lib --tests
//! ```
//!
//! One room for each who may be wrong; here is what they have in common. A hang is not excluded (an executor
//! may always wait for ever), so what must not hang runs under a deadline (`within`).

mod chunks;
mod executors;
mod failures;
mod items;
mod outputs;
mod plans;
mod tasks;
mod window;

use partools_core::{Caller, Capabilities, Error, Executor, Run, Task};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// An executor that does what a closure says, and claims to have so many workers.
pub(crate) struct Doing<F>(pub(crate) usize, pub(crate) F);

impl<T, F> Executor<T> for Doing<F>
where
    T: Task,
    F: Fn(&T, &Run<T::Output>, &mut Caller<'_, T::Output>) -> Result<(), Error>,
{
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("doing", self.0)
    }
    fn execute(
        &self,
        task: &T,
        run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        (self.1)(task, run, caller)
    }
}

/// `f` as an executor of two workers, for jobs of `T`: says the types, so that closures need not.
pub(crate) fn doing<T, F>(_: &partools_core::Job<T>, f: F) -> Doing<F>
where
    T: Task,
    F: Fn(&T, &Run<T::Output>, &mut Caller<'_, T::Output>) -> Result<(), Error>,
{
    Doing(2, f)
}

/// An executor without fault: scoped threads, the caller among the workers.
pub(crate) struct Scoped(pub(crate) usize);

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

/// What `f` gives; a test that hangs fails instead.
pub(crate) fn within<R: Send + 'static>(seconds: u64, f: impl FnOnce() -> R + Send + 'static) -> R {
    let (send, receive) = channel();
    let running = std::thread::Builder::new()
        .spawn(move || send.send(f()))
        .expect("a thread");
    match receive.recv_timeout(Duration::from_secs(seconds)) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => panic!("it hangs: nothing within {seconds} s"),
        Err(RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(running.join().expect_err("it panicked"))
        }
    }
}

/// The text of an error, and that it is of the kind that blames executor or task.
pub(crate) fn contract(error: &Error) -> String {
    assert!(error.is_contract(), "{error}");
    error.to_string()
}
