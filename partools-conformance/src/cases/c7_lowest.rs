//! C7: where the plan stops at the first failure, that is the failing item with the lowest index, however
//! late it fails; items below it finish, items above it stop.

use super::List;
use crate::candidate::Candidate;
use crate::ensure::{ensure, ensure_eq, err};
use crate::record::{Event, Log};
use crate::subject::Subject;
use crate::tasks::{Act, Fallible, Script, Worded};
use partools_core::{Chunks, Failed, ItemError, Job, Plan};
use std::collections::BTreeSet;
use std::time::Duration;

const TIMES: usize = 50;
const LATE: Duration = Duration::from_millis(3);
const CHUNKS: [Chunks; 4] = [Chunks::Auto, Chunks::Of(1), Chunks::Of(25), Chunks::Guided];

pub(super) fn list<E: Candidate>(list: &mut List<E>) {
    list.add(
        "c7_lowest::the_lowest_panic_is_the_error_also_when_it_comes_last",
        |s| lowest(&s, &Act::Panic),
    );
    list.add(
        "c7_lowest::the_lowest_crash_is_the_error_also_when_it_comes_last",
        |s| lowest(&s, &Act::Abort),
    );
    list.only_isolated();
    list.add(
        "c7_lowest::the_lowest_err_is_the_error_also_when_it_comes_last",
        |s| lowest_err(&s),
    );
    list.add("c7_lowest::the_lowest_err_as_text", |s| lowest_text(&s));
    list.add("c7_lowest::a_panic_below_an_err_is_the_error", |s| {
        panic_below(&s)
    });
    list.add("c7_lowest::items_above_the_failure_stop", |s| {
        above_stop(&s, &Act::Panic)
    });
    list.add("c7_lowest::items_above_the_crash_stop", |s| {
        above_stop(&s, &Act::Abort)
    });
    list.only_isolated();
    list.add(
        "c7_lowest::a_crash_of_what_is_not_needed_is_no_error",
        |s| needless(&s),
    );
    list.only_isolated();
}

/// `body` often, with 2 and 3 workers and all sorts of chunks.
fn often<E: Candidate>(
    s: &Subject<E>,
    body: impl Fn(&E, Plan) -> Result<(), String>,
) -> Result<(), String> {
    for workers in [2, 3] {
        s.on(workers, |e| {
            for time in 0..TIMES / 2 {
                let chunks = CHUNKS[time % CHUNKS.len()];
                let plan = Plan::new().chunk(chunks);
                body(e, plan).map_err(|why| format!("time {time}, {chunks:?}: {why}"))?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn lowest<E: Candidate>(s: &Subject<E>, act: &Act) -> Result<(), String> {
    often(s, |e, plan| {
        let log = Log::new();
        let script = Script::new(100)
            .item(40, act.clone())
            .item(7, Act::Sleep(LATE))
            .item(7, act.clone())
            .log(log.pen());
        let error = err(Job::new(script).plan(plan).run(e))?;
        ensure_eq!(
            error.item().map(ItemError::index),
            Some(7),
            "item blamed ({error})"
        );
        let done: BTreeSet<u64> = log
            .of(Event::Done)
            .iter()
            .map(|record| record.index)
            .collect();
        let missing: Vec<u64> = (0..7).filter(|index| !done.contains(index)).collect();
        ensure!(
            missing.is_empty(),
            "items {missing:?} below the failure did not finish"
        );
        Ok(())
    })
}

fn lowest_err<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    often(s, |e, plan| {
        let job = Job::new(Fallible::new(100, &[40, 7]).slow(7, LATE)).plan(plan);
        match err(job.run_ok(e))? {
            Failed::Item { index: 7, error } => {
                ensure_eq!(error, Fallible::refusal(7), "error");
                Ok(())
            }
            other => Err(format!("not item 7's error: {other:?}")),
        }
    })
}

fn lowest_text<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    often(s, |e, plan| {
        let job = Job::new(Worded(Fallible::new(100, &[40, 7]).slow(7, LATE))).plan(plan);
        match err(job.run_ok_text(e))? {
            Failed::Item { index: 7, error } => {
                ensure_eq!(error, Fallible::refusal(7).why, "error");
                Ok(())
            }
            other => Err(format!("not item 7's error: {other:?}")),
        }
    })
}

fn panic_below<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    often(s, |e, plan| {
        let fallible = Fallible::new(100, &[40]).slow(7, LATE).panics(7);
        match err(Job::new(fallible).plan(plan).run_ok(e))? {
            Failed::Map(error) => {
                ensure_eq!(
                    error.item().map(ItemError::index),
                    Some(7),
                    "item blamed ({error})"
                );
                Ok(())
            }
            other => Err(format!("not item 7's panic: {other:?}")),
        }
    })
}

/// An item crashes when a lower one has crashed already, and while one that is still lower is called.
fn needless<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [2, 3] {
        s.on(workers, |e| {
            let nap = |millis| Act::Sleep(Duration::from_millis(millis));
            let script = Script::new(3)
                .item(0, nap(150))
                .item(1, Act::Abort)
                .item(2, nap(50))
                .item(2, Act::Abort);
            let job = Job::new(script).plan(Plan::new().chunk(Chunks::of(1)));
            let error = err(job.run(e))?;
            let item = error.item().map(ItemError::index);
            ensure_eq!(item, Some(1), "item blamed ({error})");
            Ok(())
        })?;
    }
    Ok(())
}

fn above_stop<E: Candidate>(s: &Subject<E>, act: &Act) -> Result<(), String> {
    for workers in [1, 2, 3] {
        for chunks in CHUNKS {
            s.on(workers, |e| {
                let log = Log::new();
                let script = Script::new(1000)
                    .item(7, act.clone())
                    .items(8..1000, Act::Sleep(Duration::from_millis(2)))
                    .log(log.pen());
                let error = err(Job::new(script).plan(Plan::new().chunk(chunks)).run(e))?;
                ensure_eq!(
                    error.item().map(ItemError::index),
                    Some(7),
                    "item blamed ({error})"
                );
                // A failure is known to all within milliseconds; 200 items are more than 100.
                let called = log.of(Event::Call).len();
                ensure!(
                    called < 200,
                    "{called} of 1000 slow items were called after item 7 failed"
                );
                Ok(())
            })
            .map_err(|why| format!("{chunks:?}: {why}"))?;
        }
    }
    Ok(())
}
