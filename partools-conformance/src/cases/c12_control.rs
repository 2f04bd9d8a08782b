//! C12: a token that is cancelled and a deadline that passes stop the map at once; what was finished is kept, and the
//! error says which of them it was.

use super::{List, SOME_CHUNKS, WORKERS};
use crate::candidate::Candidate;
use crate::ensure::{ensure, ensure_eq, err, ok};
use crate::record::{Event, Log};
use crate::subject::Subject;
use crate::tasks::{Act, Fallible, Probe, Product, Script, Stateful, Trouble};
use partools_core::{CancelToken, Cause, Error, Failed, Halt, ItemError, Job, Plan};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_millis(60);
/// Long for a map that is stopped, even on a busy machine; short for one that is not.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn list<E: Candidate>(list: &mut List<E>) {
    let kills = list.capabilities.kills_items();
    list.add(
        "c12_control::a_token_cancelled_before_the_map_calls_nothing",
        |s| {
            let token = CancelToken::new();
            token.cancel();
            nothing(&s, &Plan::new().cancel(&token), Halt::Cancelled)
        },
    );
    list.add("c12_control::no_time_at_all_calls_nothing", |s| {
        nothing(&s, &Plan::new().deadline(Duration::ZERO), Halt::Deadline)
    });
    #[cfg(unix)]
    list.add(
        "c12_control::a_token_cancelled_in_a_signal_handler_stops_the_map",
        |s| handler::cancelled(&s),
    );
    list.add("c12_control::a_deadline_stops_the_map", |s| deadline(&s));
    list.add("c12_control::an_item_that_hangs_is_killed", |s| hangs(&s));
    list.only_where(
        kills,
        "the executor does not declare the capability `kills_items`",
    );
    list.add(
        "c12_control::a_deadline_that_passes_while_states_are_made_calls_nothing",
        |s| start(&s),
    );
    list.add(
        "c12_control::nothing_is_delivered_behind_a_cancel_in_the_callback",
        |s| callback(&s),
    );
    list.add(
        "c12_control::nothing_is_delivered_behind_a_break_of_the_callback",
        |s| breaks(&s),
    );
    list.add(
        "c12_control::a_map_that_nobody_stops_is_like_any_other",
        |s| unstopped(&s),
    );
}

fn is(error: &Error, halt: Halt) -> Result<(), String> {
    let asked = (error.is_cancelled(), error.is_deadline());
    let expected = (halt == Halt::Cancelled, halt == Halt::Deadline);
    ensure_eq!(asked, expected, "is it cancelled, is it late ({error})");
    ensure!(error.item().is_none(), "an item is blamed: {error}");
    Ok(())
}

/// Each item has its output, or says that it was not run or was stopped; and if it says that it was not run, it was
/// not called. How many have their output.
fn accounted(
    results: &[Result<String, ItemError>],
    log: &Log,
    halt: Halt,
) -> Result<usize, String> {
    let called: BTreeSet<u64> = log.of(Event::Call).iter().map(|r| r.index).collect();
    let mut finished = 0;
    for (index, result) in results.iter().enumerate() {
        match result.as_ref().map_err(ItemError::cause) {
            Ok(output) => {
                ensure_eq!(*output, Script::output(index, 0), "output");
                finished += 1;
            }
            Err(Cause::NotRun { halt: why }) => {
                ensure_eq!(*why, halt, "what stopped item {index}");
                ensure!(
                    !called.contains(&(index as u64)),
                    "item {index} was called, and is said not to have been run"
                );
            }
            Err(Cause::Stopped { halt: why }) => ensure_eq!(*why, halt, "what stopped {index}"),
            Err(other) => return Err(format!("item {index} is blamed: it {other}")),
        }
        let named = result.as_ref().err().map_or(index, ItemError::index);
        ensure_eq!(named, index, "index in the failure of item {index}");
    }
    Ok(finished)
}

fn nothing<E: Candidate>(s: &Subject<E>, plan: &Plan, halt: Halt) -> Result<(), String> {
    for workers in [1, 3] {
        s.on(workers, |e| {
            let log = Log::new();
            let job = Job::new(Script::new(100).log(log.pen())).plan(plan.clone());
            is(&err(job.run(e))?, halt)?;
            is(
                &err(job.for_each(e, |_, _| panic!("something is delivered")))?,
                halt,
            )?;
            let results = ok(job.try_run(e))?;
            ensure_eq!(results.len(), 100, "results");
            ensure_eq!(accounted(&results, &log, halt)?, 0, "items finished");
            let fallible = Job::new(Fallible::new(100, &[7])).plan(plan.clone());
            match err(fallible.run_ok(e))? {
                Failed::Map(error) => is(&error, halt)?,
                item @ Failed::Item { .. } => return Err(format!("an item is blamed: {item:?}")),
            }
            ensure_eq!(log.read().len(), 0, "items called");
            let none = Job::new(Script::new(0)).plan(plan.clone());
            ensure_eq!(ok(none.run(e))?.len(), 0, "outputs of an empty map");
            Ok(())
        })?;
    }
    Ok(())
}

/// Runs a map of 1000 slow items that is stopped early, by all endings.
fn stopped<E: Candidate>(
    e: &E,
    script: &Script,
    plan: &dyn Fn() -> Plan,
    halt: Halt,
) -> Result<(), String> {
    let begun = Instant::now();
    let few = |log: &Log| {
        let called = log.of(Event::Call).len();
        ensure!(
            called < 500,
            "{called} of 1000 slow items were called although the map was stopped"
        );
        Ok(())
    };
    let log = Log::new();
    let job = |plan: Plan| Job::new(script.clone().log(log.pen())).plan(plan);
    is(&err(job(plan()).run(e))?, halt)?;
    few(&log)?;

    let log = Log::new();
    let job = |plan: Plan| Job::new(script.clone().log(log.pen())).plan(plan);
    let results = ok(job(plan()).try_run(e))?;
    ensure_eq!(results.len(), 1000, "results");
    let finished = accounted(&results, &log, halt)?;
    ensure!(finished > 0, "of what was finished, nothing was kept");
    few(&log)?;

    let mut delivered = Vec::new();
    is(
        &err(job(plan()).for_each(e, |index, _| delivered.push(index)))?,
        halt,
    )?;
    ensure!(
        delivered.iter().copied().eq(0..delivered.len()),
        "delivered out of order: {delivered:?}"
    );
    let took = begun.elapsed();
    ensure!(took < PATIENCE, "three stopped maps took {took:?}");
    Ok(())
}

fn deadline<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 2, 3] {
        s.on(workers, |e| {
            // Some come at once, so that something is finished even on a busy machine.
            let script = Script::new(1000).items(3..1000, Act::Sleep(SOON / 3));
            stopped(
                e,
                &script,
                &|| Plan::new().deadline(4 * SOON),
                Halt::Deadline,
            )
        })?;
    }
    Ok(())
}

fn hangs<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 3] {
        s.on(workers, |e| {
            let begun = Instant::now();
            let log = Log::new();
            let script = Script::new(100).item(7, Act::Hang).log(log.pen());
            let job = Job::new(script).plan(Plan::new().deadline(5 * SOON));
            let results = ok(job.try_run(e))?;
            accounted(&results, &log, Halt::Deadline)?;
            let halt = Halt::Deadline;
            ensure_eq!(
                results[7].as_ref().map_err(ItemError::cause),
                Err(&Cause::Stopped { halt }),
                "item 7"
            );
            is(&err(job.run(e))?, halt)?;
            let took = begun.elapsed();
            ensure!(took < PATIENCE, "two stopped maps took {took:?}");
            Ok(())
        })?;
    }
    Ok(())
}

fn start<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 3] {
        s.on(workers, |e| {
            let log = Log::new();
            let stateful = Stateful::new(100, Trouble::StartIsSlow(5 * SOON), log.pen());
            let job = Job::new(stateful).plan(Plan::new().deadline(SOON));
            let results = ok(job.try_run(e))?;
            let halt = Halt::Deadline;
            let were_not_run = |result: &Result<_, ItemError>| {
                result.as_ref().err().map(ItemError::cause) == Some(&Cause::NotRun { halt })
            };
            let others = results
                .iter()
                .filter(|result| !were_not_run(result))
                .count();
            ensure_eq!(others, 0, "items that were begun");
            is(&err(job.run(e))?, halt)
        })?;
    }
    Ok(())
}

fn callback<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 2, 3] {
        s.on(workers, |e| {
            let token = CancelToken::new();
            let job = Job::new(Script::new(1000)).plan(Plan::new().cancel(&token));
            let mut delivered = Vec::new();
            let result = job.for_each(e, |index, _| {
                delivered.push(index);
                if index == 30 {
                    token.cancel();
                }
            });
            is(&err(result)?, Halt::Cancelled)?;
            ensure_eq!(delivered, (0..31).collect::<Vec<_>>(), "items delivered");
            Ok(())
        })?;
    }
    Ok(())
}

fn breaks<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    for workers in [1, 2, 3] {
        s.on(workers, |e| {
            let log = Log::new();
            let slow = Act::Sleep(Duration::from_millis(2));
            let script = Script::new(1000).items(31..1000, slow).log(log.pen());
            let mut delivered = Vec::new();
            let ended = ok(Job::new(script).try_for_each(e, |index, _| {
                delivered.push(index);
                match index {
                    30 => ControlFlow::Break("enough"),
                    _ => ControlFlow::Continue(()),
                }
            }))?;
            ensure_eq!(ended, ControlFlow::Break("enough"), "how it ended");
            ensure_eq!(delivered, (0..31).collect::<Vec<_>>(), "items delivered");
            let called = log.of(Event::Call).len();
            ensure!(
                called < 500,
                "{called} of 1000 slow items were called although the callback broke off"
            );
            Ok(())
        })?;
    }
    Ok(())
}

fn unstopped<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
    let token = CancelToken::new();
    for workers in WORKERS {
        s.on(workers, |e| {
            for chunks in SOME_CHUNKS {
                let plan = Plan::new().chunk(chunks).cancel(&token);
                let job = Job::new(Probe::<String>::new(1000));
                let job = job.plan(plan.deadline(Duration::from_secs(3600)));
                let outputs = ok(job.run(e))?;
                let right = outputs.iter().zip(0..).all(|(o, i)| *o == String::of(i));
                ensure!(right && outputs.len() == 1000, "{chunks:?}: wrong outputs");
                let mut next = 0;
                ok(job.for_each(e, |index, output| {
                    next += usize::from(index == next && output == String::of(index));
                }))?;
                ensure_eq!(next, 1000, "{chunks:?}: outputs delivered");
            }
            Ok(())
        })?;
    }
    Ok(())
}

#[cfg(unix)]
mod handler {
    use super::{Act, CancelToken, Candidate, Duration, Halt, Plan, Script, Subject, stopped};
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
    use std::sync::atomic::{AtomicBool, Ordering};

    const SIGNAL: Signal = Signal::SIGUSR1;
    static CANCELLED: AtomicBool = AtomicBool::new(false);

    extern "C" fn on_signal(_signal: i32) {
        CancelToken::from(&CANCELLED).cancel();
    }

    /// The handler is in place until this is dropped.
    struct Installed(SigAction);

    impl Installed {
        fn new() -> Result<Self, String> {
            let handler = SigHandler::Handler(on_signal);
            let action = SigAction::new(handler, SaFlags::SA_RESTART, SigSet::empty());
            // SAFETY: what the handler does is an atomic store.
            let before = unsafe { sigaction(SIGNAL, &action) };
            before.map(Installed).map_err(|why| why.to_string())
        }
    }

    impl Drop for Installed {
        fn drop(&mut self) {
            // SAFETY: puts back what was there before.
            let _ = unsafe { sigaction(SIGNAL, &self.0) };
        }
    }

    /// Item 7 sends the signal to the process that runs the map.
    pub(super) fn cancelled<E: Candidate>(s: &Subject<E>) -> Result<(), String> {
        for workers in [1, 2, 3] {
            s.on(workers, |e| {
                let _installed = Installed::new()?;
                let script = Script::new(1000)
                    .item(7, Act::Signal(std::process::id(), SIGNAL as i32))
                    .items(8..1000, Act::Sleep(Duration::from_millis(4)));
                let plan = || {
                    CANCELLED.store(false, Ordering::Relaxed);
                    Plan::new().cancel(&CancelToken::from(&CANCELLED))
                };
                stopped(e, &script, &plan, Halt::Cancelled)
            })?;
        }
        Ok(())
    }
}
