//! Finished outputs that wait behind an item that takes for ever: they are kept all the same, on every executor and by every
//! ending, when the program is killed.
//!
//! ```text
//! 0 1 2 | 3 4 5 | 6 7 8 | ..      chunks of three; item 4 hangs, 5 waits for it, all others are done
//!           x                     SIGKILL; the second start calls 4 and 5 and nothing else
//! ```

use super::{FOLDER, Outcome, calls, folder, note, output, program, trial};
use libtest_mimic::Trial;
use partools_core::{Chunks, Executor, Picked, Plan, Task, over};
use partools_fork::Fork;
use partools_ipc::Ipc;
use partools_journal::{Account, Journal, Journaled};
use partools_threads::Threads;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How a role of this file begins: `behind:executor:ending`.
pub(crate) const PLAYS: &str = "behind:";
const ITEMS: usize = 120;
const HANGS: usize = 4;

pub(crate) fn trials() -> Vec<Trial> {
    let cases = [
        (
            "what_is_done_behind_a_slow_item_is_kept_on_threads",
            "threads:run",
        ),
        (
            "what_is_done_behind_a_slow_item_is_kept_on_fork",
            "fork:run",
        ),
        ("what_is_done_behind_a_slow_item_is_kept_on_ipc", "ipc:run"),
        (
            "what_is_done_behind_a_slow_item_is_kept_by_for_each",
            "fork:each",
        ),
        (
            "what_is_done_behind_a_slow_item_is_kept_in_any_order",
            "threads:any",
        ),
    ];
    let trials = cases.map(|(name, how)| trial(name, move || killed_behind(how)));
    trials.into()
}

fn killed_behind(how: &str) -> Outcome {
    let folder = folder();
    let role = format!("{PLAYS}{how}");
    let mut child = program(&role, folder.path()).spawn()?;
    let (began, marks) = (Instant::now(), folder.path().join("calls"));
    // All have begun but the one behind it.
    while calls(&marks) < ITEMS - 1 {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{}",
            calls(&marks)
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    // Whoever looks ten times a second has looked, also on a machine that does three things at once.
    std::thread::sleep(Duration::from_millis(400));
    child.kill()?;
    child.wait()?;
    std::fs::write(folder.path().join("go"), "")?;
    let second = program(&role, folder.path()).output()?;
    let said = String::from_utf8_lossy(&second.stdout).into_owned();
    assert_eq!(said.trim(), format!("{} 2", ITEMS - 2), "{how}");
    assert_eq!(calls(&marks), ITEMS + 1);
    Ok(())
}

/// What the killed program does; it says what was taken and added.
#[expect(clippy::print_stdout, reason = "that is how it answers")]
pub(crate) fn play(how: &str) -> ExitCode {
    let folder = std::env::var(FOLDER).expect("a folder");
    let (executor, ending) = how.split_once(':').expect("executor:ending");
    // For all endings that take outputs as they come, all of it is within the window.
    let mut plan = Plan::new().chunk(Chunks::of(3)).window(ITEMS);
    if ending == "any" {
        plan = plan.unordered();
    }
    let job = over(0..ITEMS).shared(folder.as_str()).map(|item, folder| {
        let folder = Path::new(folder);
        note(&folder.join("calls"), item);
        while item == HANGS && !folder.join("go").exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_micros(200));
        output(item)
    });
    let job = job
        .plan(plan)
        .journal(Path::new(&folder).join("journal"), "behind");
    let account = match executor {
        "threads" => end(&job, &Threads::new().workers(2), ending),
        "fork" => end(&job, &Fork::new().workers(2), ending),
        _ => end(&job, &Ipc::new().workers(2), ending),
    };
    println!("{} {}", account.taken, account.added);
    ExitCode::SUCCESS
}

fn end<'t, T, E>(job: &'t Journaled<T>, executor: &E, ending: &str) -> Account
where
    T: Task<Output = String>,
    E: Executor<Picked<&'t T>>,
{
    if ending == "run" {
        let resumed = job.run(executor).expect("it ran");
        assert!(resumed.outputs.into_iter().eq((0..ITEMS).map(output)));
        return resumed.account;
    }
    let mut seen = Vec::new();
    let account = job.for_each(executor, |index, text| seen.push((index, text)));
    if ending == "any" {
        seen.sort();
    }
    assert!(seen.into_iter().eq((0..ITEMS).map(|i| (i, output(i)))));
    account.expect("it ran")
}
