//! Trials of programs that start themselves again, fork, or measure themselves: one after the other, on the main thread.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

pub(crate) fn run(trials: impl IntoIterator<Item = Trial>) -> ExitCode {
    let arguments = Arguments {
        test_threads: Some(1),
        ..Arguments::from_args()
    };
    libtest_mimic::run(&arguments, trials.into_iter().collect()).exit_code()
}

/// A trial that fails where it panics.
pub(crate) fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}
