//! C9: an empty map touches nothing: the executor is not even asked to run it. What a map of one cheap item
//! costs is for benches to say; here it is right.

use super::List;
use crate::candidate::Candidate;
use crate::ensure::{ensure, ensure_eq, ok};
use crate::leaks::Snapshot;
use crate::record::Log;
use crate::subject::Subject;
use crate::tasks::{Fallible, Probe, Stateful, Trouble};
use partools_core::{Caller, Capabilities, Error, Executor, Job, Run, Task};
use std::cell::Cell;

pub(super) fn list<E: Candidate>(list: &mut List<E>) {
    list.add("c9_empty::an_empty_map_is_never_executed", |s| {
        never_executed(&s)
    });
    list.add("c9_empty::an_empty_map_touches_nothing", |s| {
        touches_nothing(&s)
    });
    list.only_with_proc();
    list.add("c9_empty::a_map_of_one_item_is_right", |s| one(&s));
}

/// Counts how often it is asked what it can do, and to run a map.
struct Counting<'e, E> {
    executor: &'e E,
    asked: Cell<u32>,
    executed: Cell<u32>,
}

impl<T: Task, E: Executor<T>> Executor<T> for Counting<'_, E> {
    fn capabilities(&self) -> Capabilities {
        self.asked.set(self.asked.get() + 1);
        self.executor.capabilities()
    }
    fn execute(
        &self,
        task: &T,
        run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        self.executed.set(self.executed.get() + 1);
        self.executor.execute(task, run, caller)
    }
}

/// An empty map by each of the endings.
fn empty_maps<X>(e: &X) -> Result<(), String>
where
    X: Executor<Probe<String>> + Executor<Fallible> + Executor<Stateful>,
{
    let job = Job::new(Probe::<String>::new(0));
    ensure_eq!(ok(job.run(e))?.len(), 0, "outputs of run");
    ensure_eq!(ok(job.try_run(e))?.len(), 0, "outputs of try_run");
    let mut delivered = 0;
    ok(job.for_each(e, |_, _| delivered += 1))?;
    ensure_eq!(delivered, 0, "outputs of for_each");
    let values = Job::new(Fallible::new(0, &[]))
        .run_ok(e)
        .map_err(|why| format!("{why:?}"))?;
    ensure_eq!(values.len(), 0, "values of run_ok");
    let log = Log::new();
    ok(Job::new(Stateful::new(0, Trouble::StartPanics, log.pen())).run(e))?;
    ensure_eq!(log.read().len(), 0, "states made");
    Ok(())
}

fn never_executed<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    s.on(2, |e| {
        let counting = Counting {
            executor: e,
            asked: Cell::new(0),
            executed: Cell::new(0),
        };
        empty_maps(&counting)?;
        // To answer, an executor may look at the machine or start a pool.
        ensure_eq!(counting.asked.get(), 0, "questions for an empty map");
        ensure_eq!(
            counting.executed.get(),
            0,
            "times an empty map was executed"
        );
        ok(Job::new(Probe::<String>::new(1)).run(&counting))?;
        ensure_eq!(
            counting.executed.get(),
            1,
            "times a map of one item was executed"
        );
        Ok(())
    })
}

fn touches_nothing<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    s.on(8, |e| {
        let before = Snapshot::take();
        empty_maps(e)?;
        let changes = before.changes();
        ensure!(
            changes.is_empty(),
            "an empty map left or changed something: {changes}"
        );
        Ok(())
    })
}

fn one<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 8] {
        s.on(workers, |e| {
            for _ in 0..20 {
                ensure_eq!(
                    ok(Job::new(Probe::<u8>::new(1)).run(e))?.len(),
                    1,
                    "outputs"
                );
            }
            Ok(())
        })?;
    }
    Ok(())
}
