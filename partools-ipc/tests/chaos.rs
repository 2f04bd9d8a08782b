//! Chaos on `Ipc`: workers die in many ways in a hundred maps, and nothing is lost, blamed wrongly or left. Ten times as much:
//! `PARTOOLS_CHAOS_TIMES=10 cargo test -p partools-ipc --test chaos`.

use partools_conformance::chaos::Chaos;
use partools_ipc::Ipc;
use std::process::ExitCode;

fn main() -> ExitCode {
    partools_ipc::init();
    Chaos::on("ipc", |workers| Ipc::new().workers(workers))
        .maps(100)
        .deaths(500)
        .main()
}
