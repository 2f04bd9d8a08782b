//! Chaos on `Fork`: at least 3,000 workers die in at least 500 maps, and nothing is lost, blamed wrongly or left.
//! The totals are its last lines. Ten times as much: `PARTOOLS_CHAOS_TIMES=10 cargo test -p partools-fork --test chaos`.

use partools_conformance::chaos::Chaos;
use partools_fork::Fork;
use std::process::ExitCode;

fn main() -> ExitCode {
    Chaos::on("fork", |workers| Fork::new().workers(workers))
        .maps(500)
        .deaths(3_000)
        .main()
}
