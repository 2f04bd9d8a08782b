//! C1: every index is called, and its output or its failure is delivered, exactly once per successful
//! attempt. Calls are written to a log that any worker can append to.

use super::{List, POLICIES, SOME_CHUNKS, WORKERS};
use crate::candidate::Candidate;
use crate::ensure::{ensure, ensure_eq, err, ok};
use crate::record::{Event, Log};
use crate::subject::Subject;
use crate::tasks::{Act, Script};
use partools_core::{Chunks, Job, Plan};

pub(super) fn list<E: Candidate>(list: &mut List<E>) {
    for count in [1, 2, 7, 1000] {
        list.add(
            format_args!("c1_calls::every_item_once_of_{count}"),
            move |s| once(&s, count),
        );
    }
    list.add("c1_calls::neighbours_of_a_panicking_item_once", |s| {
        neighbours(&s)
    });
    list.add(
        "c1_calls::an_item_that_panics_twice_succeeds_at_the_third_attempt",
        |s| third_attempt(&s, &Act::PanicBefore(2)),
    );
    list.add(
        "c1_calls::an_item_that_crashes_twice_succeeds_at_the_third_attempt",
        |s| third_attempt(&s, &Act::KillBefore(SIGABRT, 2)),
    );
    list.only_isolated();
    list.add(
        "c1_calls::an_item_that_always_panics_is_called_once_and_per_retry",
        |s| always_fails(&s, &Act::Panic),
    );
    list.add(
        "c1_calls::an_item_that_always_crashes_is_called_once_and_per_retry",
        |s| always_fails(&s, &Act::Abort),
    );
    list.only_isolated();
}

const SIGABRT: i32 = 6;

fn once<E: Candidate>(s: &Subject<E>, count: usize) -> Result<(), String> {
    for workers in WORKERS {
        s.on(workers, |e| {
            for chunks in POLICIES {
                let log = Log::new();
                let job = Job::new(Script::new(count).log(log.pen()));
                let outputs = ok(job.plan(Plan::new().chunk(chunks)).run(e))?;
                ensure_eq!(outputs, clean(count), "outputs with {chunks:?}");
                let calls = log.calls(count);
                ensure_eq!(calls, vec![1; count], "calls of each item with {chunks:?}");
                let done = log.of(Event::Done).len();
                ensure_eq!(
                    done,
                    count,
                    "calls that ended with an output, with {chunks:?}"
                );
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// The outputs of a script in which nothing goes wrong.
fn clean(count: usize) -> Vec<String> {
    (0..count).map(|index| Script::output(index, 0)).collect()
}

fn neighbours<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    each_setting(s, |e, chunks| {
        let log = Log::new();
        let script = [0, 7, 8, 99]
            .iter()
            .fold(Script::new(100), |s, &i| s.item(i, Act::Panic));
        let job = Job::new(script.log(log.pen())).plan(Plan::new().chunk(chunks));
        let results = ok(job.try_run(e))?;
        let failed: Vec<_> = results
            .iter()
            .filter_map(|r| r.as_ref().err().map(|e| e.index()))
            .collect();
        ensure_eq!(failed, [0, 7, 8, 99], "items that failed");
        ensure_eq!(log.calls(100), [1; 100], "calls of each item");
        Ok(())
    })
}

fn third_attempt<E: Candidate>(s: &Subject<E>, act: &Act) -> Result<(), String> {
    each_setting(s, |e, chunks| {
        let log = Log::new();
        let job = Job::new(Script::new(100).item(7, act.clone()).log(log.pen()));
        let job = job.plan(Plan::new().retries(2).chunk(chunks));
        let outputs = ok(job.run(e))?;
        let mut expected = clean(100);
        expected[7] = Script::output(7, 2);
        ensure_eq!(outputs, expected, "outputs as index@attempt");
        let mut calls = [1; 100];
        calls[7] = 3;
        ensure_eq!(log.calls(100), calls, "calls of each item");
        Ok(())
    })
}

fn always_fails<E: Candidate>(s: &Subject<E>, act: &Act) -> Result<(), String> {
    each_setting(s, |e, chunks| {
        let log = Log::new();
        let job = Job::new(Script::new(100).item(7, act.clone()).log(log.pen()));
        let error = err(job.plan(Plan::new().retries(2).chunk(chunks)).run(e))?;
        let Some(item) = error.item() else {
            return Err(format!("no item is blamed: {error}"));
        };
        ensure_eq!(
            (item.index(), item.attempt()),
            (7, 2),
            "index and attempt blamed"
        );
        let attempts: Vec<u64> = log
            .of(Event::Call)
            .iter()
            .filter(|r| r.index == 7)
            .map(|r| r.attempt)
            .collect();
        ensure_eq!(attempts, [0, 1, 2], "attempts at item 7");
        ensure!(
            error.to_string().contains("attempt 3"),
            "the error does not tell the attempt: {error}"
        );
        Ok(())
    })
}

/// `body` with 1, 2 and 3 workers and some chunk policies.
fn each_setting<E: Candidate>(
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
