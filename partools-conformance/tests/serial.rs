//! The whole suite on `Serial`, the oracle; on the executor that the core's documentation shows, six lines
//! over scoped threads; on one whose outputs cross a border; and on `Loopback`, where everything does.

mod executors;

use executors::{Ferry, Scoped};
use partools_conformance::{Subject, cases, run};
use partools_core::{Loopback, Serial};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let serial = Subject::new("serial", |_workers| Serial);
    // A scope waits for its threads to end, not for the system to forget them.
    let scoped = Subject::new("scoped", Scoped).thread_grace(Duration::from_secs(1));
    let ferry = Subject::new("ferry", |_workers| Ferry);
    let loopback = Subject::new("loopback", |_workers| Loopback);
    run(cases(serial)
        .into_iter()
        .chain(cases(scoped))
        .chain(cases(ferry))
        .chain(cases(loopback)))
}
