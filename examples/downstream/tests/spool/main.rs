//! What the conformance suite does not see of the spool: its directory, its workers when this process is killed, workers
//! that are killed at their work, and a program that forgets to call `worker`.

mod hosts;
mod trials;

use downstream::spool;
use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    if hosts::is_forgetful() {
        return hosts::forgetful();
    }
    spool::worker();
    if let Some(dir) = hosts::is_hanging() {
        return hosts::hang(&dir);
    }
    let trials = trials::all().into_iter().map(|(name, trial)| {
        Trial::test(name, move || {
            trial();
            Ok(())
        })
    });
    // One thread, the main one: `Fork` is among the executors.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
