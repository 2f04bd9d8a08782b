//! The contract, on `Fork`.

use partools_conformance::{Subject, cases, run};
use partools_fork::Fork;
use std::process::ExitCode;

fn main() -> ExitCode {
    run(cases(Subject::new("fork", |workers| {
        Fork::new().workers(workers)
    })))
}
