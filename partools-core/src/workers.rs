//! How many workers an executor takes where it may choose: one rule, for every executor.
//!
//! What `.workers(n)` asked for; else the environment variable `PARTOOLS_WORKERS`; else what the standard
//! library says this process may use, which knows of CPU affinity and of cgroup quotas. The variable and
//! the machine are asked once in the life of a process, when they are first needed: reading a quota means
//! reading files. The count changes how fast a map is, never what it gives.

use crate::error::Error;
use std::env::VarError;
use std::sync::OnceLock;

const VARIABLE: &str = "PARTOOLS_WORKERS";

/// What is taken where nothing was asked for; or what is wrong with the variable.
static UNASKED: OnceLock<Result<usize, String>> = OnceLock::new();

/// The number of workers of a map, where `asked` were asked for: `asked`, else the environment variable
/// `PARTOOLS_WORKERS`, else [`std::thread::available_parallelism`] (1 where that is unknown). The last two
/// are read once in the life of a process.
///
/// For executors that let their users choose. Since constructors are infallible, an executor calls this
/// first thing in [`execute`](crate::Executor::execute), and takes 1 for its
/// [`capabilities`](crate::Executor::capabilities) where it is an error.
///
/// ```
/// use partools_core::worker_count;
/// assert_eq!(worker_count(Some(3))?, 3);
/// assert!(worker_count(None)? >= 1);
/// assert!(worker_count(Some(0)).is_err());
/// # Ok::<(), partools_core::Error>(())
/// ```
///
/// # Errors
/// Where 0 workers are asked for, or the variable holds anything but a whole number of at least 1. The
/// text says which, and what to do.
pub fn worker_count(asked: Option<usize>) -> Result<usize, Error> {
    match asked {
        Some(0) => Err(Error::plan(
            "0 workers were asked for, who can do nothing; ask for at least 1, or leave `workers` out \
             for as many as there are processors",
        )),
        Some(count) => Ok(count),
        None => UNASKED.get_or_init(unasked).clone().map_err(Error::plan),
    }
}

fn unasked() -> Result<usize, String> {
    match std::env::var(VARIABLE) {
        Ok(value) => number(&value).ok_or_else(|| wrong(&value)),
        Err(VarError::NotUnicode(value)) => Err(wrong(&value.to_string_lossy())),
        Err(VarError::NotPresent) => {
            Ok(std::thread::available_parallelism().map_or(1, usize::from))
        }
    }
}

fn number(value: &str) -> Option<usize> {
    value.trim().parse().ok().filter(|&count| count > 0)
}

fn wrong(value: &str) -> String {
    format!(
        "the environment variable {VARIABLE} is {value:?}, which is no number of workers; set it to a \
         whole number of at least 1, or unset it for as many as there are processors"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_workers_is_whole_and_at_least_1() {
        assert_eq!(number("4"), Some(4));
        assert_eq!(number(" 12\n"), Some(12));
        for nonsense in [
            "",
            "0",
            "-1",
            "2.5",
            "many",
            "4 cores",
            "99999999999999999999999",
        ] {
            assert_eq!(number(nonsense), None, "{nonsense:?}");
        }
    }

    #[test]
    fn the_text_names_the_variable_and_its_value() {
        let text = wrong("many");
        assert!(text.contains("PARTOOLS_WORKERS is \"many\""), "{text}");
    }
}
