//! The state of a worker: made once, made anew after a panic, dropped at a clean end; and where it cannot be
//! made, that is the map's error, not a loop of restarts.

use super::{List, SOME_CHUNKS};
use crate::candidate::Candidate;
use crate::ensure::{ensure, ensure_eq, err, ok};
use crate::record::{Event, Log, Record};
use crate::subject::Subject;
use crate::tasks::{Stateful, Trouble};
use partools_core::{Chunks, Job, Plan};
use std::collections::BTreeSet;

pub(super) fn list<E: Candidate>(list: &mut List<E>) {
    list.add("state::made_once_per_worker_and_dropped_at_the_end", |s| {
        once(&s)
    });
    list.add("state::made_anew_after_a_panic", |s| anew(&s));
    list.add(
        "state::one_that_cannot_be_made_is_the_error_of_the_map",
        |s| fails(&s, Trouble::StartFails, "no desk for worker"),
    );
    list.add(
        "state::one_that_panics_when_made_is_the_error_of_the_map",
        |s| fails(&s, Trouble::StartPanics, "will not start"),
    );
    list.add("state::one_that_panics_when_dropped_is_an_error", |s| {
        drop_panics(&s)
    });
}

fn each_setting<E: Candidate>(
    s: &Subject<E>,
    body: impl Fn(&E, usize, Chunks) -> Result<(), String>,
) -> Result<(), String> {
    for workers in [1, 2, 3] {
        for chunks in SOME_CHUNKS {
            s.on(workers, |e| body(e, workers, chunks))
                .map_err(|why| format!("{chunks:?}: {why}"))?;
        }
    }
    Ok(())
}

/// A state's own identity: numbers are counted within a process.
fn identity(record: &Record) -> (u64, u64) {
    (record.process, record.attempt)
}

fn once<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    each_setting(s, |e, workers, chunks| {
        let log = Log::new();
        let job = Job::new(Stateful::new(100, Trouble::None, log.pen()));
        let outputs = ok(job.plan(Plan::new().chunk(chunks)).run(e))?;
        ensure!(
            outputs
                .iter()
                .zip(0..)
                .all(|(output, index)| output.0 == index),
            "out of order"
        );
        let made = log.of(Event::Start);
        let numbers: BTreeSet<u64> = made.iter().map(|record| record.index).collect();
        ensure!(
            made.len() <= workers,
            "{} states for {workers} workers",
            made.len()
        );
        ensure_eq!(
            numbers.len(),
            made.len(),
            "workers that made a state of {}",
            made.len()
        );
        ensure!(
            numbers.iter().all(|&n| n < workers as u64),
            "numbers of workers: {numbers:?}"
        );
        let made: BTreeSet<_> = made.iter().map(identity).collect();
        let dropped: BTreeSet<_> = log.of(Event::Drop).iter().map(identity).collect();
        ensure_eq!(dropped, made, "states dropped");
        let seen: u64 = 100;
        let most = outputs.iter().map(|output| output.3).max();
        ensure!(
            most.is_some_and(|n| n <= seen && n >= seen / workers as u64),
            "{most:?} items in a state"
        );
        Ok(())
    })
}

fn anew<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    each_setting(s, |e, workers, chunks| {
        let log = Log::new();
        let job = Job::new(Stateful::new(100, Trouble::None, log.pen()).panics(&[7, 50]));
        let results = ok(job.plan(Plan::new().chunk(chunks)).try_run(e))?;
        let failed: Vec<_> = results
            .iter()
            .zip(0..)
            .filter(|(r, _)| r.is_err())
            .map(|(_, i)| i)
            .collect();
        ensure_eq!(failed, [7, 50], "items that failed");
        let made = log.of(Event::Start).len();
        ensure!(
            made <= workers + 2,
            "{made} states for {workers} workers and two panics"
        );
        let dropped = log.of(Event::Drop).len();
        ensure_eq!(dropped, made, "states dropped");
        if workers == 1 {
            ensure_eq!(made, 3, "states made by one worker with two panics");
            let seen = |index: usize| results[index].as_ref().map(|output| output.3).ok();
            ensure_eq!(
                (seen(6), seen(8), seen(51)),
                (Some(7), Some(1), Some(1)),
                "items in the state"
            );
        }
        Ok(())
    })
}

fn fails<E: Candidate>(s: &Subject<E>, trouble: Trouble, words: &str) -> Result<(), String> {
    each_setting(s, |e, workers, chunks| {
        let log = Log::new();
        let job = Job::new(Stateful::new(100, trouble, log.pen()));
        let error = err(job.plan(Plan::new().chunk(chunks)).run(e))?;
        ensure!(error.is_start(), "not an error of making a state: {error}");
        ensure!(
            error.to_string().contains(words),
            "the reason is not told: {error}"
        );
        let made = log.of(Event::Start).len();
        ensure!(
            made <= 2 * workers,
            "{made} attempts to make a state with {workers} workers"
        );
        Ok(())
    })
}

fn drop_panics<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    each_setting(s, |e, _, chunks| {
        let log = Log::new();
        let job = Job::new(Stateful::new(100, Trouble::DropPanics, log.pen()));
        let error = err(job.plan(Plan::new().chunk(chunks)).run(e))?;
        ensure!(
            error.to_string().contains("the state explodes"),
            "the panic is not told: {error}"
        );
        Ok(())
    })
}
