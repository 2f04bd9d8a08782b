//! C11: what a plan asks and an executor cannot do is refused before the first item, with the capability's
//! name. Where it can, it does.

use super::List;
use crate::candidate::Candidate;
use crate::ensure::{ensure, ensure_eq, err, ok};
use crate::record::Log;
use crate::subject::Subject;
use crate::tasks::{Act, Script};
use partools_core::{Cause, Chunks, Error, Job, Plan};
use std::time::Duration;

pub(super) fn list<E: Candidate>(list: &mut List<E>) {
    let kills = list.capabilities.kills_items();
    list.add("c11_refusals::an_item_timeout_is_refused_by_name", |s| {
        timeout_refused(&s)
    });
    list.only_where(!kills, "the executor declares the capability `kills_items`");
    list.add(
        "c11_refusals::an_item_that_hangs_is_killed_and_named",
        |s| timed_out(&s, &Act::Hang),
    );
    let why_not = "the executor does not declare the capability `kills_items`";
    list.only_where(kills, why_not);
    list.add(
        "c11_refusals::an_item_that_hangs_and_blocks_sigterm_is_killed_and_named",
        |s| timed_out(&s, &Act::HangDeaf),
    );
    list.only_where(kills && cfg!(unix), why_not);
    list.add("c11_refusals::chunks_of_no_items", |s| {
        nonsense(&s, &Plan::new().chunk(Chunks::of(0)))?;
        nonsense(&s, &Plan::new().chunk(Chunks::per_worker(0)))
    });
    list.add("c11_refusals::a_window_of_no_items", |s| {
        nonsense(&s, &Plan::new().window(0))
    });
    list.add("c11_refusals::a_timeout_of_no_time", |s| {
        nonsense(&s, &Plan::new().item_timeout(Duration::ZERO))
    });
}

/// The error of a map under `plan`, before whose first item it must be refused.
fn refusal<E: Candidate>(s: &Subject<E>, plan: &Plan) -> Result<Error, String> {
    s.on(2, |e| {
        let log = Log::new();
        let error = err(Job::new(Script::new(100).log(log.pen()))
            .plan(plan.clone())
            .run(e))?;
        ensure_eq!(log.read().len(), 0, "items called");
        Ok(error)
    })
}

fn nonsense<E: Candidate>(s: &Subject<E>, plan: &Plan) -> Result<(), String> {
    let error = refusal(s, plan)?;
    ensure!(error.is_plan(), "not an error of the plan: {error}");
    Ok(())
}

fn timeout_refused<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    let error = refusal(s, &Plan::new().item_timeout(Duration::from_secs(1)))?;
    ensure!(error.is_refused(), "not a refusal: {error}");
    ensure!(
        error.to_string().contains("kills_items"),
        "the capability is not named: {error}"
    );
    Ok(())
}

fn timed_out<E: Candidate>(s: &Subject<E>, act: &Act) -> Result<(), String> {
    let limit = Duration::from_millis(300);
    for workers in [1, 3] {
        s.on(workers, |e| {
            let script = Script::new(100).item(7, act.clone()).labelled();
            let job = Job::new(script).plan(Plan::new().item_timeout(limit));
            let results = ok(job.try_run(e))?;
            ensure_eq!(results.len(), 100, "results");
            for (index, result) in results.iter().enumerate() {
                match result {
                    Ok(output) => ensure_eq!(*output, Script::output(index, 0), "output"),
                    Err(item) => {
                        ensure_eq!(index, 7, "index blamed ({item})");
                        let is_late = |cause: &Cause| matches!(cause, Cause::TimedOut { limit: l, ran } if *l == limit && *ran >= limit);
                        ensure!(is_late(item.cause()), "not late, with the time it ran: {item}");
                        ensure_eq!(item.label(), Some("row 7"), "label");
                    }
                }
            }
            let error = err(job.run(e))?;
            ensure_eq!(
                error.item().map(|item| item.index()),
                Some(7),
                "item blamed by run ({error})"
            );
            Ok(())
        })?;
    }
    Ok(())
}
