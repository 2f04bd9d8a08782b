//! C2: outputs come back in item order whatever the arrival order, equal to `Serial`'s; for every kind of
//! output, number of items, number of workers and chunk policy.

use super::{List, WORKERS, policies};
use crate::candidate::Candidate;
use crate::ensure::{ensure, ensure_eq, ok};
use crate::subject::Subject;
use crate::tasks::{Aligned, Bulk, Counted, Fallible, Nested, NoSpace, Probe, Product, Worded};
use partools_core::{Executor, Job, Plan, Serial};

/// Numbers of items.
const COUNTS: [usize; 6] = [0, 1, 2, 7, 1000, 100_000];

pub(super) fn list<E: Candidate>(list: &mut List<E>) {
    add::<E, ()>(list);
    add::<E, u8>(list);
    add::<E, f64>(list);
    add::<E, String>(list);
    add::<E, Vec<f64>>(list);
    add::<E, Nested>(list);
    add::<E, NoSpace>(list);
    add::<E, Aligned>(list);
    add::<E, Counted>(list);
    add::<E, Bulk>(list);
    list.add("c2_order::values_of_closures_that_may_fail", |s| {
        fallible(&s)
    });
}

fn add<E, O>(list: &mut List<E>)
where
    E: Candidate + Executor<Probe<O>>,
    O: Product,
{
    let large = std::any::TypeId::of::<O>() == std::any::TypeId::of::<Bulk>();
    for count in COUNTS.into_iter().filter(|&count| !large || count <= 7) {
        list.add(format_args!("c2_order::{}_of_{count}", O::NAME), move |s| {
            as_serial::<E, O>(&s, count, !large)
        });
    }
}

fn as_serial<E, O>(s: &Subject<E>, count: usize, all_endings: bool) -> Result<(), String>
where
    E: Candidate + Executor<Probe<O>>,
    O: Product,
{
    let live = O::live();
    let serial = ok(Job::new(Probe::<O>::new(count)).run(&Serial))?;
    in_order(&serial, count).map_err(|why| format!("on Serial: {why}"))?;
    drop(serial);
    for workers in WORKERS {
        s.on(workers, |e| {
            let policies = policies(count);
            for (number, chunks) in policies.iter().enumerate() {
                let job = Job::new(Probe::<O>::new(count)).plan(Plan::new().chunk(*chunks));
                // Where there are many items the other endings take turns.
                let turn = all_endings && (count <= 1000 || number == workers % policies.len());
                endings(&job, e, count, turn).map_err(|why| format!("{chunks:?}: {why}"))?;
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
