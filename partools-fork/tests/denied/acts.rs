//! What is played under a filter: one map, whose outcome is known.
//!
//! Whatever single call failed: each output is right, each failure is that of its item, or the map has an error in
//! words; nothing is left; and the next map is as good as ever.

use crate::filter::{self, BEGINS, ENDS};
use partools_conformance::leaks::Snapshot;
use partools_core::{CancelToken, Cause, Chunks, Error, ItemError, over};
use partools_fork::Fork;
use partools_os::SharedVec;
use std::process::{Command, ExitCode};
use std::time::Duration;

/// With this in the environment, the program plays an act: its name, then the numbers of the calls to ask about.
const ACT: &str = "PARTOOLS_FORK_DENIED_ACT";

pub(crate) fn order() -> Option<String> {
    std::env::var(ACT).ok()
}

/// This program as the player of an act.
pub(crate) fn command(act: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.env(ACT, act).env("RUST_BACKTRACE", "0");
    command
}

pub(crate) fn play(order: &str) -> ExitCode {
    let mut words = order.split(' ');
    let act = words.next().unwrap_or("");
    let calls: Vec<libc::c_long> = words.filter_map(|number| number.parse().ok()).collect();
    if act == "filter" {
        return ExitCode::from(u8::from(filter::ask_about(&[]).is_err()));
    }
    before(act);
    {
        let listener = filter::ask_about(&calls).expect("a filter, as before");
        filter::send(&std::io::stdin(), &listener).expect("somebody who answers");
    }
    // SAFETY: plain numbers; nothing owns the standard input.
    unsafe { libc::close(0) };
    if act != "streamless" {
        // Takes the number that is free now.
        std::mem::forget(std::fs::File::open("/dev/null").expect("there is a /dev/null"));
    }
    let snapshot = Snapshot::take();
    filter::mark(BEGINS);
    let result = perform(act);
    filter::mark(ENDS);
    snapshot.assert_unchanged();
    let next = over(0..50).map(|i| i * i).run(&Fork::new().workers(2));
    assert!(
        next.expect("the next map")
            .into_iter()
            .eq((0..50).map(|i| i * i))
    );
    snapshot.assert_unchanged();
    match result {
        Ok(()) => println!("right"),
        Err(error) => {
            // An error that blames an item, the task or the executor itself would be a wrong one.
            assert!(error.item().is_none(), "an item is blamed: {error}");
            assert!(!error.is_contract() && !error.is_start(), "{error}");
            println!("refused: {error}");
        }
    }
    ExitCode::SUCCESS
}

/// What an act needs of its host.
fn before(act: &str) {
    match act {
        "by_number" => crate::seccomp::deny(&[libc::SYS_pidfd_open], libc::ENOSYS),
        "ignored" => {
            // SAFETY: a constant.
            unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
        }
        _ => {}
    }
}

fn perform(act: &str) -> Result<(), Error> {
    match act {
        "sound" | "streamless" => sound(),
        "crashing" | "ignored" => crashing(),
        "late" => late(),
        "by_number" => crashing().and_then(|()| late()),
        "streaming" => streaming(),
        "cancelled" => cancelled(),
        "sealed" => sealed(),
        other => panic!("there is no act {other:?}"),
    }
}

fn sound() -> Result<(), Error> {
    let squares = over(0..60).chunk(Chunks::of(3)).map(|i| i * i);
    let squares = squares.run(&Fork::new().workers(2))?;
    assert!(squares.into_iter().eq((0..60).map(|i| i * i)));
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "an item that ends its process is what is tested"
)]
fn crashing() -> Result<(), Error> {
    let map = over(0..40).map(|i| {
        match i {
            7 => std::process::abort(),
            23 => std::process::exit(3),
            _ => {}
        }
        i
    });
    let results = map.try_run(&Fork::new().workers(2))?;
    assert_eq!(results.len(), 40);
    for (i, result) in results.iter().enumerate() {
        match (i, result) {
            (7 | 23, Err(error)) => assert_eq!(word(error), ["abort", "exit"][i / 23], "{error}"),
            (7 | 23, Ok(_)) => panic!("item {i} cannot have finished"),
            (_, result) => assert_eq!(result.as_ref().ok(), Some(&i), "{result:?}"),
        }
    }
    Ok(())
}

fn word(error: &ItemError) -> &'static str {
    match error.cause() {
        Cause::Killed { name, .. } if name == "SIGABRT" => "abort",
        Cause::Exited { code: 3 } => "exit",
        // Where nobody can say it any more: one question at the wrong moment failed.
        Cause::Lost { .. } if error.index() == 7 => "abort",
        Cause::Lost { .. } => "exit",
        _ => "something else",
    }
}

fn late() -> Result<(), Error> {
    let limit = Duration::from_millis(60);
    let map = over(0..12).chunk(Chunks::of(1)).item_timeout(limit);
    let map = map.map(|i| {
        if i == 5 {
            std::thread::sleep(Duration::from_secs(60));
        }
        i
    });
    let results = map.try_run(&Fork::new().workers(2))?;
    for (i, result) in results.iter().enumerate() {
        match result {
            Ok(x) => assert!(*x == i && i != 5),
            Err(error) => {
                let late = matches!(error.cause(), Cause::TimedOut { limit: l, .. } if *l == limit);
                assert!(i == 5 && late, "{error}");
            }
        }
    }
    Ok(())
}

fn streaming() -> Result<(), Error> {
    let mut next = 0;
    let map = over(0..80).window(8).chunk(Chunks::of(2)).retries(1);
    let map = map.map_cx(|i, cx| {
        if i == 31 && cx.attempt == 0 {
            std::process::abort();
        }
        i * 3
    });
    let result = map.for_each(&Fork::new().workers(2), |i, x| {
        assert_eq!((i, x), (next, next * 3));
        next += 1;
    });
    assert!(result.is_err() || next == 80, "{next} of 80 were delivered");
    result
}

fn cancelled() -> Result<(), Error> {
    let token = CancelToken::new();
    let map = over(0..20).chunk(Chunks::of(1)).cancel(&token).map(|i| {
        if i > 3 {
            std::thread::sleep(Duration::from_secs(60));
        }
        i
    });
    let result = map.for_each(&Fork::new().workers(2), |i, _| {
        if i == 2 {
            token.cancel();
        }
    });
    match result {
        Err(error) if error.is_cancelled() => Ok(()),
        result => result,
    }
}

/// With a shared argument that is sealed memory.
fn sealed() -> Result<(), Error> {
    let os = |why| Error::os("sealing the shared argument", why);
    let vector = SharedVec::from_slice(&[3_u64; 1000]).map_err(os)?;
    let map = over(0..20)
        .shared(&vector[..])
        .map(|i, vector: &[u64]| vector[i] + i as u64);
    let sums = map.run(&Fork::new().workers(2))?;
    assert!(sums.into_iter().eq((0..20).map(|i| 3 + i)));
    Ok(())
}
