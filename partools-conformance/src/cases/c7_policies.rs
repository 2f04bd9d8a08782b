//! C7, as far as the plan has a say: what `OnError` means with each ending, for the items above a failure.

use super::{List, SOME_CHUNKS};
use crate::candidate::Candidate;
use crate::ensure::{ensure, ensure_eq, err, ok};
use crate::record::{Event, Log};
use crate::subject::Subject;
use crate::tasks::{Act, Fallible, Script};
use partools_core::{Cause, Chunks, Error, Failed, ItemError, Job, OnError, Plan};
use std::time::Duration;

pub(super) fn list<E: Candidate>(list: &mut List<E>) {
    list.add(
        "c7_policies::collect_calls_all_items_and_gives_the_lowest_failure",
        |s| collect(&s),
    );
    list.add(
        "c7_policies::collect_calls_all_items_and_gives_the_lowest_err",
        |s| collect_err(&s),
    );
    list.add(
        "c7_policies::stop_gives_the_results_up_to_the_lowest_failure",
        |s| stop(&s),
    );
}

/// `body` with all sorts of workers and chunks.
fn each<E: Candidate>(
    s: &Subject<E>,
    body: impl Fn(&E, Chunks) -> Result<(), String>,
) -> Result<(), String> {
    for workers in [1, 2, 3] {
        for chunks in SOME_CHUNKS {
            s.on(workers, |e| body(e, chunks))
                .map_err(|why| format!("{chunks:?}: {why}"))?;
        }
    }
    Ok(())
}

fn is_item_7(error: &Error) -> Result<(), String> {
    let blamed = error.item().map(ItemError::index);
    ensure_eq!(blamed, Some(7), "item blamed ({error})");
    Ok(())
}

fn collect<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    each(s, |e, chunks| {
        let plan = Plan::new().chunk(chunks).on_error(OnError::Collect);
        let script = || Script::new(100).item(40, Act::Panic).item(7, Act::Panic);

        let log = Log::new();
        let job = Job::new(script().log(log.pen())).plan(plan.clone());
        is_item_7(&err(job.run(e))?)?;
        let calls = log.calls(100);
        ensure!(calls.iter().all(|&n| n == 1), "run: calls {calls:?}");

        let mut delivered = Vec::new();
        let job = Job::new(script()).plan(plan);
        is_item_7(&err(job.for_each(e, |index, _| delivered.push(index)))?)?;
        let others: Vec<usize> = (0..100).filter(|i| ![7, 40].contains(i)).collect();
        ensure_eq!(delivered, others, "items delivered");
        Ok(())
    })
}

fn collect_err<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    each(s, |e, chunks| {
        let plan = Plan::new().chunk(chunks).on_error(OnError::Collect);
        let job = |fallible| Job::new(fallible).plan(plan.clone());
        // An `Err` below a panic, and a panic below an `Err`.
        match err(job(Fallible::new(100, &[7, 60]).panics(40)).run_ok(e))? {
            Failed::Item { index: 7, error } => ensure_eq!(error, Fallible::refusal(7), "error"),
            other => return Err(format!("not item 7's error: {other:?}")),
        }
        match err(job(Fallible::new(100, &[40]).panics(7)).run_ok(e))? {
            Failed::Map(error) => is_item_7(&error),
            other => Err(format!("not item 7's panic: {other:?}")),
        }
    })
}

fn stop<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    each(s, |e, chunks| {
        let log = Log::new();
        let script = Script::new(1000)
            .item(7, Act::Sleep(Duration::from_millis(3)))
            .item(7, Act::Panic)
            .item(8, Act::Panic)
            .items(9..1000, Act::Sleep(Duration::from_millis(2)))
            .log(log.pen());
        let plan = Plan::new().chunk(chunks).on_error(OnError::Stop);
        let results = ok(Job::new(script).plan(plan).try_run(e))?;
        ensure_eq!(results.len(), 1000, "results");
        for (index, result) in results.iter().enumerate() {
            match (index, result) {
                (0..7, Ok(output)) => ensure_eq!(*output, Script::output(index, 0), "output"),
                (7, Err(item)) => {
                    let is_panic = matches!(item.cause(), Cause::Panicked { .. });
                    ensure!(is_panic, "item 7 {item}");
                }
                (8.., Err(item)) => {
                    ensure_eq!(
                        item.cause(),
                        &Cause::NotNeeded { failed: 7 },
                        "item {index}"
                    );
                }
                (_, other) => return Err(format!("item {index}: {other:?}")),
            }
        }
        let called = log.of(Event::Call).len();
        ensure!(
            called < 500,
            "{called} of 1000 slow items were called after item 7 failed"
        );
        Ok(())
    })
}
