//! What the conformance suite does not see of `Ipc`: who its workers are, how long they stay, what they share, and what becomes
//! of them when this process is killed.

mod attacks;
mod hosts;
mod lives;
mod publishing;
mod setup;
mod sharing;
mod threads;
mod tight;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = hosts::forgetful() {
        return code;
    }
    partools_ipc::init();
    if let Some(code) = hosts::hanging()
        .or_else(hosts::printing)
        .or_else(tight::play)
    {
        return code;
    }
    let all = [
        attacks::all(),
        lives::all(),
        publishing::all(),
        setup::all(),
        sharing::all(),
        threads::all(),
        tight::all(),
    ]
    .concat();
    let trials = all.into_iter().map(|(name, trial)| {
        let trial = Trial::test(name, move || {
            trial();
            Ok(())
        });
        // Takes 16 GB of memory: cargo test -p partools-ipc --test workers -- --ignored
        trial.with_ignored_flag(name == tight::GIANT)
    });
    // One after the other: some look at all children of this process.
    let arguments = Arguments {
        test_threads: Some(1),
        ..Arguments::from_args()
    };
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

type Trials = Vec<(&'static str, fn())>;
