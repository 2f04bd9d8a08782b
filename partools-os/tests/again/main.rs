//! Crews: workers that are this program, started again. On the main thread, one trial after the other, since a worker must do
//! its work and not run tests.

use std::process::ExitCode;

use partools_os::again;

#[path = "../one_by_one/mod.rs"]
mod one_by_one;
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
    let trials = trials::all().into_iter();
    one_by_one::run(trials.map(|(name, test)| one_by_one::trial(name, test)))
}
