//! Both executors keep the contract: the suite of `partools-conformance`. What is left out is printed, and why.

use downstream::{Scoped, Spool, spool};
use partools_conformance::{Subject, cases, run};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    spool::worker();
    // A scope waits for its threads to end, not for the system to forget them.
    let scoped = Subject::new("scoped", Scoped).thread_grace(Duration::from_secs(1));
    let spool = Subject::new("spool", Spool);
    let (large, others): (Vec<_>, Vec<_>) =
        cases(spool).into_iter().partition(|case| case.name().ends_with("_of_100000"));
    println!("spool: {} cases of 100,000 items are left out: in chunks of 1, each item is a file", large.len());
    run(cases(scoped).into_iter().chain(others))
}
