//! What the conformance suite does not see of `Ipc`: who its workers are, how long they stay, what they share, and what becomes
//! of them when this process is killed.

mod hosts;
mod lives;
mod setup;
mod sharing;
mod threads;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = hosts::forgetful() {
        return code;
    }
    partools_ipc::init();
    if let Some(code) = hosts::hanging() {
        return code;
    }
    let all = [lives::all(), setup::all(), sharing::all(), threads::all()].concat();
    let trials = all.into_iter().map(|(name, trial)| {
        Trial::test(name, move || {
            trial();
            Ok(())
        })
    });
    // One after the other: some look at all children of this process.
    let arguments = Arguments {
        test_threads: Some(1),
        ..Arguments::from_args()
    };
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

type Trials = Vec<(&'static str, fn())>;
