//! C15: in which order items are called, and which of them, changes nothing else. And the order is followed.

use super::{List, POLICIES, SOME_CHUNKS};
use crate::candidate::Candidate;
use crate::ensure::{ensure, ensure_eq, err, ok};
use crate::record::{Event, Log};
use crate::subject::Subject;
use crate::tasks::{Act, Drawn, Fallible, Probe, Product, Script, mix};
use partools_core::{Chunks, Failed, ItemError, Job, OnError, Plan, Serial};

const SIGABRT: i32 = 6;

pub(super) fn list<E: Candidate>(list: &mut List<E>) {
    list.add(
        "c15_picks::longest_first_gives_what_item_order_gives",
        |s| same(&s),
    );
    list.add("c15_picks::the_longest_items_are_called_first", |s| {
        first(&s)
    });
    list.add("c15_picks::the_lowest_item_that_panics_is_the_error", |s| {
        lowest(&s, &Act::Panic)
    });
    list.add(
        "c15_picks::the_lowest_item_that_crashes_is_the_error",
        |s| lowest(&s, &Act::Kill(SIGABRT)),
    );
    list.only_isolated();
    list.add("c15_picks::the_lowest_err_is_the_error", |s| lowest_err(&s));
    list.add(
        "c15_picks::stop_leaves_out_what_is_above_the_failure",
        |s| stop(&s),
    );
    list.add("c15_picks::for_each_is_in_item_order_or_in_any", |s| {
        for_each(&s)
    });
    list.add("c15_picks::redo_calls_what_failed_and_nothing_else", |s| {
        redo(&s)
    });
    list.add("c15_picks::redo_keeps_names_and_orders", |s| redo_again(&s));
}

/// Costs in no order, some of them equal.
fn costs(count: usize) -> impl Iterator<Item = u64> {
    (0..count).map(|index| mix(index) % 50)
}

/// The order of falling cost.
fn order(count: usize) -> Vec<usize> {
    let costs: Vec<u64> = costs(count).collect();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(costs[index]));
    order
}

fn same<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    let drawn = || Job::new(Drawn { count: 200 });
    let expected = ok(drawn().plan(Plan::new().seed(7)).run(&Serial))?;
    for workers in [1, 2, 3] {
        s.on(workers, |e| {
            for chunks in POLICIES {
                let plan = || Plan::new().chunk(chunks).longest_first(costs(200)).seed(7);
                let outputs = ok(drawn().plan(plan()).run(e))?;
                ensure_eq!(
                    outputs,
                    expected,
                    "numbers drawn and indices, with {chunks:?}"
                );
                let results = ok(drawn().plan(plan()).try_run(e))?;
                let outputs: Vec<_> = results.into_iter().filter_map(Result::ok).collect();
                ensure_eq!(outputs, expected, "results, with {chunks:?}");
                let probe = Job::new(Probe::<String>::new(200)).plan(plan());
                for (index, output) in ok(probe.run(e))?.iter().enumerate() {
                    let right = output.is(&String::of(index));
                    ensure!(
                        right,
                        "item {index} has the output {output:?}, with {chunks:?}"
                    );
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn first<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 3] {
        s.on(workers, |e| {
            let log = Log::new();
            let plan = Plan::new().chunk(Chunks::of(1)).longest_first(costs(100));
            ok(Job::new(Script::new(100).log(log.pen())).plan(plan).run(e))?;
            let calls = log.of(Event::Call).into_iter();
            let calls: Vec<usize> = calls
                .filter_map(|r| usize::try_from(r.index).ok())
                .collect();
            if workers == 1 {
                ensure_eq!(calls, order(100), "items in the order of their calls");
            }
            ensure_eq!(log.calls(100), [1; 100], "calls of each item");
            Ok(())
        })?;
    }
    Ok(())
}

/// Of three items that fail, the lowest is called last.
fn lowest<E: Candidate>(s: &Subject<E>, act: &Act) -> Result<(), String> {
    for workers in [1, 2, 3] {
        for chunks in SOME_CHUNKS {
            s.on(workers, |e| {
                let rising = (0..100).map(|index| index * index);
                let plan = || Plan::new().chunk(chunks).longest_first(rising.clone());
                let script = [7, 40, 80]
                    .iter()
                    .fold(Script::new(100), |s, &i| s.item(i, act.clone()));
                let job = Job::new(script.labelled()).plan(plan());
                let error = err(job.run(e))?;
                let Some(item) = error.item() else {
                    return Err(format!("no item is blamed: {error}"));
                };
                ensure_eq!(
                    (item.index(), item.label()),
                    (7, Some("row 7")),
                    "item blamed ({error})"
                );
                let results = ok(job.try_run(e))?;
                for (index, result) in results.iter().enumerate() {
                    match result {
                        Ok(output) => ensure_eq!(*output, Script::output(index, 0), "output"),
                        Err(item) => {
                            let label = format!("row {index}");
                            ensure!([7, 40, 80].contains(&index), "an innocent: {item}");
                            ensure_eq!(
                                (item.index(), item.label()),
                                (index, Some(&*label)),
                                "name of item {index}"
                            );
                        }
                    }
                }
                Ok(())
            })
            .map_err(|why| format!("{chunks:?}: {why}"))?;
        }
    }
    Ok(())
}

fn lowest_err<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 3] {
        for chunks in SOME_CHUNKS {
            s.on(workers, |e| {
                let plan = || Plan::new().chunk(chunks).longest_first(0..100);
                let job = Job::new(Fallible::new(100, &[7, 60])).plan(plan());
                match err(job.run_ok(e))? {
                    Failed::Item { index: 7, error } => {
                        ensure_eq!(error, Fallible::refusal(7), "error");
                    }
                    other => return Err(format!("not item 7's error: {other:?}")),
                }
                let values = Job::new(Fallible::new(100, &[])).plan(plan()).run_ok(e);
                let values = values.map_err(|why| format!("{why:?}"))?;
                ensure_eq!(values, (0..100).map(mix).collect::<Vec<_>>(), "values");
                Ok(())
            })
            .map_err(|why| format!("{chunks:?}: {why}"))?;
        }
    }
    Ok(())
}

fn stop<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 3] {
        s.on(workers, |e| {
            let plan = Plan::new()
                .chunk(Chunks::of(3))
                .longest_first(costs(100))
                .on_error(OnError::Stop);
            let script = Script::new(100).item(40, Act::Panic).item(90, Act::Panic);
            let results = ok(Job::new(script).plan(plan).try_run(e))?;
            for (index, result) in results.iter().enumerate() {
                let seen = match (index, result) {
                    (0..40, Ok(output)) => *output == Script::output(index, 0),
                    (40, Err(item)) => item.to_string().contains("gives up"),
                    (41.., Err(item)) => item
                        .to_string()
                        .ends_with("was not needed: item 40 had failed"),
                    _ => false,
                };
                ensure!(seen, "item {index}: {result:?}");
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn for_each<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 2, 3] {
        s.on(workers, |e| {
            let job = || Job::new(Probe::<String>::new(300));
            let plan = || Plan::new().longest_first(costs(300)).window(20);
            let (mut ordered, mut unordered, mut wrong) = (Vec::new(), Vec::new(), 0);
            ok(job().plan(plan()).for_each(e, |index, output| {
                wrong += usize::from(!output.is(&String::of(index)));
                ordered.push(index);
            }))?;
            ok(job().plan(plan().unordered()).for_each(e, |index, output| {
                wrong += usize::from(!output.is(&String::of(index)));
                unordered.push(index);
            }))?;
            ensure_eq!(wrong, 0, "outputs that are another item's");
            let all: Vec<usize> = (0..300).collect();
            ensure_eq!(ordered, all, "items delivered, in order");
            ensure!(!unordered.is_sorted(), "the order was not followed");
            unordered.sort_unstable();
            ensure_eq!(unordered, all, "items delivered, in any order");
            Ok(())
        })?;
    }
    Ok(())
}

fn redo<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 2, 3] {
        for chunks in SOME_CHUNKS {
            s.on(workers, |e| {
                let (log, mark) = (Log::new(), Log::new());
                let failing = [0, 1, 24, 25, 60, 99];
                let script = failing.iter().fold(Script::new(100), |s, &i| {
                    s.item(i, Act::PanicAtFirst(mark.pen()))
                });
                let job = Job::new(script.log(log.pen())).plan(Plan::new().chunk(chunks));
                let mut results = ok(job.try_run(e))?;
                let failed = results.iter().filter(|r| r.is_err()).count();
                ensure_eq!(failed, failing.len(), "items that failed");
                mark.pen().write(Event::Call, 0, 0);
                ensure_eq!(
                    ok(job.redo(e, &mut results))?,
                    0,
                    "items still without output"
                );
                for (index, result) in results.iter().enumerate() {
                    let output = result.as_ref().ok();
                    let expected = Script::output(index, 0);
                    ensure_eq!(output, Some(&expected), "output of item {index}");
                }
                let calls = log.calls(100);
                let expected: Vec<u32> = (0..100)
                    .map(|i| 1 + u32::from(failing.contains(&i)))
                    .collect();
                ensure_eq!(calls, expected, "calls of each item");
                ensure_eq!(ok(job.redo(e, &mut results))?, 0, "nothing is left");
                ensure_eq!(log.calls(100), expected, "calls, with nothing to redo");
                Ok(())
            })
            .map_err(|why| format!("{chunks:?}: {why}"))?;
        }
    }
    Ok(())
}

fn redo_again<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 3] {
        s.on(workers, |e| {
            let log = Log::new();
            let failing = [3, 30, 31, 77];
            let script = failing
                .iter()
                .fold(Script::new(100), |s, &i| s.item(i, Act::Panic));
            let plan = Plan::new().chunk(Chunks::of(1)).longest_first(0..100);
            let job = Job::new(script.labelled().log(log.pen())).plan(plan);
            let mut results = ok(job.try_run(e))?;
            let before = log.of(Event::Call).len();
            ensure_eq!(
                ok(job.redo(e, &mut results))?,
                4,
                "items still without output"
            );
            let names: Vec<_> = results
                .iter()
                .filter_map(|r| r.as_ref().err())
                .map(|e| (e.index(), e.label().map(str::to_owned)))
                .collect();
            let expected = failing.map(|index| (index, Some(format!("row {index}"))));
            ensure_eq!(names, expected, "failures");
            let again: Vec<u64> = log.of(Event::Call)[before..]
                .iter()
                .map(|record| record.index)
                .collect();
            if workers == 1 {
                ensure_eq!(
                    again,
                    [77, 31, 30, 3],
                    "items called again, the longest first"
                );
            }
            let mut few: Vec<Result<String, ItemError>> = vec![Ok(String::new())];
            let error = err(job.redo(e, &mut few))?;
            ensure!(error.is_plan(), "results of another map: {error}");
            Ok(())
        })?;
    }
    Ok(())
}
