//! What a map costs where its items cost next to nothing (`x * 2.0 + 1.0` over `&[f64]`), beside a plain
//! loop and rayon.
//!
//! - `map/64` to `map/100000000`: whole calls, each giving a new vector, as a map does. So the plain loop
//!   is `iter().map().collect()`: it pays for a vector's memory and for the first touch of its pages, as
//!   all others do. The loop into a buffer that is kept is there as the floor; it is no fair rival, since
//!   nothing of it is handed to anyone.
//! - `inner_loop`: 10,000 items, one worker, chunks of 4096, from the first item to the last: the items,
//!   and the claims and the settling between them. The vector's memory is there before the clock starts,
//!   on both sides, and both read the clock twice. What a call costs once is left out here, and is the
//!   difference to `map/10000`.
#![allow(clippy::print_stdout, reason = "a bench reports on standard output")]

mod side_by_side;

use criterion::Criterion;
use partools_bench::{FirstToLast, Turn, cheap, cheap_items, plain_loop};
use partools_core::{Chunks, Job, Serial, over};
use partools_threads::Threads;
use rayon::prelude::*;
use side_by_side::{Rounds, compare};
use std::hint::black_box;
use std::time::Instant;

const WORKERS: usize = 2;
const CHUNK: usize = 4096;

fn main() {
    rayon::ThreadPoolBuilder::new()
        .num_threads(WORKERS)
        .build_global()
        .expect("nobody else has set up rayon's pool");
    let mut criterion = side_by_side::criterion();
    inner_loop(&mut criterion);
    whole_calls(
        &mut criterion,
        64,
        50,
        Rounds {
            rounds: 201,
            times: 1_000,
        },
    );
    whole_calls(
        &mut criterion,
        10_000,
        50,
        Rounds {
            rounds: 201,
            times: 100,
        },
    );
    whole_calls(
        &mut criterion,
        1_000_000,
        20,
        Rounds {
            rounds: 51,
            times: 4,
        },
    );
    whole_calls(
        &mut criterion,
        100_000_000,
        10,
        Rounds {
            rounds: 5,
            times: 1,
        },
    );
    criterion.final_summary();
}

fn whole_calls(criterion: &mut Criterion, count: u32, samples: usize, rounds: Rounds) {
    let input = cheap_items(count);
    let items = input.as_slice();
    let mut kept = vec![0.0; items.len()];
    // The kept buffer has its pages from the first check on.
    let plain = || plain_loop(black_box(items));
    let reused = |kept: &mut [f64]| {
        for (output, x) in kept.iter_mut().zip(black_box(items)) {
            *output = cheap(x);
        }
    };
    let serial = || {
        over(black_box(items))
            .map(cheap)
            .run(&Serial)
            .expect("serial")
    };
    let one = Threads::new().workers(1);
    let chunked = || {
        over(black_box(items))
            .chunk(Chunks::of(CHUNK))
            .map(cheap)
            .run(&one)
            .expect("one worker")
    };
    let two = Threads::new().workers(WORKERS);
    let threads = || {
        over(black_box(items))
            .map(cheap)
            .run(&two)
            .expect("two workers")
    };
    let rayon = || black_box(items).par_iter().map(cheap).collect::<Vec<f64>>();

    let expected = plain();
    reused(&mut kept);
    assert!(kept == expected, "the kept buffer differs");
    assert!(serial() == expected, "Serial differs");
    assert!(chunked() == expected, "one worker differs");
    assert!(threads() == expected, "Threads differs");
    assert!(rayon() == expected, "rayon differs");
    drop(expected);

    let contenders = [
        Turn::whole("plain loop", plain),
        Turn::whole("plain loop, kept buffer", || {
            reused(&mut kept);
            black_box(&mut kept);
        }),
        Turn::whole("Serial", serial),
        Turn::whole("1 worker, chunks of 4096", chunked),
        Turn::whole("Threads, 2 workers", threads),
        Turn::whole("rayon, 2 threads", rayon),
    ];
    compare(
        criterion,
        &format!("map/{count}"),
        contenders,
        samples,
        &rounds,
    );
}

/// The claim: as fast as a plain loop, within 5 %.
fn inner_loop(criterion: &mut Criterion) {
    let input = cheap_items(10_000);
    let items = input.as_slice();
    let map = over(items).chunk(Chunks::of(CHUNK)).map(cheap);
    let plan = partools_core::Plan::new().chunk(Chunks::of(CHUNK));
    let job = Job::new(FirstToLast::new(map.task().clone())).plan(plan);
    let plain = || {
        let mut outputs = Vec::with_capacity(items.len());
        let begin = Instant::now();
        outputs.extend(black_box(items).iter().map(cheap));
        let spent = begin.elapsed();
        (outputs, spent)
    };
    let worker = || (job.run(&Serial).expect("serial"), job.task().spent());
    assert!(plain().0 == worker().0, "the worker differs");

    let contenders = [
        Turn::clocked("plain loop", |times| {
            (0..times).map(|_| black_box(plain()).1).sum()
        }),
        Turn::clocked("1 worker, chunks of 4096", |times| {
            (0..times).map(|_| black_box(worker()).1).sum()
        }),
    ];
    compare(
        criterion,
        "inner_loop",
        contenders,
        100,
        &Rounds {
            rounds: 501,
            times: 200,
        },
    );
}
