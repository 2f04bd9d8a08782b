//! The contract of partools, C1 to C11 on [`Executor`](partools_core::Executor), as named cases that run
//! on any executor: ours, or a stranger's.
//!
//! A test of your own with `harness = false` and this `main` is all it takes:
//!
//! ```
//! use partools_conformance::{Subject, cases, run};
//! use partools_core::Serial;
//!
//! fn main() -> std::process::ExitCode {
//!     let cases = cases(Subject::new("serial", |_workers| Serial));
//!     # let cases = cases.into_iter().filter(|case| case.name().contains("::c9_empty"));
//!     run(cases)
//! }
//! ```
//!
//! It takes the arguments of `cargo test` (`--list`, a filter, `--exact`, `--skip`), runs every case on
//! the main thread, one after the other, so that executors that fork can be tested, prints each skipped
//! case with its reason, and fails where no case was run at all. After every case nothing may be left:
//! no child, thread, descriptor or mapping, no changed signal handler or working directory ([`leaks`]).
//!
//! # How one suite fits executors with different bounds
//! Each executor states its own bounds on a task (`Sync`, portable outputs, ...), and Rust cannot say "for
//! all tasks within the bounds of `E`". So the suite has its own, named tasks: structs of plain data,
//! `Send + Sync + Clone`, with outputs that serde can carry, and the trait [`Candidate`] lists them: it is
//! implemented for every type that is an executor for each of them. A trait rather than a macro that
//! expands the suite at the executor's place: the suite is compiled and checked by itself, its cases are
//! values that a test can count, filter and run one by one, and an executor whose bounds are tighter than
//! some task is refused at compile time with the name of that task, once, not in the midst of an
//! expansion:
//!
//! ```compile_fail
//! use partools_conformance::{Subject, cases};
//! use partools_core::{Caller, Capabilities, Error, Executor, Run, Task};
//!
//! struct TextOnly;
//! impl<T: Task<Output = String>> Executor<T> for TextOnly {
//!     # fn capabilities(&self) -> Capabilities { Capabilities::new("text", 1) }
//!     # fn execute(&self, _: &T, _: &Run<String>, _: &mut Caller<'_, String>) -> Result<(), Error> { Ok(()) }
//!     // ...
//! }
//! // error: type mismatch resolving `<Probe<u8> as Task>::Output == String`
//! cases(Subject::new("text", |_| TextOnly));
//! ```
//!
//! With the bound loosened, the same compiles:
//!
//! ```
//! # use partools_conformance::{Subject, cases};
//! # use partools_core::{Caller, Capabilities, Error, Executor, Run, Task};
//! # struct Anything;
//! impl<T: Task> Executor<T> for Anything {
//!     # fn capabilities(&self) -> Capabilities { Capabilities::new("anything", 1) }
//!     # fn execute(&self, t: &T, _: &Run<T::Output>, c: &mut Caller<'_, T::Output>) -> Result<(), Error> { c.work(t); Ok(()) }
//!     // ...
//! }
//! assert!(cases(Subject::new("anything", |_| Anything)).len() > 100);
//! ```
//!
//! # How much is tried
//! The promise of order, C2, is tried as a whole matrix: {0, 1, 2, 7, 1000, 100,000} items, {1, 2, 3, 8}
//! workers, seven chunk policies from single items to an even share, and nine kinds of outputs; and up to 7
//! outputs of 5 MB each, of two kinds. `run` goes through every place of it; `for_each` and `try_run`
//! through every place up to 1000 items. With 100,000 items and with large outputs these two are tried with
//! each number of workers and under each policy, not with each pair: that would double the suite's time
//! (on `Fork`, measured side by side: 83 s of processor time against 44). Those cases come last;
//! `--skip _of_100000` leaves the long ones out, for an executor to which a claim costs a millisecond.
//!
//! # What is not checked
//! Where there is no `/proc`, nothing can be said about what a map leaves behind (C4) or changes in its
//! host (C10); the suite says so when it runs. An executor with threads that live on after `join` for a
//! moment can be given a [grace](Subject::thread_grace); that is printed too.

mod candidate;
mod cases;
#[cfg(target_os = "linux")]
pub mod chaos;
mod ensure;
pub mod leaks;
mod quiet;
mod record;
mod subject;
mod suite;
// For executors that ask a trait of their own of their tasks ([`Candidate`] says how), and for the liars.
#[doc(hidden)]
pub mod tasks;
mod watchdog;

pub use candidate::Candidate;
pub use cases::cases;
pub use subject::Subject;
pub use suite::{Case, Outcome, run};
