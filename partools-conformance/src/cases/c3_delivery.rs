//! C3: outputs are delivered on the calling thread; in order, within the window, and a callback that panics
//! ends the map and nothing else.

use super::{List, SOME_CHUNKS, WORKERS};
use crate::candidate::Candidate;
use crate::ensure::{ensure, ensure_eq, ok};
use crate::quiet;
use crate::record::{Event, Log};
use crate::subject::Subject;
use crate::tasks::{Act, Counted, Probe, Product, Script};
use partools_core::{Chunks, Job, Plan};
use std::time::Duration;

pub(super) fn list<E: Candidate>(list: &mut List<E>) {
    list.add("c3_delivery::outputs_come_on_the_calling_thread", |s| {
        calling_thread(&s)
    });
    list.add("c3_delivery::workers_keep_within_the_window", |s| {
        window(&s)
    });
    list.add(
        "c3_delivery::outputs_come_while_others_are_still_made",
        |s| early(&s),
    );
    list.add(
        "c3_delivery::a_callback_that_panics_ends_the_map_and_nothing_else",
        |s| panics(&s),
    );
    list.add(
        "c3_delivery::outputs_below_a_failure_are_delivered_before_it",
        |s| failure(&s),
    );
}

fn calling_thread<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    let here = (std::process::id(), std::thread::current().id());
    for workers in WORKERS {
        s.on(workers, |e| {
            let mut elsewhere = 0;
            ok(Job::new(Probe::<String>::new(1000)).for_each(e, |_, _| {
                elsewhere += usize::from((std::process::id(), std::thread::current().id()) != here);
            }))?;
            ensure_eq!(elsewhere, 0, "outputs delivered on another thread");
            Ok(())
        })?;
    }
    Ok(())
}

/// Looks at the log of calls from within the callback: no item may have been called that lies a window or
/// more behind the item being delivered. A worker that runs ahead unseen, between two looks, escapes;
/// therefore the callback is slow.
fn window<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 2, 3] {
        for chunk in [1, 3] {
            s.on(workers, |e| {
                let log = Log::new();
                let window = 10;
                let plan = Plan::new().window(window).chunk(Chunks::of(chunk));
                let job = Job::new(Script::new(60).log(log.pen())).plan(plan);
                let mut ahead = 0;
                ok(job.for_each(e, |index, _| {
                    std::thread::sleep(Duration::from_millis(1));
                    let calls = log.of(Event::Call);
                    let furthest = calls.iter().map(|r| r.index).max().unwrap_or(0);
                    ahead = ahead.max(furthest + 1 - index as u64);
                }))?;
                // The plan says: a chunk for each worker has room, however small the window.
                let room = window.max(chunk * workers) as u64;
                ensure!(
                    ahead <= room,
                    "workers ran {ahead} items ahead, {room} is the window"
                );
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// With a window of 10 and 60 items, an executor that delivers only at the end has called the last item
/// before it delivers the first.
fn early<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    s.on(2, |e| {
        let log = Log::new();
        let plan = Plan::new().window(10).chunk(Chunks::of(1));
        let script = Script::new(60).items(0..60, Act::Sleep(Duration::from_millis(1)));
        let mut called = None;
        ok(Job::new(script.log(log.pen()))
            .plan(plan)
            .for_each(e, |_, _| {
                called.get_or_insert_with(|| log.of(Event::Call).len());
            }))?;
        ensure!(
            called.is_some_and(|n| n < 60),
            "{called:?} items were called before the first output"
        );
        Ok(())
    })
}

fn panics<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 2, 3] {
        for chunks in SOME_CHUNKS {
            s.on(workers, |e| {
                let live = Counted::live();
                let job = Job::new(Probe::<Counted>::new(1000)).plan(Plan::new().chunk(chunks));
                let mut delivered = 0;
                let payload = quiet::payload_of(|| {
                    let result = job.for_each(e, |index, _| {
                        delivered += 1;
                        assert!(index != 30, "that is enough");
                    });
                    // Not reached: the panic goes on.
                    drop(result);
                });
                ensure_eq!(
                    payload.as_deref(),
                    Some("that is enough"),
                    "payload of the resumed panic"
                );
                ensure_eq!(delivered, 31, "outputs delivered");
                ensure_eq!(Counted::live(), live, "outputs alive afterwards");
                let again = ok(job.run(e))?;
                ensure_eq!(again.len(), 1000, "outputs of the next map");
                Ok(())
            })
            .map_err(|why| format!("{chunks:?}: {why}"))?;
        }
    }
    Ok(())
}

fn failure<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 2, 3] {
        for chunks in SOME_CHUNKS {
            s.on(workers, |e| {
                let script = Script::new(100)
                    .item(40, Act::Panic)
                    .item(60, Act::Panic)
                    .labelled();
                let mut delivered = Vec::new();
                let job = Job::new(script).plan(Plan::new().chunk(chunks));
                let result = job.for_each(e, |index, _| delivered.push(index));
                let error = crate::ensure::err(result)?;
                let blamed = error.item().map(|item| (item.index(), item.label()));
                ensure_eq!(blamed, Some((40, Some("row 40"))), "item blamed");
                ensure_eq!(delivered, (0..40).collect::<Vec<_>>(), "items delivered");
                Ok(())
            })
            .map_err(|why| format!("{chunks:?}: {why}"))?;
        }
    }
    Ok(())
}
