//! What a crew promises.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use partools_os::Exit;
use partools_os::again::Crew;

use crate::roles::{MARK, ROLE, about_worker, eventually, lives};

pub(crate) fn all() -> Vec<(&'static str, fn())> {
    vec![
        (
            "workers_have_a_group_of_their_own_and_no_input",
            workers_have_a_group_of_their_own_and_no_input,
        ),
        (
            "the_directory_is_private_and_goes_with_the_crew",
            the_directory_is_private_and_goes_with_the_crew,
        ),
        (
            "who_ended_is_told_once_and_replaced",
            who_ended_is_told_once_and_replaced,
        ),
        (
            "a_worker_that_cannot_go_on_is_heard",
            a_worker_that_cannot_go_on_is_heard,
        ),
        (
            "close_waits_and_names_the_first_that_failed",
            close_waits_and_names_the_first_that_failed,
        ),
        (
            "dropped_it_leaves_no_process_and_no_zombie",
            dropped_it_leaves_no_process_and_no_zombie,
        ),
        (
            "workers_outlive_the_thread_that_started_them",
            workers_outlive_the_thread_that_started_them,
        ),
        (
            "a_host_that_is_killed_leaves_nothing_behind",
            a_host_that_is_killed_leaves_nothing_behind,
        ),
        (
            "a_program_that_forgets_to_serve_is_told",
            a_program_that_forgets_to_serve_is_told,
        ),
    ]
}

fn crew(workers: usize) -> (Crew, Vec<u32>) {
    let mut crew = Crew::new(MARK).unwrap();
    crew.keep(workers).unwrap();
    let processes = (0..workers)
        .map(|n| about_worker(crew.dir(), n).0)
        .collect();
    (crew, processes)
}

/// What a worker is to do, whole at once.
fn order(crew: &Crew, worker: usize, words: &str) {
    let [new, order] =
        ["new-order".to_owned(), format!("end-{worker}")].map(|file| crew.dir().join(file));
    fs::write(&new, words).unwrap();
    fs::rename(new, order).unwrap();
}

fn signal(process: u32, signal: Signal) {
    kill(Pid::from_raw(process.try_into().unwrap()), signal).unwrap();
}

fn workers_have_a_group_of_their_own_and_no_input() {
    let (crew, processes) = crew(2);
    for (worker, process) in processes.into_iter().enumerate() {
        let about = about_worker(crew.dir(), worker);
        assert_eq!(about, (process, process, PathBuf::from("/dev/null")));
    }
}

fn the_directory_is_private_and_goes_with_the_crew() {
    let (crew, _) = crew(1);
    let dir = crew.dir().to_owned();
    let mode = fs::metadata(&dir).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    drop(crew);
    assert!(!dir.exists());
}

fn who_ended_is_told_once_and_replaced() {
    let (mut crew, processes) = crew(2);
    fs::remove_file(crew.dir().join("here-1")).unwrap();
    signal(processes[1], Signal::SIGKILL);
    let mut ended = Vec::new();
    eventually("the end is told", || {
        ended = crew.bury();
        !ended.is_empty()
    });
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].to_string(), "worker 1 was killed by SIGKILL");
    // Its successor is not there before the caller has seen to what it left.
    assert_eq!(crew.bury(), []);
    assert!(!crew.dir().join("here-1").exists());
    crew.keep(2).unwrap();
    assert_ne!(about_worker(crew.dir(), 1).0, processes[1]);
    assert!(lives(processes[0]));
    // Fewer than there are: none is sent away.
    crew.keep(1).unwrap();
    assert_eq!(crew.bury(), []);
    assert!(lives(about_worker(crew.dir(), 1).0));
}

fn a_worker_that_cannot_go_on_is_heard() {
    let (mut crew, _) = crew(1);
    order(&crew, 0, "the well is dry");
    let mut ended = Vec::new();
    eventually("the end is told", || {
        ended = crew.bury();
        !ended.is_empty()
    });
    assert_eq!(ended[0].exit, Exit::Code(1));
    assert_eq!(
        ended[0].to_string(),
        "worker 0 exited with code 1: the well is dry"
    );
}

fn close_waits_and_names_the_first_that_failed() {
    let (mut crew, processes) = crew(3);
    order(&crew, 0, "well");
    order(&crew, 1, "no room");
    order(&crew, 2, "no light");
    let error = crew.close().unwrap_err().to_string();
    assert!(
        error.contains("worker 1 exited with code 1: no room"),
        "{error}"
    );
    assert!(!processes.iter().any(|process| lives(*process)));
    crew.close().unwrap(); // nobody is left
}

fn dropped_it_leaves_no_process_and_no_zombie() {
    let (crew, processes) = crew(3);
    drop(crew);
    for process in processes {
        assert!(!Path::new(&format!("/proc/{process}")).exists());
    }
}

fn workers_outlive_the_thread_that_started_them() {
    let (crew, processes) = std::thread::scope(|scope| scope.spawn(|| crew(1)).join().unwrap());
    // A death signal would come with the end of the thread; a pool that polls looks again in 10 ms.
    std::thread::sleep(Duration::from_millis(200));
    assert!(lives(processes[0]));
    drop(crew);
}

fn a_host_that_is_killed_leaves_nothing_behind() {
    for how in [
        Signal::SIGKILL,
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGABRT,
    ] {
        let temporary = tempfile::tempdir().unwrap();
        // Whoever started the tests may ignore SIGINT, as a shell does for its background jobs.
        let mut host = Command::new("env")
            .arg("--default-signal=INT")
            .arg(std::env::current_exe().unwrap())
            .env(ROLE, "host")
            .env("TMPDIR", temporary.path())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let entries = || fs::read_dir(temporary.path()).unwrap();
        eventually("a directory", || entries().count() == 1);
        let dir = entries().next().unwrap().unwrap().path();
        let workers = [0, 1].map(|worker| about_worker(&dir, worker).0);
        assert!(workers.iter().all(|worker| lives(*worker)));
        signal(host.id(), how);
        eventually("the host ends", || host.try_wait().unwrap().is_some());
        let begun = Instant::now();
        eventually("the workers end", || !workers.iter().any(|w| lives(*w)));
        assert!(begun.elapsed() < Duration::from_secs(1), "{how}");
        assert_eq!(entries().count(), 0, "{how}");
    }
}

fn a_program_that_forgets_to_serve_is_told() {
    let output = Command::new("/proc/self/exe")
        .env(ROLE, "forgetful")
        .output()
        .unwrap();
    let words = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{words}");
    assert!(
        words.contains("call `tests::again::worker()` first in `main`"),
        "{words}"
    );
}
