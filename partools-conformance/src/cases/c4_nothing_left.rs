//! C4: when a map returns, normally or not, nothing is left. Every case of the suite looks for that; these
//! look after every single call, and at what adds up.

use super::List;
use crate::candidate::Candidate;
use crate::ensure::{ensure, err, ok};
use crate::leaks::Snapshot;
use crate::quiet;
use crate::subject::Subject;
use crate::tasks::{Act, Fallible, Probe, Script};
use partools_core::{Job, Plan};
use std::time::Duration;

pub(super) fn list<E: Candidate>(list: &mut List<E>) {
    list.add("c4_nothing_left::after_each_of_many_maps", |s| {
        after_each(&s)
    });
    list.only_with_proc();
    list.add(
        "c4_nothing_left::an_executor_that_is_kept_keeps_no_more_with_each_map",
        |s| kept(&s),
    );
    list.only_with_proc();
    list.add(
        "c4_nothing_left::an_executor_that_never_ran_leaves_nothing",
        |s| (0..20).try_for_each(|_| s.on(3, |_| Ok(()))),
    );
    list.only_with_proc();
}

/// One map of each kind: all is well, an item panics, an item returns an error, the callback panics.
fn one_of_each<E: Candidate>(
    e: &E,
    after: &dyn Fn(&str) -> Result<(), String>,
) -> Result<(), String> {
    ok(Job::new(Probe::<String>::new(1000)).run(e))?;
    after("run")?;
    err(Job::new(Probe::<String>::new(1000).fails_at(500)).run(e))?;
    after("run with an item that panics")?;
    ok(Job::new(Script::new(100).item(7, Act::Panic))
        .plan(Plan::new().retries(1))
        .try_run(e))?;
    after("try_run with an item that panics")?;
    err(Job::new(Fallible::new(100, &[7])).run_ok(e))?;
    after("run_ok with an error")?;
    ok(Job::new(Probe::<Vec<f64>>::new(1000)).for_each(e, |_, _| {}))?;
    after("for_each")?;
    let payload = quiet::payload_of(|| {
        let _ = Job::new(Probe::<u8>::new(1000)).for_each(e, |_, _| panic!("enough"));
    });
    ensure!(payload.is_some(), "the panic of the callback got lost");
    after("for_each with a callback that panics")
}

fn after_each<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 2, 3, 8] {
        s.on(workers, |e| {
            let before = Snapshot::take();
            for _ in 0..10 {
                one_of_each(e, &|what| match s.keeps_workers {
                    true => Ok(()),
                    false => s
                        .nothing_left(&before)
                        .map_err(|why| format!("after {what}: {why}")),
                })?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn kept<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    s.on(3, |e| {
        let at_first = Snapshot::take();
        // Slow items, so that every worker that will ever be kept gets some.
        let warm = Script::new(30).items(0..30, Act::Sleep(Duration::from_millis(1)));
        ok(Job::new(warm).run(e))?;
        one_of_each(e, &|_| Ok(()))?;
        // A thread that is granted some time to vanish must not be seen now and missed later.
        if !s.keeps_workers {
            s.nothing_left(&at_first)?;
        }
        let before = Snapshot::take();
        for _ in 0..20 {
            one_of_each(e, &|_| Ok(()))?;
        }
        s.nothing_left(&before)
    })
}
