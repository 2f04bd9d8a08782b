//! Programs that use the spool, as this one started again: one that forgets to call `worker`, one whose items never end.

use downstream::Spool;
use partools_core::over;
use std::env;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

const FORGETFUL: &str = "DOWNSTREAM_FORGETFUL";
const HANGING: &str = "DOWNSTREAM_HANGING";

/// This program again; its temporary files go to `dir`. Ctrl-C ends it, even where a shell started the tests in the
/// background, where it is ignored.
fn again(variable: &str, dir: &Path) -> Command {
    let mut command = Command::new("env");
    command.arg("--default-signal=INT").arg(env::current_exe().expect("this program"));
    command.env(variable, dir).env("TMPDIR", dir).stdin(Stdio::null()).process_group(0);
    command
}

pub(super) fn is_forgetful() -> bool {
    env::var_os(FORGETFUL).is_some()
}

/// A `main` without `worker`. Its workers run it too.
pub(super) fn forgetful() -> ExitCode {
    match over(0..3).map(|i| i).run(&Spool(2)) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// What such a program says.
pub(super) fn words_of_forgetful(dir: &Path) -> String {
    let output = again(FORGETFUL, dir).output().expect("it starts");
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(super) fn is_hanging() -> Option<PathBuf> {
    env::var_os(HANGING).map(PathBuf::from)
}

/// A map whose items write down who they are, and never end.
pub(super) fn hang(dir: &Path) -> ExitCode {
    let dir = dir.to_str().expect("a plain path");
    let job = over(0..2).shared(dir).map(|i, dir| {
        fs::write(format!("{dir}/item-{i}"), std::process::id().to_string()).expect("room");
        loop {
            std::thread::sleep(Duration::from_secs(60));
        }
    });
    let _: Result<Vec<()>, _> = job.run(&Spool(2));
    ExitCode::FAILURE
}

/// Such a program, and the ids of the two workers that hang.
pub(super) fn start_hanging(dir: &Path) -> (Child, [u32; 2]) {
    let host = again(HANGING, dir).spawn().expect("it starts");
    let workers = [0, 1].map(|i| {
        let file = dir.join(format!("item-{i}"));
        eventually("an item begins", || fs::read_to_string(&file).is_ok_and(|id| !id.is_empty()));
        fs::read_to_string(&file).expect("just read").parse().expect("an id")
    });
    (host, workers)
}

/// Waits for it, up to ten seconds.
pub(super) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(10), "it never happened: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Is there such a process, and no zombie?
pub(super) fn lives(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|rest| rest.trim().chars().next());
    state.is_some_and(|state| state != 'Z')
}

/// The directories of spools that lie in `dir`.
pub(super) fn spools(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries.filter(|path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("partools-"))).collect()
}
