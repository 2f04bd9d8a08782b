//! Programs that use `Ipc`, as this one started again: one that forgets `init`, one that is killed.

use partools_core::over;
use partools_ipc::Ipc;
use std::env;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

const FORGETFUL: &str = "PARTOOLS_IPC_FORGETFUL";
const HANGING: &str = "PARTOOLS_IPC_HANGING";
const PRINTING: &str = "PARTOOLS_IPC_PRINTING";

fn again(variable: &str, value: &Path) -> Command {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.env(variable, value).stdin(Stdio::null());
    command
}

/// A `main` without `init`. Its workers run it too, unless they end at once, as a `main` does that knows nothing of the
/// arguments.
pub(super) fn forgetful() -> Option<ExitCode> {
    let how = env::var(FORGETFUL).ok()?;
    if how == "ends" && env::args().count() > 1 {
        return Some(ExitCode::SUCCESS);
    }
    let error = over(0..3).map(|i| i).run(&Ipc::new().workers(2)).err();
    let words = error.map_or("no error".to_owned(), |e| e.to_string());
    writeln!(std::io::stderr(), "{words}").expect("it is heard");
    Some(ExitCode::FAILURE)
}

/// What such a program says, and how long it took.
pub(super) fn words_of_forgetful(how: &str) -> (String, Duration) {
    let begun = Instant::now();
    let output = again(FORGETFUL, Path::new(how))
        .output()
        .expect("it starts");
    assert!(!output.status.success());
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    (words, begun.elapsed())
}

/// A program whose items print, without ending the line, and which prints when the map is over.
pub(super) fn printing() -> Option<ExitCode> {
    env::var_os(PRINTING)?;
    let job = over(0..4).map(|_| write!(std::io::stdout(), "x").is_ok());
    let written = job.run(&Ipc::new().workers(2)).expect("it runs");
    assert_eq!(written, [true; 4]);
    write!(std::io::stdout(), "it is over").expect("it is heard");
    Some(ExitCode::SUCCESS)
}

/// What such a program prints.
pub(super) fn words_of_printing() -> String {
    let output = again(PRINTING, Path::new("yes")).output();
    String::from_utf8_lossy(&output.expect("it starts").stdout).into_owned()
}

/// A map whose items write down who they are, and never end.
pub(super) fn hanging() -> Option<ExitCode> {
    let dir = env::var(HANGING).ok()?;
    let job = over(0..2).shared(dir.as_str()).map(|i, dir| {
        std::fs::write(format!("{dir}/item-{i}"), std::process::id().to_string()).expect("room");
        loop {
            std::thread::sleep(Duration::from_secs(60));
        }
    });
    let _: Result<Vec<()>, _> = job.run(&Ipc::new().workers(2));
    Some(ExitCode::FAILURE)
}

/// Such a program, and the ids of its workers.
pub(super) fn start_hanging(dir: &Path) -> (Child, Vec<u32>) {
    let host = again(HANGING, dir).spawn().expect("it starts");
    let workers = (0..2).map(|i| {
        let id = || {
            std::fs::read_to_string(dir.join(format!("item-{i}")))
                .ok()?
                .parse()
                .ok()
        };
        eventually("an item begins", || id().is_some());
        id().expect("just read")
    });
    let workers = workers.collect();
    (host, workers)
}

/// Waits for it, up to ten seconds.
pub(super) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        let waited = begun.elapsed();
        assert!(
            waited < Duration::from_secs(10),
            "it never happened: {what}"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Is there such a process, and no zombie?
pub(super) fn lives(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(')')
        .next()
        .and_then(|rest| rest.trim().chars().next());
    state.is_some_and(|state| state != 'Z')
}
