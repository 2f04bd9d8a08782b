//! `AnyExecutor` and `AnyPortable`: executors whose kind is known only when the program runs.

use crate::name::{self, Kind, ParseExecutorError};
use crate::present::{PortablePresent, Present};
use partools_core::{Caller, Capabilities, Error, Executor, Portable, PortableTask, Run, Task};
use std::fmt;
use std::str::FromStr;

/// What both have beside what they run.
macro_rules! named {
    ($name:ident, $kind:expr, $parse:path) => {
        impl $name {
            /// What can be parsed in this build, as it is to be typed; `N` stands for a number of workers. For
            /// usage texts.
            ///
            /// ```
            #[doc = concat!("assert!(partools::", stringify!($name), "::names().any(|name| name == \"threads:N\"));")]
            /// ```
            pub fn names() -> impl Iterator<Item = String> {
                name::names($kind)
            }
        }

        impl FromStr for $name {
            type Err = ParseExecutorError;

            fn from_str(text: &str) -> Result<Self, ParseExecutorError> {
                let (name, workers, executor) = $parse(text)?;
                Ok($name {
                    name,
                    workers,
                    executor,
                })
            }
        }

        /// As it parses.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name)?;
                self.workers
                    .map_or(Ok(()), |workers| write!(f, ":{workers}"))
            }
        }
    };
}

/// An executor by name, such as from a command line: `serial`, `threads`, `threads:4`, `rayon`, `fork`,
/// `fork:2`.
///
/// The number behind the colon is that of the workers; without it there are as many as processors, or as
/// `PARTOOLS_WORKERS` says. Case, and space around the name, do not matter. What is not in this build
/// (features, and `fork` off Linux) is an error when it is parsed; [`AnyExecutor::names`] lists what is.
///
/// It runs what each of them runs: closures that threads may share, outputs that cross processes
/// ([`Portable`]). That holds whichever features are on.
///
/// ```
/// use partools::{AnyExecutor, over};
///
/// let on: AnyExecutor = "threads:4".parse()?;
/// assert_eq!(over(0..4).map(|i| i * i).run(&on)?, [0, 1, 4, 9]);
/// assert_eq!(on.to_string(), "threads:4");
/// assert!("threads:0".parse::<AnyExecutor>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct AnyExecutor {
    name: &'static str,
    workers: Option<usize>,
    executor: Present,
}

named!(AnyExecutor, Kind::Any, name::parse);

impl<T> Executor<T> for AnyExecutor
where
    T: Task + Sync,
    T::Output: Send + Portable,
{
    fn capabilities(&self) -> Capabilities {
        self.executor.as_dyn::<T>().capabilities()
    }

    fn execute(
        &self,
        task: &T,
        run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        self.executor.as_dyn::<T>().execute(task, run, caller)
    }
}

/// An executor by name for portable tasks: those of [`AnyExecutor`], `loopback`, and `ipc`. The ranks of an MPI job have no name:
/// that the job begins is the first line of `main`, not an option.
///
/// It runs what each of them runs: closures that capture nothing, shared arguments that lie in segments
/// ([`SharedArg`](crate::SharedArg)), portable items and outputs. A program that keeps to these can be told on its
/// command line where to run.
///
/// ```
/// use partools::{AnyPortable, over};
///
/// let table = [1.5, 2.5, 3.5];
/// for name in ["serial", "threads:2", "loopback"] {
///     let on: AnyPortable = name.parse()?;
///     let doubled = over(0..3).shared(table.as_slice()).map(|i, table| 2.0 * table[i]).run(&on)?;
///     assert_eq!(doubled, [3.0, 5.0, 7.0]);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct AnyPortable {
    name: &'static str,
    workers: Option<usize>,
    executor: PortablePresent,
}

named!(AnyPortable, Kind::Portable, name::parse_portable);

impl<T> Executor<T> for AnyPortable
where
    T: PortableTask + Sync,
    T::Output: Send + Portable,
{
    fn capabilities(&self) -> Capabilities {
        self.executor.as_dyn::<T>().capabilities()
    }

    fn execute(
        &self,
        task: &T,
        run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        self.executor.as_dyn::<T>().execute(task, run, caller)
    }
}
