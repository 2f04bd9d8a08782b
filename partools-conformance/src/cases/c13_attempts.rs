//! C13: attempts are counted, whatever ended them; the plan's wait and its choice of failures hold; what a dead worker had
//! not begun is called once; SIGKILL is forgiven once; and a map whose every item kills its worker ends.

use super::{List, SOME_CHUNKS};
use crate::candidate::Candidate;
use crate::ensure::{ensure, ensure_eq, err, ok};
use crate::record::{Event, Log};
use crate::subject::Subject;
use crate::tasks::{Act, Script};
use partools_core::{Cause, Chunks, Halt, ItemError, Job, Plan, Retries};
use std::time::{Duration, Instant};

const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const MS: Duration = Duration::from_millis(1);

pub(super) fn list<E: Candidate>(list: &mut List<E>) {
    let kills = list.capabilities.kills_items();
    list.add("c13_attempts::the_worker_waits_before_each_attempt", |s| {
        waits(&s)
    });
    list.add("c13_attempts::a_wait_ends_when_the_map_is_stopped", |s| {
        wait_ends(&s)
    });
    list.add("c13_attempts::a_wait_is_no_part_of_the_timeout", |s| {
        wait_is_free(&s)
    });
    list.only_where(
        kills,
        "the executor does not declare the capability `kills_items`",
    );
    list.add(
        "c13_attempts::only_failures_that_the_plan_picks_are_tried_again",
        |s| picks(&s, &Act::Panic, |e| e.to_string().contains("gives up")),
    );
    list.add(
        "c13_attempts::only_crashes_that_the_plan_picks_are_tried_again",
        |s| {
            let is_crash = |e: &ItemError| matches!(e.cause(), Cause::Killed { .. });
            picks(&s, &Act::Abort, is_crash)
        },
    );
    list.only_isolated();
    list.add("c13_attempts::panics_and_crashes_count_together", |s| {
        mixed(&s)
    });
    list.only_isolated();
    list.add(
        "c13_attempts::what_a_dead_worker_had_not_begun_is_called_once",
        |s| not_begun(&s),
    );
    list.only_isolated();
    list.add(
        "c13_attempts::a_sigkill_is_forgiven_once_and_does_not_count",
        |s| forgiven(&s),
    );
    list.only_isolated();
    list.add(
        "c13_attempts::an_item_that_is_killed_again_is_blamed",
        |s| killed_again(&s),
    );
    list.only_isolated();
    list.add(
        "c13_attempts::a_map_whose_every_item_crashes_gives_up",
        |s| gives_up(&s),
    );
    list.only_isolated();
}

/// `body` with 1, 2 and 3 workers and some chunk policies.
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

/// The outputs of a script in which all goes well, but for item 7, which succeeds at this attempt.
fn outputs(count: usize, attempt: u32) -> Vec<String> {
    let of = |index| Script::output(index, if index == 7 { attempt } else { 0 });
    (0..count).map(of).collect()
}

fn waits<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    let retries = Retries::times(3).backoff(20 * MS).at_most(30 * MS);
    for workers in [1, 2] {
        s.on(workers, |e| {
            let script = Script::new(20).item(7, Act::PanicBefore(3));
            let begun = Instant::now();
            let plan = Plan::new().retries(retries);
            ensure_eq!(
                ok(Job::new(script).plan(plan).run(e))?,
                outputs(20, 3),
                "outputs"
            );
            let took = begun.elapsed();
            ensure!(
                took >= 80 * MS,
                "20, 30 and 30 ms were to be waited, and the map took {took:?}"
            );
            Ok(())
        })?;
    }
    Ok(())
}

fn wait_ends<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    let hour = Retries::times(3).backoff(3_600_000 * MS);
    for workers in [1, 3] {
        s.on(workers, |e| {
            let begun = Instant::now();
            let plan = Plan::new().retries(hour).deadline(60 * MS);
            let script = Script::new(20).item(7, Act::Panic);
            let error = err(Job::new(script).plan(plan).run(e))?;
            ensure!(error.is_deadline(), "not the deadline: {error}");
            // And where an item below fails for good meanwhile.
            let plan = Plan::new()
                .retries(hour.only_if(|e| e.index() == 7))
                .chunk(Chunks::of(1));
            let script = Script::new(20)
                .item(7, Act::Panic)
                .item(3, Act::Sleep(30 * MS))
                .item(3, Act::Panic);
            let error = err(Job::new(script).plan(plan).run(e))?;
            let blamed = error.item().map(ItemError::index);
            ensure_eq!(blamed, Some(3), "item blamed ({error})");
            let took = begun.elapsed();
            ensure!(took < Duration::from_secs(20), "it took {took:?}");
            Ok(())
        })?;
    }
    Ok(())
}

fn wait_is_free<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    s.on(2, |e| {
        let plan = Plan::new()
            .retries(Retries::times(1).backoff(400 * MS))
            .item_timeout(200 * MS);
        let script = Script::new(20).item(7, Act::PanicBefore(1));
        ensure_eq!(
            ok(Job::new(script).plan(plan).run(e))?,
            outputs(20, 1),
            "outputs"
        );
        Ok(())
    })
}

/// Item 7 fails in a way that is picked, item 8 in one that is not.
fn picks<E: Candidate>(
    s: &Subject<E>,
    act: &Act,
    wanted: fn(&ItemError) -> bool,
) -> Result<(), String> {
    each(s, |e, chunks| {
        let log = Log::new();
        let script = Script::new(100)
            .item(7, act.clone())
            .item(8, Act::PanicWithNumber)
            .log(log.pen());
        let retries = Retries::times(2).only_if(wanted);
        let job = Job::new(script).plan(Plan::new().chunk(chunks).retries(retries));
        let results = ok(job.try_run(e))?;
        for (index, last) in [(7, 2), (8, 0)] {
            let Err(failure) = &results[index] else {
                return Err(format!("item {index} succeeded"));
            };
            ensure_eq!(failure.attempt(), last, "last attempt of item {index}");
        }
        let mut calls = [1; 100];
        calls[7] = 3;
        ensure_eq!(log.calls(100), calls, "calls of each item");
        Ok(())
    })
}

/// The attempts at item 7, in the order of its calls.
fn attempts(log: &Log) -> Vec<u64> {
    let calls = log.of(Event::Call).into_iter();
    calls.filter(|r| r.index == 7).map(|r| r.attempt).collect()
}

fn mixed<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    each(s, |e, chunks| {
        let log = Log::new();
        // Panics first, then crashes, then panics, then is fine.
        let script = Script::new(100)
            .item(7, Act::PanicBefore(1))
            .item(7, Act::KillBefore(SIGABRT, 2))
            .item(7, Act::PanicBefore(3))
            .log(log.pen());
        let plan = |n: u32| Plan::new().chunk(chunks).retries(n);
        let job = Job::new(script);
        ensure_eq!(
            ok(job.clone().plan(plan(3)).run(e))?,
            outputs(100, 3),
            "outputs"
        );
        ensure_eq!(attempts(&log), [0, 1, 2, 3], "attempts at item 7");
        let error = err(job.plan(plan(2)).run(e))?;
        let item = error.item().map(|item| (item.index(), item.attempt()));
        ensure_eq!(item, Some((7, 2)), "item and attempt blamed ({error})");
        ensure_eq!(attempts(&log)[4..], [0, 1, 2], "attempts, with one less");
        Ok(())
    })
}

fn not_begun<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    each(s, |e, chunks| {
        let log = Log::new();
        let script = [7, 8, 30]
            .iter()
            .fold(Script::new(100), |s, &i| s.item(i, Act::Abort));
        let plan = Plan::new().chunk(chunks).retries(1);
        let results = ok(Job::new(script.log(log.pen())).plan(plan).try_run(e))?;
        let mut calls = [1; 100];
        for index in [7, 8, 30] {
            calls[index] = 2;
            ensure!(results[index].is_err(), "item {index} succeeded");
        }
        ensure_eq!(log.calls(100), calls, "calls of each item");
        for (index, result) in results.iter().enumerate() {
            if let Ok(output) = result {
                ensure_eq!(*output, Script::output(index, 0), "output as index@attempt");
            }
        }
        Ok(())
    })
}

fn forgiven<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    each(s, |e, chunks| {
        let (log, mark) = (Log::new(), Log::new());
        let script = Script::new(100)
            .item(7, Act::KillOnce(SIGKILL, mark.pen()))
            .log(log.pen());
        let job = Job::new(script).plan(Plan::new().chunk(chunks));
        ensure_eq!(ok(job.run(e))?, outputs(100, 0), "outputs");
        let mut calls = [1; 100];
        calls[7] = 2;
        ensure_eq!(log.calls(100), calls, "calls of each item");
        Ok(())
    })
}

fn killed_again<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    each(s, |e, chunks| {
        let log = Log::new();
        let script = Script::new(100).item(7, Act::Kill(SIGKILL)).log(log.pen());
        let job = Job::new(script).plan(Plan::new().chunk(chunks).retries(1));
        let results = ok(job.try_run(e))?;
        let blamed = results.iter().filter_map(|r| r.as_ref().err());
        let blamed: Vec<_> = blamed.map(|e| (e.index(), e.attempt())).collect();
        ensure_eq!(blamed, [(7, 1)], "items and attempts blamed");
        ensure_eq!(attempts(&log), [0, 0, 1], "attempts at item 7");
        let mut calls = [1; 100];
        calls[7] = 3;
        ensure_eq!(log.calls(100), calls, "calls of each item");
        Ok(())
    })
}

fn gives_up<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 3] {
        s.on(workers, |e| {
            let log = Log::new();
            let script = Script::new(3000).items(20..3000, Act::Abort).log(log.pen());
            let job = Job::new(script).plan(Plan::new().respawns(30).chunk(Chunks::of(20)));
            let results = ok(job.try_run(e))?;
            ensure_eq!(results.len(), 3000, "results");
            let (mut named, mut spared) = (0, 0);
            for (index, result) in results.iter().enumerate() {
                match result.as_ref().map_err(ItemError::cause) {
                    Ok(output) => ensure_eq!(*output, Script::output(index, 0), "output"),
                    Err(Cause::Killed { .. }) if index >= 20 => named += 1,
                    Err(
                        Cause::NotRun {
                            halt: Halt::Deaths { .. },
                        }
                        | Cause::Stopped {
                            halt: Halt::Deaths { .. },
                        },
                    ) if index >= 20 => spared += 1,
                    Err(other) => return Err(format!("item {index} {other}")),
                }
            }
            ensure!(
                named >= 31,
                "{named} items were blamed, and 30 deaths are allowed"
            );
            ensure!(spared > 2000, "only {spared} of 2980 items were left alone");
            let error = err(Job::new(Script::new(3000).items(0..3000, Act::Abort))
                .plan(Plan::new().respawns(30).chunk(Chunks::of(1)))
                .for_each(e, |_, _| {}))?;
            ensure_eq!(
                error.item().map(ItemError::index),
                Some(0),
                "item blamed where the lowest is known ({error})"
            );
            Ok(())
        })?;
    }
    Ok(())
}
