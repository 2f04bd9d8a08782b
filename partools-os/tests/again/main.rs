//! Crews: workers that are this program, started again. On the main thread, one trial after the other, since a worker must do
//! its work and not run tests.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use partools_os::again;

mod roles;
mod trials;

fn main() -> ExitCode {
    if let Some(code) = roles::forgetful() {
        return code;
    }
    again::worker(roles::MARK, roles::serve);
    if let Some(code) = roles::host() {
        return code;
    }
    let trials = trials::all()
        .into_iter()
        .map(|(name, trial)| {
            Trial::test(name, move || {
                trial();
                Ok(())
            })
        })
        .collect();
    let arguments = Arguments {
        test_threads: Some(1),
        ..Arguments::from_args()
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}
