//! The contract, C1 to C11, on `Threads` and on `Rayon`.

use partools_conformance::{Subject, cases, run};
use partools_threads::{Rayon, Threads};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::{LazyLock, Mutex};

/// A pool of each size, for good: pools are the user's, and live on.
static POOLS: LazyLock<Mutex<HashMap<usize, &'static ThreadPool>>> = LazyLock::new(Mutex::default);

fn in_pool_of(workers: usize) -> Rayon<'static> {
    let mut pools = POOLS.lock().expect("nobody panics with it");
    let pool = *pools.entry(workers).or_insert_with(|| {
        let pool = ThreadPoolBuilder::new().num_threads(workers).build();
        Box::leak(Box::new(pool.expect("threads")))
    });
    Rayon::in_pool(pool)
}

fn main() -> ExitCode {
    let threads = Subject::new("threads", |workers| Threads::new().workers(workers));
    let threads = threads.keeps_workers();
    let rayon = Subject::new("rayon", in_pool_of);
    run(cases(threads).into_iter().chain(cases(rayon)))
}
