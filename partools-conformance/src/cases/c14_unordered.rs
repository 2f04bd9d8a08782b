//! C14: without order, outputs are delivered as they are ready: each once, with its index, on the calling thread, within
//! the window; and the error is the one that it would be in order.

use super::{List, POLICIES, SOME_CHUNKS, WORKERS};
use crate::candidate::Candidate;
use crate::ensure::{ensure, ensure_eq, err, ok};
use crate::quiet;
use crate::record::{Event, Here, Log};
use crate::subject::Subject;
use crate::tasks::{Act, Counted, Probe, Product, Script};
use partools_core::{Chunks, ItemError, Job, OnError, Plan};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

pub(super) fn list<E: Candidate>(list: &mut List<E>) {
    let workers = list.capabilities.workers();
    list.add("c14_unordered::each_output_once_with_its_index", |s| {
        once(&s)
    });
    list.add("c14_unordered::a_slow_item_holds_nobody_up", |s| {
        not_held_up(&s)
    });
    list.only_where(workers > 1, "the executor has one worker");
    list.add("c14_unordered::workers_keep_within_the_window", |s| {
        window(&s)
    });
    list.add("c14_unordered::the_lowest_failure_is_the_error", |s| {
        lowest(&s)
    });
    list.add(
        "c14_unordered::a_callback_that_panics_drops_each_output_once",
        |s| panics(&s),
    );
}

fn once<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    let here = Here::now();
    for workers in WORKERS {
        s.on(workers, |e| {
            for chunks in POLICIES {
                let plan = Plan::new().unordered().chunk(chunks).window(50);
                let mut delivered = [0; 1000];
                let (mut elsewhere, mut wrong) = (0, 0);
                ok(Job::new(Probe::<String>::new(1000))
                    .plan(plan)
                    .for_each(e, |index, output| {
                        delivered[index] += 1;
                        elsewhere += usize::from(Here::now() != here);
                        wrong += usize::from(!output.is(&String::of(index)));
                    }))?;
                let others = delivered.iter().filter(|&&times| times != 1).count();
                ensure_eq!(
                    (others, wrong, elsewhere),
                    (0, 0, 0),
                    "items not delivered once, with another's output, on another thread, with {chunks:?}"
                );
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Items take longer on any thread but the calling one, which may work too; and item 0 most of all.
fn not_held_up<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    let here = Here::now();
    s.on(2, |e| {
        let script = Script::new(60)
            .items(0..60, Act::Sleep(MS))
            .items(0..60, Act::SleepElsewhere(20 * MS, here))
            .item(0, Act::SleepElsewhere(200 * MS, here));
        let mut order = Vec::new();
        let plan = Plan::new().unordered().chunk(Chunks::of(1)).window(60);
        ok(Job::new(script)
            .plan(plan)
            .for_each(e, |index, _| order.push(index)))?;
        ensure!(
            !order.is_sorted(),
            "a slow item held up those behind it: {order:?}"
        );
        order.sort_unstable();
        ensure_eq!(order, (0..60).collect::<Vec<_>>(), "items delivered");
        Ok(())
    })
}

/// As in order: no item is called that lies a window or more behind the lowest that is not delivered.
fn window<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 2, 3] {
        for chunk in [1, 3] {
            s.on(workers, |e| {
                let log = Log::new();
                let window = 5;
                let plan = Plan::new()
                    .unordered()
                    .window(window)
                    .chunk(Chunks::of(chunk));
                let script = Script::new(60).item(20, Act::Sleep(50 * MS));
                let (mut ahead, mut delivered) = (0, [false; 60]);
                ok(Job::new(script.log(log.pen()))
                    .plan(plan)
                    .for_each(e, |index, _| {
                        std::thread::sleep(MS);
                        let lowest = delivered.iter().position(|&was| !was).unwrap_or(60);
                        let calls = log.of(Event::Call);
                        let furthest = calls.iter().map(|r| r.index).max().unwrap_or(0);
                        ahead = ahead.max((furthest + 1).saturating_sub(lowest as u64));
                        delivered[index] = true;
                    }))?;
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

fn lowest<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 2, 3] {
        for chunks in SOME_CHUNKS {
            for then in [OnError::Stop, OnError::Collect] {
                s.on(workers, |e| {
                    let script = Script::new(100)
                        .item(7, Act::Sleep(5 * MS))
                        .item(7, Act::Panic)
                        .item(40, Act::Panic);
                    let plan = Plan::new().unordered().chunk(chunks).on_error(then);
                    let mut delivered = [0; 100];
                    let job = Job::new(script).plan(plan);
                    let error = err(job.for_each(e, |index, _| delivered[index] += 1))?;
                    let blamed = error.item().map(ItemError::index);
                    ensure_eq!(blamed, Some(7), "item blamed ({error})");
                    let mut expected = [1; 100];
                    expected[7] = 0;
                    expected[40] = 0;
                    if then == OnError::Stop {
                        ensure!(
                            delivered.iter().zip(expected).all(|(&n, most)| n <= most),
                            "deliveries of each item: {delivered:?}"
                        );
                        ensure_eq!(delivered[..7], [1; 7], "deliveries below the failure");
                    } else {
                        ensure_eq!(delivered, expected, "deliveries of each item");
                    }
                    Ok(())
                })
                .map_err(|why| format!("{chunks:?}, {then:?}: {why}"))?;
            }
        }
    }
    Ok(())
}

fn panics<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 2, 3] {
        for chunks in SOME_CHUNKS {
            s.on(workers, |e| {
                let live = Counted::live();
                let plan = Plan::new().unordered().chunk(chunks);
                let job = Job::new(Probe::<Counted>::new(1000)).plan(plan);
                let mut delivered = 0;
                let payload = quiet::payload_of(|| {
                    let result = job.for_each(e, |_, _| {
                        delivered += 1;
                        assert!(delivered < 31, "that is enough");
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
                Ok(())
            })
            .map_err(|why| format!("{chunks:?}: {why}"))?;
        }
    }
    Ok(())
}
