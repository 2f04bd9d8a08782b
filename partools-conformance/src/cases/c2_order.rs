//! C2: outputs come back in item order whatever the arrival order, equal to `Serial`'s; for every kind of
//! output, number of items, number of workers and chunk policy. The outputs of a map are compared with what
//! `Serial` gave, which is made, and checked itself, once for each kind and number of items.

use super::{List, POLICIES, WORKERS};
use crate::candidate::Candidate;
use crate::ensure::{ensure, ensure_eq, ok};
use crate::subject::Subject;
use crate::tasks::{Aligned, Bulk, Counted, Fallible, Nested, NoSpace, Probe, Product, Worded};
use partools_core::{Executor, Job, Plan, Serial};

/// Numbers of items of all kinds.
const COUNTS: [usize; 5] = [0, 1, 2, 7, 1000];

/// As many as make the outputs and the bookkeeping large.
const MANY: usize = 100_000;

/// Numbers of items whose outputs are five megabytes each.
const LARGE_COUNTS: [usize; 4] = [0, 1, 2, 7];

/// Where the endings beside `run`, which is tried with every number of workers under every chunk policy,
/// are tried.
#[derive(Debug, Clone, Copy)]
enum Others {
    /// There, too.
    Everywhere,
    /// With every number of workers and under every policy, but not with each pair of these.
    InTurns,
}

impl Others {
    fn are_due(self, worker: usize, policy: usize) -> bool {
        match self {
            Others::Everywhere => true,
            Others::InTurns => (worker + policy).is_multiple_of(WORKERS.len()),
        }
    }
}

pub(super) fn list<E: Candidate>(list: &mut List<E>) {
    for count in COUNTS {
        each_kind(list, count, Others::Everywhere);
    }
    list.add("c2_order::values_of_closures_that_may_fail", |s| {
        fallible(&s)
    });
}

/// The cases that take long and leave a large heap behind. They come after all others, because every fork
/// pays for the heap.
pub(super) fn list_large<E: Candidate>(list: &mut List<E>) {
    for count in LARGE_COUNTS {
        add::<E, Vec<u64>>(list, count, Others::InTurns);
        add::<E, Bulk>(list, count, Others::InTurns);
    }
    each_kind(list, MANY, Others::InTurns);
}

fn each_kind<E: Candidate>(list: &mut List<E>, count: usize, others: Others) {
    add::<E, ()>(list, count, others);
    add::<E, u8>(list, count, others);
    add::<E, f64>(list, count, others);
    add::<E, String>(list, count, others);
    add::<E, Vec<f64>>(list, count, others);
    add::<E, NoSpace>(list, count, others);
    add::<E, Aligned>(list, count, others);
    add::<E, Counted>(list, count, others);
    // Leaves the largest heap.
    add::<E, Nested>(list, count, others);
}

fn add<E, O>(list: &mut List<E>, count: usize, others: Others)
where
    E: Candidate + Executor<Probe<O>>,
    O: Product,
{
    let name = format_args!("c2_order::{}_of_{count}", O::NAME);
    list.add(name, move |s| as_serial::<E, O>(&s, count, others));
}

fn as_serial<E, O>(s: &Subject<E>, count: usize, others: Others) -> Result<(), String>
where
    E: Candidate + Executor<Probe<O>>,
    O: Product,
{
    let expected = from_serial::<O>(count)?;
    let live = O::live();
    for (worker, workers) in WORKERS.into_iter().enumerate() {
        s.on(workers, |e| {
            for (policy, chunks) in POLICIES.into_iter().enumerate() {
                let job = Job::new(Probe::<O>::new(count)).plan(Plan::new().chunk(chunks));
                let map = Tried {
                    job: &job,
                    e,
                    expected: &expected,
                };
                map.endings(others.are_due(worker, policy))
                    .map_err(|why| format!("{chunks:?}: {why}"))?;
                ensure_eq!(
                    O::live(),
                    live,
                    "outputs alive when all are dropped, with {chunks:?}"
                );
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// What the outputs must be.
fn from_serial<O: Product>(count: usize) -> Result<Vec<O>, String> {
    let outputs = ok(Job::new(Probe::<O>::new(count)).run(&Serial))?;
    ensure_eq!(outputs.len(), count, "outputs that Serial gave");
    for (index, output) in outputs.iter().enumerate() {
        ensure!(
            output.is(&O::of(index)),
            "Serial gave not the output of item {index}"
        );
    }
    Ok(outputs)
}

/// A map to be tried, and what it must give.
struct Tried<'a, E, O> {
    job: &'a Job<Probe<O>>,
    e: &'a E,
    expected: &'a [O],
}

impl<E: Executor<Probe<O>>, O: Product> Tried<'_, E, O> {
    fn endings(&self, others: bool) -> Result<(), String> {
        self.run().map_err(|why| format!("run: {why}"))?;
        if others {
            self.for_each().map_err(|why| format!("for_each: {why}"))?;
            self.try_run().map_err(|why| format!("try_run: {why}"))?;
        }
        Ok(())
    }

    fn run(&self) -> Result<(), String> {
        let outputs = ok(self.job.run(self.e))?;
        self.in_order(outputs.iter())
    }

    fn for_each(&self) -> Result<(), String> {
        let mut next = 0;
        let mut wrong = None;
        ok(self.job.for_each(self.e, |index, output| {
            let is = |expected: &O| index == next && output.is(expected);
            if wrong.is_none() && !self.expected.get(next).is_some_and(is) {
                wrong = Some((next, index));
            }
            next += 1;
        }))?;
        ensure_eq!(next, self.expected.len(), "number of outputs");
        match wrong {
            None => Ok(()),
            Some((call, index)) => Err(format!("call {call} got item {index}, or not its output")),
        }
    }

    fn try_run(&self) -> Result<(), String> {
        let results = ok(self.job.try_run(self.e))?;
        if let Some(error) = results.iter().find_map(|result| result.as_ref().err()) {
            return Err(error.to_string());
        }
        self.in_order(results.iter().flatten())
    }

    fn in_order<'o>(&self, outputs: impl Iterator<Item = &'o O> + Clone) -> Result<(), String> {
        ensure_eq!(
            outputs.clone().count(),
            self.expected.len(),
            "number of outputs"
        );
        let mut pairs = outputs.zip(self.expected);
        match pairs.position(|(output, expected)| !output.is(expected)) {
            None => Ok(()),
            Some(place) => Err(format!("at place {place} lies not the output of that item")),
        }
    }
}

fn fallible<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in WORKERS {
        s.on(workers, |e| {
            for chunks in POLICIES {
                let plan = Plan::new().chunk(chunks);
                let job = Job::new(Fallible::new(1000, &[])).plan(plan.clone());
                let serial = job
                    .run_ok(&Serial)
                    .map_err(|why| format!("on Serial: {why:?}"))?;
                let values = job.run_ok(e).map_err(|why| format!("run_ok: {why:?}"))?;
                ensure!(
                    values == serial,
                    "run_ok gives other values than Serial with {chunks:?}"
                );
                let job = Job::new(Worded(Fallible::new(1000, &[]))).plan(plan);
                let values = ok(job.run_ok_text(e))?;
                ensure!(
                    values == serial,
                    "run_ok_text gives other values than Serial with {chunks:?}"
                );
            }
            Ok(())
        })?;
    }
    Ok(())
}
