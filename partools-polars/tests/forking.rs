//! Polars in forked children: it hangs without [`OneThread`], and works with it. A harness of its own, since tests fork.

use libtest_mimic::{Arguments, Failed, Trial};
use partools_core::{Cause, Serial, over};
use partools_fork::Fork;
use partools_polars::{OneThread, from_polars, to_polars};
use polars_core::prelude::*;
use std::time::Duration;

fn main() -> std::process::ExitCode {
    #[expect(
        clippy::disallowed_methods,
        reason = "polars reads it once, and has no other way to be told"
    )]
    // SAFETY: nothing else runs yet. With one thread polars would have no pool to wait for.
    unsafe {
        std::env::set_var("POLARS_MAX_THREADS", "2")
    };
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let trials = vec![
        Trial::test("without_the_guard_a_child_waits_for_ever", hangs),
        Trial::test("with_the_guard_every_operation_works_in_children", works),
        Trial::test("polars_in_the_closure_of_a_group", groups),
        Trial::test("the_guard_gives_back_what_was", nested),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn numbers(rows: i32) -> DataFrame {
    let keys: Vec<i32> = (0..rows).map(|i| i * 7919 % 100).collect();
    let values: Vec<f64> = (0..rows).map(|i| f64::from(i).sin()).collect();
    let columns = vec![
        Column::new("k".into(), keys),
        Column::new("v".into(), values),
    ];
    DataFrame::new_infer_height(columns).expect("columns of one length")
}

/// What waits for the pool, each with a number that tells whether it was right.
type Operation = fn(&DataFrame) -> PolarsResult<usize>;
const OPERATIONS: [(&str, Operation); 5] = [
    ("filter", |frame| {
        Ok(frame.filter(&frame.column("v")?.f64()?.gt(0.0))?.height())
    }),
    ("take", |frame| {
        Ok(frame
            .take(&IdxCa::from_vec("i".into(), (0..50).collect()))?
            .height())
    }),
    ("sort", |frame| {
        Ok(frame.sort(["v"], SortMultipleOptions::default())?.height())
    }),
    ("group_by", |frame| {
        Ok(frame.group_by(["k"])?.get_groups().len())
    }),
    ("apply", |frame| {
        Ok(frame
            .group_by(["k"])?
            .apply(|group| Ok(group.head(Some(1))))?
            .height())
    }),
];

/// The pool's threads are there, and have worked.
fn warm(frame: &DataFrame) -> Vec<usize> {
    OPERATIONS
        .map(|(name, operation)| operation(frame).expect(name))
        .to_vec()
}

fn fork() -> Fork {
    // SAFETY: between polars' calls its threads hold no lock, and children do not wait for them: that is what is tested here,
    // and the one test where they do is about it.
    unsafe { Fork::new().workers(2).tolerate_threads(OneThread::names()) }
}

fn hangs() -> Result<(), Failed> {
    let frame = numbers(100_000);
    warm(&frame);
    let sorted = over(0..1)
        .item_timeout(Duration::from_secs(3))
        .map(|_| OPERATIONS[2].1(&frame).unwrap_or(0));
    let results = sorted.try_run(&fork())?;
    let failure = results[0]
        .as_ref()
        .err()
        .ok_or("polars does not need the guard any more: drop it, and say so")?;
    match failure.cause() {
        Cause::TimedOut { .. } => Ok(()),
        _ => Err(format!("another failure: {failure}").into()),
    }
}

fn works() -> Result<(), Failed> {
    let frame = numbers(100_000);
    let expected = warm(&frame);
    let job = over(0..OPERATIONS.len())
        .state(|_| OneThread::new())
        .map_cx(|i, _| OPERATIONS[i].1(&frame).unwrap_or(0));
    for _ in 0..20 {
        let found = job.run(&fork())?;
        assert_eq!(found, expected);
    }
    Ok(())
}

fn groups() -> Result<(), Failed> {
    let frame = numbers(20_000);
    warm(&frame);
    let frame = from_polars(&frame)?;
    let job = frame
        .group_by(["k"])
        .item_timeout(Duration::from_secs(20))
        .apply(|group| {
            let _polars = OneThread::new();
            let group = to_polars(&group.batch()?)?;
            let positive = group.filter(&group.column("v")?.f64()?.gt(0.0))?;
            let sorted = positive.sort(["v"], SortMultipleOptions::default())?;
            Ok(sorted.column("v")?.f64()?.get(0))
        });
    // The reference is one that cannot be killed, so it refuses a timeout.
    let reference = frame.group_by(["k"]).apply(|group| {
        let values = group.column::<f64>("v")?;
        Ok(values
            .iter()
            .copied()
            .filter(|v| *v > 0.0)
            .min_by(f64::total_cmp))
    });
    assert!(job.run(&fork())? == reference.run(&Serial)?);
    Ok(())
}

fn nested() -> Result<(), Failed> {
    let allowed = || polars_async::executor::ALLOW_RAYON_THREADS.get();
    assert!(allowed());
    let outer = OneThread::new();
    let inner = OneThread::new();
    assert!(!allowed());
    drop(inner);
    assert!(!allowed());
    drop(outer);
    assert!(allowed());
    Ok(())
}
