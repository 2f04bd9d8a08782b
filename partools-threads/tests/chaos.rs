//! Chaos on `Threads`: panics, cancelled and late maps beside busy processors. An item that ends its process would end
//! this one, which is what `Fork` is for.

use partools_conformance::chaos::Chaos;
use partools_threads::Threads;
use std::process::ExitCode;

fn main() -> ExitCode {
    Chaos::on("threads", |workers| Threads::new().workers(workers)).main()
}
