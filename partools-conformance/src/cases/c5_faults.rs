//! C5 and C6: a failing item is named, with its label, its attempt and its cause; only the item in flight is
//! blamed, the others complete; a panic keeps its message and its place. And the next map is none the wiser.

use super::{List, SOME_CHUNKS};
use crate::candidate::Candidate;
use crate::ensure::{ensure, ensure_eq, err, ok};
use crate::subject::Subject;
use crate::tasks::{Act, Script};
use partools_core::{Cause, ItemError, Job, Plan};

/// What the blamed item's error must say.
type Says = fn(&ItemError) -> Result<(), String>;

pub(super) fn list<E: Candidate>(list: &mut List<E>) {
    let mut add = |name: &str, isolated: bool, act: Act, says: Says| {
        list.add(name, move |s| blamed(&s, &act, says));
        if isolated {
            list.only_isolated();
        }
    };
    add(
        "c6_panics::a_panic_keeps_its_message_and_place",
        false,
        Act::Panic,
        |error| {
            let Cause::Panicked {
                message,
                location: Some(at),
            } = error.cause()
            else {
                return Err(format!("no panic with a place: {error}"));
            };
            ensure_eq!(message, "item 7 gives up", "message");
            ensure_eq!((at.file.as_str(), at.line), Script::panic_place(), "place");
            let (file, line) = Script::panic_place();
            ensure!(
                error.to_string().contains(&format!("{file}:{line}")),
                "no place in: {error}"
            );
            Ok(())
        },
    );
    add(
        "c6_panics::a_payload_that_is_no_text",
        false,
        Act::PanicWithNumber,
        panicked,
    );
    add(
        "c6_panics::a_payload_whose_drop_panics",
        false,
        Act::PanicWithBomb,
        panicked,
    );
    add("c5_faults::an_item_that_aborts", true, Act::Abort, |e| {
        killed(e, "SIGABRT")
    });
    add(
        "c5_faults::an_item_that_writes_to_the_null_page",
        true,
        Act::Segfault,
        |e| killed(e, "SIGSEGV"),
    );
    add(
        "c5_faults::an_item_that_is_killed",
        true,
        Act::Kill(9),
        |e| killed(e, "SIGKILL"),
    );
    add(
        "c5_faults::an_item_that_is_terminated",
        true,
        Act::Kill(15),
        |e| killed(e, "SIGTERM"),
    );
    add(
        "c5_faults::an_item_that_exits_with_3",
        true,
        Act::Exit(3),
        |e| exited(e, 3),
    );
    add(
        "c5_faults::an_item_that_exits_with_0",
        true,
        Act::Exit(0),
        |e| exited(e, 0),
    );
    list.add("c5_faults::several_items_fail_and_each_is_named", |s| {
        several(&s, &Act::Panic)
    });
    list.add("c5_faults::several_items_crash_and_each_is_named", |s| {
        several(&s, &Act::Abort)
    });
    list.only_isolated();
    list.add("c5_faults::every_item_fails", |s| every(&s, &Act::Panic));
    list.add("c5_faults::every_item_crashes", |s| every(&s, &Act::Abort));
    list.only_isolated();
}

fn panicked(error: &ItemError) -> Result<(), String> {
    let Cause::Panicked {
        location: Some(at), ..
    } = error.cause()
    else {
        return Err(format!("no panic with a place: {error}"));
    };
    ensure_eq!(at.file, Script::panic_place().0, "file of the panic");
    Ok(())
}

fn killed(error: &ItemError, by: &str) -> Result<(), String> {
    let Cause::Killed { name, .. } = error.cause() else {
        return Err(format!("not killed: {error}"));
    };
    ensure_eq!(name, by, "signal");
    Ok(())
}

fn exited(error: &ItemError, with: i32) -> Result<(), String> {
    ensure_eq!(error.cause(), &Cause::Exited { code: with }, "cause");
    Ok(())
}

fn blamed<E: Candidate>(s: &Subject<E>, act: &Act, says: Says) -> Result<(), String> {
    for workers in [1, 2, 3] {
        for chunks in SOME_CHUNKS {
            s.on(workers, |e| {
                let script = Script::new(100).item(7, act.clone()).labelled();
                let job = Job::new(script).plan(Plan::new().chunk(chunks));
                let error = err(job.run(e))?;
                let Some(item) = error.item() else {
                    return Err(format!("run: no item is blamed: {error}"));
                };
                item_7(item, says).map_err(|why| format!("run: {why}"))?;
                all_right(e)?;

                let results = ok(job.try_run(e))?;
                ensure_eq!(results.len(), 100, "results");
                for (index, result) in results.iter().enumerate() {
                    match result {
                        Ok(output) => ensure_eq!(*output, Script::output(index, 0), "output"),
                        Err(item) if index == 7 => item_7(item, says)?,
                        Err(item) => return Err(format!("try_run: an innocent is blamed: {item}")),
                    }
                }
                ensure!(results[7].is_err(), "try_run: item 7 was not blamed");
                all_right(e)
            })
            .map_err(|why| format!("{chunks:?}: {why}"))?;
        }
    }
    Ok(())
}

fn item_7(error: &ItemError, says: Says) -> Result<(), String> {
    ensure_eq!(error.index(), 7, "index blamed ({error})");
    ensure_eq!(error.attempt(), 0, "attempt blamed");
    ensure_eq!(error.label(), Some("row 7"), "label");
    says(error)
}

/// The next map, right after.
fn all_right<E: Candidate>(e: &E) -> Result<(), String> {
    let outputs =
        ok(Job::new(Script::new(100)).run(e)).map_err(|why| format!("the next map: {why}"))?;
    let right = outputs
        .iter()
        .zip(0..)
        .all(|(output, index)| *output == Script::output(index, 0));
    ensure!(
        right && outputs.len() == 100,
        "the next map has wrong outputs"
    );
    Ok(())
}

fn several<E: Candidate>(s: &Subject<E>, act: &Act) -> Result<(), String> {
    let failing = [0, 1, 24, 25, 60, 99];
    for workers in [1, 2, 3] {
        for chunks in SOME_CHUNKS {
            s.on(workers, |e| {
                let script = failing
                    .iter()
                    .fold(Script::new(100), |s, &i| s.item(i, act.clone()));
                let job = Job::new(script).plan(Plan::new().chunk(chunks));
                let results = ok(job.try_run(e))?;
                let blamed: Vec<usize> = results
                    .iter()
                    .filter_map(|r| r.as_ref().err().map(ItemError::index))
                    .collect();
                ensure_eq!(blamed, failing, "items blamed");
                let right = results.iter().zip(0..).all(|(result, index)| {
                    result
                        .as_ref()
                        .map_or(true, |output| *output == Script::output(index, 0))
                });
                ensure!(
                    right && results.len() == 100,
                    "other items have wrong outputs"
                );
                Ok(())
            })
            .map_err(|why| format!("{chunks:?}: {why}"))?;
        }
    }
    Ok(())
}

fn every<E: Candidate>(s: &Subject<E>, act: &Act) -> Result<(), String> {
    for workers in [1, 3] {
        s.on(workers, |e| {
            let job = Job::new(Script::new(20).items(0..20, act.clone()));
            let results = ok(job.try_run(e))?;
            let blamed: Vec<_> = results
                .iter()
                .map(|r| r.as_ref().err().map(ItemError::index))
                .collect();
            ensure_eq!(
                blamed,
                (0..20).map(Some).collect::<Vec<_>>(),
                "items blamed"
            );
            let error = err(job.run(e))?;
            ensure_eq!(
                error.item().map(ItemError::index),
                Some(0),
                "item blamed by run"
            );
            all_right(e)
        })?;
    }
    Ok(())
}
