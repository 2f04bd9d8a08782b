//! The contract, on `Ipc`. This program is its own workers.

use partools_conformance::{Subject, cases, run};
use partools_ipc::Ipc;
use std::process::ExitCode;

fn main() -> ExitCode {
    partools_ipc::init();
    let ipc = Subject::new("ipc", |workers| Ipc::new().workers(workers));
    run(cases(ipc.keeps_workers()))
}
