//! C2: outputs come back in item order whatever the arrival order, equal to `Serial`'s; for every kind of
//! output, number of items, number of workers and chunk policy.

use super::{List, WORKERS, policies};
use crate::candidate::Candidate;
use crate::ensure::{ensure, ensure_eq, ok};
use crate::subject::Subject;
use crate::tasks::{Aligned, Bulk, Counted, Fallible, Nested, NoSpace, Probe, Product, Worded};
use partools_core::{Chunks, Executor, Job, Plan, Serial};

/// Numbers of items.
const COUNTS: [usize; 6] = [0, 1, 2, 7, 1000, 100_000];

/// How much of the matrix of workers, policies and endings is tried with an output of this kind. All of it
/// up to 1000 items; beyond, and where outputs are large, each number of workers gets some of the policies,
/// in turn, because debug builds take a second and more for one map that must encode its outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effort {
    /// All of it whatever the number of items.
    Full,
    /// Two policies for each number of workers.
    Some,
    /// One policy for each number of workers.
    Little,
    /// For large outputs: at most 7 items, two policies for each number of workers, and `run` alone.
    Few,
}

pub(super) fn list<E: Candidate>(list: &mut List<E>) {
    add::<E, ()>(list, Effort::Some);
    add::<E, u8>(list, Effort::Full);
    add::<E, f64>(list, Effort::Some);
    add::<E, String>(list, Effort::Little);
    add::<E, Vec<f64>>(list, Effort::Little);
    add::<E, Nested>(list, Effort::Little);
    add::<E, NoSpace>(list, Effort::Some);
    add::<E, Aligned>(list, Effort::Some);
    add::<E, Counted>(list, Effort::Some);
    add::<E, Vec<u64>>(list, Effort::Few);
    add::<E, Bulk>(list, Effort::Few);
    list.add("c2_order::values_of_closures_that_may_fail", |s| {
        fallible(&s)
    });
}

fn add<E, O>(list: &mut List<E>, effort: Effort)
where
    E: Candidate + Executor<Probe<O>>,
    O: Product,
{
    for count in COUNTS {
        if effort != Effort::Few || count <= 7 {
            let name = format_args!("c2_order::{}_of_{count}", O::NAME);
            list.add(name, move |s| as_serial::<E, O>(&s, count, effort));
        }
    }
}

/// The chunk policies to try with this number of workers, the `turn`th of [`WORKERS`].
fn chosen(count: usize, turn: usize, effort: Effort) -> Vec<Chunks> {
    let all = policies(count);
    let some = match effort {
        Effort::Few => 2,
        _ if count <= 1000 => all.len(),
        Effort::Full => all.len(),
        Effort::Some => 2,
        Effort::Little => 1,
    };
    let first = turn * some;
    all.iter().copied().cycle().skip(first).take(some).collect()
}

fn as_serial<E, O>(s: &Subject<E>, count: usize, effort: Effort) -> Result<(), String>
where
    E: Candidate + Executor<Probe<O>>,
    O: Product,
{
    let live = O::live();
    let serial = ok(Job::new(Probe::<O>::new(count)).run(&Serial))?;
    in_order(&serial, count).map_err(|why| format!("on Serial: {why}"))?;
    drop(serial);
    for (turn, workers) in WORKERS.into_iter().enumerate() {
        s.on(workers, |e| {
            for (number, chunks) in chosen(count, turn, effort).into_iter().enumerate() {
                let job = Job::new(Probe::<O>::new(count)).plan(Plan::new().chunk(chunks));
                let all = effort != Effort::Few && (count <= 1000 || (number == 0 && workers == 3));
                endings(&job, e, count, all).map_err(|why| format!("{chunks:?}: {why}"))?;
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

fn endings<E, O>(job: &Job<Probe<O>>, e: &E, count: usize, all: bool) -> Result<(), String>
where
    E: Executor<Probe<O>>,
    O: Product,
{
    in_order(&ok(job.run(e))?, count).map_err(|why| format!("run: {why}"))?;
    if !all {
        return Ok(());
    }
    let mut next = 0;
    let mut wrong = None;
    ok(job.for_each(e, |index, output| {
        if wrong.is_none() && (index != next || !output.is_of(index)) {
            wrong = Some(format!(
                "for_each: call {next} got item {index}, or not its output"
            ));
        }
        next += 1;
    }))?;
    if let Some(wrong) = wrong {
        return Err(wrong);
    }
    ensure_eq!(next, count, "outputs that for_each gave");
    let results = ok(job.try_run(e))?;
    let outputs: Vec<O> = ok(results.into_iter().collect())?;
    in_order(&outputs, count).map_err(|why| format!("try_run: {why}"))
}

/// Are these the outputs of items 0 to `count`, in order?
fn in_order<O: Product>(outputs: &[O], count: usize) -> Result<(), String> {
    ensure_eq!(outputs.len(), count, "number of outputs");
    let wrong = outputs
        .iter()
        .zip(0..)
        .find(|(output, index)| !output.is_of(*index));
    ensure!(
        wrong.is_none(),
        "at place {:?} lies not the output of that item",
        wrong.map(|(_, i)| i)
    );
    Ok(())
}

fn fallible<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in WORKERS {
        s.on(workers, |e| {
            for chunks in policies(1000) {
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
