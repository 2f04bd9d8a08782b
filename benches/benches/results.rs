//! What it costs to bring outputs home: from threads they are where they were written, from children they are copied.
//! The baseline is a copy of all output bytes into fresh memory; beside it, all outputs encoded and decoded by postcard
//! where they are made, on one thread, which is what those that are no plain data can cost at least.
#![allow(clippy::print_stdout, reason = "a bench reports on standard output")]

mod side_by_side;

use criterion::Criterion;
use partools::{Fork, Serial, Threads, over};
use partools_bench::Turn;
use serde::{Deserialize, Serialize};
use side_by_side::{Rounds, compare};
use std::collections::BTreeMap;
use std::hint::black_box;

const WORKERS: usize = 2;

fn main() {
    let mut criterion = side_by_side::criterion();
    results(&mut criterion, "results/8 B x 1e5", 100_000, 8, |i| {
        i as f64
    });
    results(&mut criterion, "results/1 KB x 1e4", 10_000, 1_000, |i| {
        vec![i.to_le_bytes()[0] | 1; 1_000]
    });
    results(&mut criterion, "results/1 MB x 40", 40, 1_000_000, |i| {
        vec![i.to_le_bytes()[0] | 1; 1_000_000]
    });
    results(&mut criterion, "results/strings x 1e4", 10_000, 60, |i| {
        format!("item {i} of a list of many strings")
    });
    results(&mut criterion, "results/structs x 1e4", 10_000, 600, |i| {
        Node::new(i, 1)
    });
}

/// A struct of structs.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Node {
    id: usize,
    name: String,
    points: Vec<(f64, f64)>,
    tags: BTreeMap<String, usize>,
    child: Option<Box<Node>>,
}

impl Node {
    fn new(id: usize, depth: usize) -> Self {
        Node {
            id,
            name: format!("item {id} of a list of many structs"),
            points: (0..4).map(|k| ((id + k) as f64, k as f64)).collect(),
            tags: (0..3).map(|k| (format!("tag {k}"), id * k)).collect(),
            child: (depth > 0).then(|| Box::new(Node::new(id + 1, depth - 1))),
        }
    }
}

fn results<O>(
    criterion: &mut Criterion,
    name: &str,
    count: usize,
    bytes: usize,
    output: impl Fn(usize) -> O + Sync + Copy,
) where
    O: partools::Portable + Send + PartialEq,
{
    let source = vec![1_u8; count * bytes];
    let (threads, fork) = (
        Threads::new().workers(WORKERS),
        Fork::new().workers(WORKERS),
    );
    let job = over(0..count).map(output);
    let expected: Vec<O> = (0..count).map(output).collect();
    assert!(
        job.run(&threads).expect("threads") == expected,
        "{name}: Threads differs"
    );
    assert!(
        job.run(&fork).expect("fork") == expected,
        "{name}: Fork differs"
    );
    drop(expected);
    let contenders = [
        Turn::whole("memcpy", || black_box(&source).clone()),
        Turn::whole("plain loop", || (0..count).map(output).collect::<Vec<O>>()),
        Turn::whole("postcard in memory", || {
            let mut bytes = Vec::new();
            let there_and_back = |i| {
                bytes.clear();
                bytes = postcard::to_extend(&output(i), std::mem::take(&mut bytes)).expect("bytes");
                postcard::from_bytes(&bytes).expect("an output")
            };
            (0..count).map(there_and_back).collect::<Vec<O>>()
        }),
        Turn::whole("Serial", || job.run(&Serial).expect("serial")),
        Turn::whole("Threads", || job.run(&threads).expect("threads")),
        Turn::whole("Fork", || job.run(&fork).expect("fork")),
    ];
    let rounds = Rounds {
        rounds: 15,
        times: 2,
    };
    compare(criterion, name, contenders, 10, &rounds);
}
