//! Executors that break the contract must fail the suite, each at the case that is named for its lie. A suite
//! that passes a liar is worth nothing.
//!
//! Each liar is tried in a process of its own, which is this executable again (`--try <liar> <case>...`): some
//! hang, some crash, some spoil their host. What the types forbid has no liar: an executor cannot deliver on
//! another thread (`Caller` is not `Send`), blame another item (`Chunk::fail` sets the index), run an empty map
//! or hang in the `execute` of a nested one (the core calls neither), or, in safe code, drop an output twice
//! (so that liar is unsafe).

#[path = "liars/expected.rs"]
mod expected;
#[path = "liars/liar.rs"]
mod liar;

use expected::Shown::{Dies, Hangs, Says};
use expected::{EXPECTED, Expected};
use liar::{Liar, Lie, Singleton};
use libtest_mimic::{Arguments, Failed, Trial};
use partools_conformance::tasks::Nest;
use partools_conformance::{Candidate, Case, Outcome, Subject, cases, run};
use partools_core::Executor;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, Output};
use std::time::Duration;

fn cases_of(liar: &str) -> Option<Vec<Case>> {
    fn liar_with(make: fn(usize) -> Liar) -> Vec<Case> {
        cases(Subject::new("liar", make))
    }
    fn that_hangs<E>(make: fn(usize) -> E) -> Vec<Case>
    where
        E: Candidate + Executor<Nest<fn(usize) -> E>>,
    {
        cases(Subject::new("liar", make).hangs_after(Duration::from_secs(2)))
    }
    Some(match liar {
        "honest" => liar_with(|_| Liar(Lie::None)),
        "reorders" => liar_with(|_| Liar(Lie::Reorders)),
        "reorders_in_one_place" => liar_with(|workers| Liar(Lie::ReordersInOnePlace(workers))),
        "drops_the_last_chunk" => liar_with(|_| Liar(Lie::DropsTheLastChunk)),
        "runs_items_twice" => liar_with(|_| Liar(Lie::RunsItemsTwice)),
        "leaks_a_descriptor" => liar_with(|_| Liar(Lie::LeaksADescriptor)),
        "leaks_a_thread" => liar_with(|_| Liar(Lie::LeaksAThread)),
        "leaks_a_child" => liar_with(|_| Liar(Lie::LeaksAChild)),
        "moves_the_host" => liar_with(|_| Liar(Lie::MovesTheHost)),
        "takes_the_hook" => liar_with(|_| Liar(Lie::TakesTheHook)),
        "drops_outputs_twice" => liar_with(|_| Liar(Lie::DropsOutputsTwice)),
        "never_delivers" => liar_with(|_| Liar(Lie::NeverDelivers)),
        "hangs" => that_hangs(|_| Liar(Lie::Hangs)),
        "hangs_when_nested" => that_hangs(Singleton::new),
        "claims_to_isolate" => liar_with(|_| Liar(Lie::ClaimsToIsolate)),
        "claims_to_kill" => that_hangs(|_| Liar(Lie::ClaimsToKill)),
        "loses_the_place" => liar_with(|_| Liar(Lie::LosesThePlace)),
        "stops_at_any_failure" => liar_with(|_| Liar(Lie::StopsAtAnyFailure)),
        "runs_ahead" => liar_with(|_| Liar(Lie::RunsAhead)),
        "restarts_for_ever" => liar_with(|_| Liar(Lie::RestartsForEver)),
        "is_deaf" => liar_with(|_| Liar(Lie::IsDeaf)),
        "retries_at_once" => liar_with(|_| Liar(Lie::RetriesAtOnce)),
        "works_alone" => liar_with(|_| Liar(Lie::WorksAlone)),
        "forgets_the_plan" => liar_with(|_| Liar(Lie::ForgetsThePlan)),
        _ => return None,
    })
}

/// In the process of a liar: tries one case and prints how it went.
#[expect(
    clippy::print_stdout,
    reason = "read by the process that started this one"
)]
fn try_out(liar: &str, case: &str) -> ExitCode {
    let name = format!("liar::{case}");
    let found = cases_of(liar).and_then(|all| all.into_iter().find(|c| c.name() == name));
    match found.map(Case::try_out) {
        Some(Outcome::Kept) => println!("kept"),
        Some(Outcome::Broken(why)) => println!("broken: {why}"),
        Some(Outcome::Skipped(why)) => println!("skipped: {why}"),
        None => println!("there is no such case"),
    }
    ExitCode::SUCCESS
}

const SIGABRT: i32 = 6;
const SIGALRM: i32 = 14;

/// A suite without cases proves nothing, so it must fail, with words.
fn nothing_is_a_failure() -> Result<(), Failed> {
    let own = std::env::current_exe()?;
    let output = Command::new(own).env(WITHOUT_CASES, "1").output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    match !output.status.success() && said.contains("not one case was run") {
        true => Ok(()),
        false => Err(format!("{}: {said}", output.status).into()),
    }
}

const WITHOUT_CASES: &str = "PARTOOLS_CONFORMANCE_TEST_WITHOUT_CASES";

fn verdict(liar: &str, case: &str) -> Output {
    let own = std::env::current_exe().expect("this executable");
    Command::new(own)
        .args(["--try", liar, case])
        .output()
        .expect("it starts again")
}

fn check(expected: &Expected) -> Result<(), String> {
    for (case, shown) in expected.breaks {
        let output = verdict(expected.liar, case);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let shouted = String::from_utf8_lossy(&output.stderr).into_owned();
        let signal = output.status.signal();
        let seen = match shown {
            Says(words) => said.starts_with("broken: ") && said.contains(words),
            Hangs => {
                signal == Some(SIGALRM) && shouted.contains(case) && shouted.contains("it hangs")
            }
            Dies => signal == Some(SIGABRT) && said.is_empty(),
        };
        if !seen {
            return Err(format!(
                "{case}: not shown as expected: {} {said:?} {shouted:?}",
                output.status
            ));
        }
    }
    for case in expected.keeps {
        let output = verdict(expected.liar, case);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if said.trim() != "kept" {
            return Err(format!("{case} should be kept: {said}"));
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, liar, case] = &arguments[..]
        && flag == "--try"
    {
        return try_out(liar, case);
    }
    if std::env::var_os(WITHOUT_CASES).is_some() {
        return run([]);
    }
    let liars = EXPECTED.iter().map(|expected| {
        Trial::test(format!("liars::{}", expected.liar), || {
            check(expected).map_err(Into::into)
        })
    });
    let nothing = Trial::test("a_suite_that_ran_nothing_fails", nothing_is_a_failure);
    libtest_mimic::run(&Arguments::from_args(), liars.chain([nothing]).collect()).exit_code()
}
