//! A host built with `panic = "abort"`: a panic ends its worker, and its message and place arrive all the same (C6).

use partools_conformance::leaks::Snapshot;
use partools_core::{Cause, Chunks, ItemError, over};
use partools_fork::Fork;
use std::process::ExitCode;

#[path = "../../tests/hosts/jobs.rs"]
#[expect(dead_code, reason = "other hosts need the rest")]
mod jobs;

const POLICIES: [Chunks; 4] = [Chunks::Auto, Chunks::Of(1), Chunks::Of(7), Chunks::Guided];

fn main() -> ExitCode {
    if !cfg!(panic = "abort") {
        eprintln!("panics unwind in this build: --profile abort was to be given");
        return ExitCode::FAILURE;
    }
    let before = Snapshot::take();
    for round in 0..jobs::MAPS {
        let fork = Fork::new().workers(1 + round % 3);
        let map = over(0..60).chunk(POLICIES[round % 4]).map(item);
        if round % 2 == 0 {
            let results = map.try_run(&fork).expect("a map");
            assert_eq!(results.len(), 60);
            results.iter().enumerate().for_each(check);
        } else {
            let error = map.run(&fork).expect_err("item 7 panics");
            let item = error.into_item().expect("the failure of an item");
            check((7, &Err(item)));
        }
        before.assert_unchanged();
    }
    let map = over(0..9)
        .state(|_| -> u8 { panic!("no state today") })
        .map_cx(|i, _| i);
    let error = map.run(&Fork::new().workers(2)).expect_err("no state");
    assert!(
        error.is_start() && error.to_string().contains("no state today"),
        "{error}"
    );
    before.assert_unchanged();
    jobs::two_hundred(3, jobs::Causes::Told);
    println!(
        "panic = \"abort\": {} maps were right and left nothing; every panic had its message and place",
        2 * jobs::MAPS
    );
    ExitCode::SUCCESS
}

const PANICS_AT: u32 = line!() + 3;
fn item(i: usize) -> usize {
    match i {
        7 | 40 => panic!("item {i} gives up"),
        33 => std::process::abort(),
        i => i,
    }
}

fn check((i, result): (usize, &Result<usize, ItemError>)) {
    match (i, result.as_ref().map_err(ItemError::cause)) {
        (
            7 | 40,
            Err(Cause::Panicked {
                message,
                location: Some(at),
            }),
        ) => {
            assert_eq!(*message, format!("item {i} gives up"));
            assert_eq!((at.file.as_str(), at.line), (file!(), PANICS_AT));
        }
        (33, Err(Cause::Killed { name, .. })) => assert_eq!(name, "SIGABRT"),
        (i, Ok(output)) => assert!(*output == i && ![7, 33, 40].contains(&i)),
        (i, Err(cause)) => panic!("item {i} {cause}"),
    }
}
