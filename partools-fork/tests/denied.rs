//! Every system call of the fork backend fails once, at every one of its calls: then the map is right, or fails with a
//! clear error; it never hangs, and leaves nothing.
//!
//! ```text
//!   this program --starts--> itself, playing one act under a filter (denied/acts.rs, denied/filter.rs)
//!        ^                        |  each call of the kind that is swept waits for an answer
//!        '---- is asked by the kernel (denied/supervisor.rs): go on; or, at call number n, fail with this error
//! ```
//! The seam is the kernel's own (seccomp's user notification, Linux 5.5), so nothing in the library knows of it. Calls
//! count from the beginning of the map to its end; n goes up until a run does not reach it.
//!
//! `PARTOOLS_DENIED=all cargo test -p partools-fork --test denied` plays every act for every call, not only those in
//! which it matters.

#![expect(
    clippy::print_stdout,
    reason = "acts say what came of them, and the sweep prints its totals"
)]

use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

#[path = "denied/acts.rs"]
mod acts;
#[path = "denied/calls.rs"]
mod calls;
#[path = "denied/filter.rs"]
mod filter;
#[path = "hosts/seccomp.rs"]
#[expect(dead_code, reason = "other hosts need the rest")]
mod seccomp;
#[path = "denied/supervisor.rs"]
mod supervisor;

use calls::{CALLS, Call, EVERY, Whose};
use supervisor::{Denial, End};

/// With this set to `all`, every act for every call.
const AMOUNT: &str = "PARTOOLS_DENIED";

/// What came of a sweep.
#[derive(Default, Clone, Copy)]
struct Tally {
    calls: usize,
    right: usize,
    refused: usize,
}

fn main() -> ExitCode {
    if let Some(order) = acts::order() {
        return acts::play(&order);
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    if let Err(why) = filter::is_there() {
        println!("SKIPPED: no call can be denied here, so none was: {why}");
        return ExitCode::SUCCESS;
    }
    let all = std::env::var(AMOUNT).is_ok_and(|amount| amount == "all");
    let total = Arc::new(Mutex::new(Tally::default()));
    let begun = Instant::now();
    let mut trials = Vec::new();
    for call in CALLS {
        for whose in call.whose {
            let total = Arc::clone(&total);
            let name = format!("{}_of_{whose}_denied_at_every_call", call.name);
            trials.push(Trial::test(name, move || {
                let tally = sweep(call, *whose, all).map_err(Failed::from)?;
                let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                total.calls += tally.calls;
                total.right += tally.right;
                total.refused += tally.refused;
                Ok(())
            }));
        }
    }
    let listing = arguments.list;
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !listing {
        let total = *total.lock().unwrap_or_else(PoisonError::into_inner);
        println!(
            "{} calls denied, one in each map: {} maps were right all the same, {} ended with a clear error ({:.0} s)",
            total.calls,
            total.right,
            total.refused,
            begun.elapsed().as_secs_f64()
        );
    }
    conclusion.exit_code()
}

/// One kind of call, of the parent or of its children, in all acts that it occurs in.
fn sweep(call: &'static Call, whose: Whose, all: bool) -> Result<Tally, String> {
    let mut tally = Tally::default();
    let acts = if all { EVERY } else { call.acts };
    let mut seen = false;
    for act in acts {
        for &error in call.errors {
            for number in 1.. {
                let denial = Denial {
                    call,
                    whose,
                    error,
                    number,
                };
                let place = format!("{act}: call {number} of {} by {whose}, {error}", call.name);
                let played = supervisor::play(act, &denial);
                let (end, reached) = played.map_err(|why| format!("{place}: {why}"))?;
                if !reached {
                    break;
                }
                seen = true;
                tally.calls += 1;
                match end {
                    End::Right => tally.right += 1,
                    End::Refused => tally.refused += 1,
                }
            }
        }
    }
    match seen {
        true => Ok(tally),
        false => Err(format!(
            "{} by {whose}: not one such call was made, so this sweep shows nothing",
            call.name
        )),
    }
}
