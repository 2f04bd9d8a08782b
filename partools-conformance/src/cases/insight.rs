//! Insight: observers hear of each map on every executor, whatever its ending, also on one that knows nothing of them;
//! and looking on changes nothing.

use super::{List, SOME_CHUNKS, WORKERS};
use crate::candidate::Candidate;
use crate::ensure::{ensure, ensure_eq, err, ok};
use crate::quiet;
use crate::subject::Subject;
use crate::tasks::{Act, Probe, Product, Script};
use partools_core::{CancelToken, Chunks, Event, Job, Moment, Observer, Plan, Report};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(super) fn list<E: Candidate>(list: &mut List<E>) {
    list.add("insight::each_item_is_told_done_exactly_once", |s| once(&s));
    list.add("insight::each_item_is_told_done_once_in_a_stream", |s| {
        streamed(&s)
    });
    list.add("insight::what_failed_and_was_retried_is_told", |s| {
        failures(&s)
    });
    list.add("insight::a_report_works_with_every_ending", |s| endings(&s));
    list.add("insight::a_report_adds_up", |s| adds_up(&s));
    list.add("insight::an_observer_that_panics_changes_nothing", |s| {
        panics(&s)
    });
    list.add("insight::a_crash_is_told_and_its_item_named", |s| crash(&s));
    list.only_isolated();
}

/// What an observer hears, kept.
#[derive(Clone, Default)]
struct Ears(Arc<Mutex<Heard>>);

#[derive(Default)]
struct Heard {
    /// `Started` and `Ended`, as "(" and ")", and "!" where something came outside of these.
    shape: String,
    done: Vec<Range<usize>>,
    failed: Vec<usize>,
    /// Items at which workers were said to die.
    fatal: Vec<usize>,
    /// Failed, as far as the ends of claims say.
    failed_in_claims: usize,
    /// Items that were handed out, counted as often as they were.
    claimed: usize,
}

impl Ears {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Ears {
    fn event(&self, event: &Event<'_>, _: &Moment) {
        let mut heard = self.heard();
        match event {
            Event::Started { .. } => heard.shape.push('('),
            Event::Ended { .. } => heard.shape.push(')'),
            _ if !heard.shape.ends_with('(') => heard.shape.push('!'),
            Event::Claimed { items, .. } => heard.claimed += items.len(),
            Event::Done { items, failed, .. } => {
                heard.done.push(items.clone());
                heard.failed_in_claims += failed;
            }
            Event::Failed { error } => heard.failed.push(error.index()),
            Event::WorkerDied { item, .. } => heard.fatal.extend(*item),
            _ => {}
        }
    }
}

/// The items that were told done, if each was told once.
fn told(heard: &Heard) -> Result<usize, String> {
    ensure_eq!(
        heard.shape,
        "()",
        "begin and end of the map, and nothing outside"
    );
    let mut done = heard.done.clone();
    done.sort_by_key(|range| range.start);
    let mut reached = 0;
    for range in &done {
        ensure!(!range.is_empty(), "told of no items: {range:?}");
        ensure!(
            range.start >= reached,
            "item {} was told done twice",
            range.start
        );
        reached = range.end;
    }
    let items = done.iter().map(ExactSizeIterator::len).sum();
    ensure!(
        heard.claimed >= items,
        "{items} items are done, and only {} were handed out",
        heard.claimed
    );
    Ok(items)
}

fn once<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in WORKERS {
        for chunks in SOME_CHUNKS {
            s.on(workers, |e| {
                let ears = Ears::default();
                let plan = Plan::new().chunk(chunks).observe(&ears);
                let outputs = ok(Job::new(Probe::<u8>::new(1000)).plan(plan).run(e))?;
                let expected: Vec<u8> = (0..1000).map(u8::of).collect();
                ensure!(outputs == expected, "looking on changed the outputs");
                ensure_eq!(told(&ears.heard())?, 1000, "items told done");
                Ok(())
            })
            .map_err(|why| format!("{chunks:?}: {why}"))?;
        }
    }
    Ok(())
}

fn streamed<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 2, 3] {
        s.on(workers, |e| {
            let ears = Ears::default();
            let plan = Plan::new().window(10).observe(&ears);
            let (mut delivered, mut untold) = (0, 0);
            ok(Job::new(Probe::<String>::new(300))
                .plan(plan)
                .for_each(e, |index, _| {
                    delivered += 1;
                    // What is delivered was told done before.
                    let is_told = ears.heard().done.iter().any(|r| r.contains(&index));
                    untold += usize::from(!is_told);
                }))?;
            ensure_eq!(
                (delivered, untold),
                (300, 0),
                "delivered, and not told before"
            );
            ensure_eq!(told(&ears.heard())?, 300, "items told done");
            Ok(())
        })?;
    }
    Ok(())
}

fn failures<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 2, 3] {
        for chunks in SOME_CHUNKS {
            s.on(workers, |e| {
                let (ears, report) = (Ears::default(), Report::new());
                let script = Script::new(100)
                    .item(7, Act::PanicBefore(1))
                    .item(40, Act::Panic)
                    .item(99, Act::Panic);
                let plan = Plan::new().chunk(chunks).retries(2);
                let plan = plan.observe(&ears).observe(&report);
                let results = ok(Job::new(script).plan(plan).try_run(e))?;
                ensure!(results[7].is_ok(), "item 7 was not tried again");
                let mut heard = ears.heard();
                heard.failed.sort_unstable();
                ensure_eq!(heard.failed, [40, 99], "items told failed");
                ensure_eq!(heard.failed_in_claims, 2, "failures told with claims");
                ensure_eq!(told(&heard)?, 100, "items told done");
                let summary = report.summary();
                ensure_eq!(summary.failed, 2, "failures in the report");
                // An executor whose workers are elsewhere may not bring home that they tried again. None, or all.
                ensure!(
                    matches!(summary.retries, 0 | 5),
                    "{} retries in the report where there were 5",
                    summary.retries
                );
                Ok(())
            })
            .map_err(|why| format!("{chunks:?}: {why}"))?;
        }
    }
    Ok(())
}

fn endings<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 3] {
        s.on(workers, |e| {
            let (ears, report) = (Ears::default(), Report::new());
            let observed = || Plan::new().observe(&ears).observe(&report);
            let ended = || report.summary().ending.unwrap_or_default();
            let script = Script::new(100).item(30, Act::Panic);

            let error = err(Job::new(script.clone()).plan(observed()).run(e))?;
            ensure_eq!(
                ended(),
                error.to_string(),
                "what the report says of an error"
            );
            let finished = report.summary().finished;
            ensure!(
                finished > 30,
                "{finished} items are finished, and 30 failed"
            );

            let mut delivered = 0;
            let job = Job::new(script.clone()).plan(observed());
            err(job.for_each(e, |_, _| delivered += 1))?;
            let finished = report.summary().finished;
            ensure!(
                finished > delivered,
                "{finished} items are finished, {delivered} delivered, and one failed"
            );

            let job = Job::new(script).plan(observed());
            quiet::payload_of(|| drop(job.for_each(e, |index, _| assert!(index < 3, "enough"))));
            ensure_eq!(ended(), "a panic, which goes on", "what it says of a panic");

            let late = Script::new(1000).items(0..1000, Act::Sleep(Duration::from_millis(1)));
            let plan = observed().deadline(Duration::from_millis(30));
            let results = ok(Job::new(late).plan(plan).try_run(e))?;
            let kept = results.iter().filter(|result| result.is_ok()).count();
            ensure!(kept < 1000, "the deadline did not stop it");
            ensure_eq!(report.summary().finished, kept, "items told done in time");
            ensure_eq!(ended(), "the map's deadline passed", "what it says of that");

            let token = CancelToken::new();
            token.cancel();
            let plan = observed().cancel(&token);
            err(Job::new(Probe::<u8>::new(10)).plan(plan).run(e))?;
            ensure_eq!(report.summary().finished, 0, "items of a cancelled map");

            ok(Job::new(Probe::<u8>::new(0)).plan(observed()).run(e))?;
            ensure_eq!(ears.heard().shape, "()".repeat(6), "begins and ends");
            Ok(())
        })?;
    }
    Ok(())
}

fn adds_up<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 2, 3] {
        s.on(workers, |e| {
            let report = Report::new();
            let script = Script::new(40)
                .items(0..40, Act::Sleep(Duration::from_millis(1)))
                .item(25, Act::Sleep(Duration::from_millis(100)));
            let plan = Plan::new().chunk(Chunks::of(5)).observe(&report);
            ok(Job::new(script).plan(plan).run(e))?;
            let summary = report.summary();
            ensure_eq!((summary.items, summary.finished), (40, 40), "items");
            ensure_eq!(summary.chunks, 8, "chunks");
            let by_workers: usize = summary.workers.iter().map(|w| w.items).sum();
            ensure_eq!(by_workers, 40, "items of all workers");
            let busy: Duration = summary.workers.iter().map(|w| w.busy).sum();
            // Sleeping takes at least as long as it says.
            ensure!(
                busy >= Duration::from_millis(140),
                "{busy:?} of work where 140 ms were slept"
            );
            for worker in summary.workers.iter().filter(|w| w.worker.is_some()) {
                ensure!(
                    worker.busy <= summary.elapsed + Duration::from_millis(1),
                    "worker {:?} was busy for {:?} of {:?}",
                    worker.worker,
                    worker.busy,
                    summary.elapsed
                );
            }
            // Another may have been slower, on a processor that has much to do.
            let mut slowest = summary.slowest.iter();
            ensure!(
                slowest.any(|t| t.items().contains(&25) && t.took() >= Duration::from_millis(101)),
                "the slowest are {:?}, where item 25 slept longest",
                summary.slowest
            );
            ensure_eq!(report.to_string().is_empty(), false, "the table is empty");
            Ok(())
        })?;
    }
    Ok(())
}

/// Panics whenever it is told something.
#[derive(Clone)]
struct Thrower;

impl Observer for Thrower {
    fn event(&self, _: &Event<'_>, _: &Moment) {
        panic!("an observer's own trouble");
    }
}

fn panics<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 2, 3] {
        s.on(workers, |e| {
            let ears = Ears::default();
            let plan = Plan::new().observe(&Thrower).observe(&ears);
            let job = Job::new(Probe::<u8>::new(100)).plan(plan);
            let outputs = ok(job.run(e))?;
            ensure_eq!(outputs.len(), 100, "outputs");
            ensure_eq!(told(&ears.heard())?, 100, "items told done to the other");
            Ok(())
        })?;
    }
    Ok(())
}

fn crash<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 2] {
        s.on(workers, |e| {
            let (ears, report) = (Ears::default(), Report::new());
            let script = Script::new(60)
                .item(20, Act::Abort)
                .item(41, Act::KillBefore(9, 1));
            let plan = Plan::new().chunk(Chunks::of(6)).retries(1);
            let plan = plan.observe(&ears).observe(&report);
            let results = ok(Job::new(script).plan(plan).try_run(e))?;
            let failed: Vec<usize> = (0..60).filter(|&i| results[i].is_err()).collect();
            ensure_eq!(failed, [20], "items that failed");
            ensure_eq!(ears.heard().failed, [20], "items told failed");
            ensure_eq!(told(&ears.heard())?, 60, "items told done");
            let retries = report.summary().retries;
            ensure!(
                retries >= 1,
                "no retry in the report, and item 20 died twice"
            );
            // By its index, also where it is called out of order.
            let ears = Ears::default();
            let script = Script::new(60).item(20, Act::Abort);
            let plan = Plan::new().chunk(Chunks::of(1)).longest_first(0..60);
            ok(Job::new(script).plan(plan.observe(&ears)).try_run(e))?;
            // Executors need not tell of deaths; what they tell is right.
            let mut fatal = ears.heard().fatal.clone();
            fatal.retain(|&item| item != 20);
            ensure_eq!(
                fatal,
                [0; 0],
                "other items at which workers were told to die"
            );
            Ok(())
        })?;
    }
    Ok(())
}
