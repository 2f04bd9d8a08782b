//! The trials, by name.

use crate::hosts::{eventually, lives, spools, start_hanging, words_of_forgetful};
use downstream::{Scoped, Spool, row_means};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use partools_core::{Chunks, ItemError, Loopback, Serial, over};
use partools_fork::Fork;
use partools_threads::Threads;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(super) fn all() -> Vec<(&'static str, fn())> {
    vec![
        ("row_means_are_the_same_on_every_executor", row_means_agree),
        ("a_worker_that_crashes_at_its_work_costs_one_item", crashed_at_work),
        ("a_worker_killed_from_outside_costs_nothing", killed_at_work),
        ("a_worker_killed_at_no_item_is_named", killed_idle),
        ("the_directory_is_private_and_gone_afterwards", private),
        ("where_the_near_process_is_killed_nothing_stays", parent_killed),
        ("ctrl_c_ends_the_near_process_and_nothing_stays", interrupted),
        ("a_program_that_forgets_worker_is_told", forgotten),
    ]
}

fn row_means_agree() {
    let table: Vec<f64> = (0..30_000).map(|i| f64::from(i).sqrt()).collect();
    let expected = row_means(&table, 30, &Serial).unwrap();
    assert_eq!(expected.len(), 1000);
    assert_eq!(row_means(&table, 30, &Fork::new().workers(2)).unwrap(), expected);
    assert_eq!(row_means(&table, 30, &Scoped(3)).unwrap(), expected);
    assert_eq!(row_means(&table, 30, &Threads::new().workers(3)).unwrap(), expected);
    assert_eq!(row_means(&table, 30, &Loopback).unwrap(), expected);
    assert_eq!(row_means(&table, 30, &Spool(3)).unwrap(), expected);
    assert_eq!(row_means(&[], 30, &Spool(3)).unwrap(), []);
}

/// A map of 40 items whose item 7 tells its worker's id when it is first called, and waits to be killed by `signal`.
fn killed_by(signal: Signal) -> Vec<Result<usize, ItemError>> {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().to_str().unwrap();
    let job = over(0..40).chunk(Chunks::of(10)).shared(place).map(|i, place| {
        let file = format!("{place}/7");
        if i == 7 && !Path::new(&file).exists() {
            fs::write(file, std::process::id().to_string()).unwrap();
            std::thread::sleep(Duration::from_secs(60));
        }
        i * 2
    });
    let file = dir.path().join("7");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            eventually("item 7 begins", || fs::read_to_string(&file).is_ok_and(|id| !id.is_empty()));
            let id = fs::read_to_string(&file).unwrap().parse().unwrap();
            kill(Pid::from_raw(id), signal).unwrap();
        });
        job.try_run(&Spool(2)).unwrap()
    })
}

fn crashed_at_work() {
    let results = killed_by(Signal::SIGABRT);
    for (i, result) in results.iter().enumerate() {
        match result {
            Ok(output) => assert_eq!(*output, 2 * i),
            Err(error) => {
                assert_eq!(error.to_string(), "item 7 had its worker process killed by SIGABRT");
            }
        }
    }
    assert_eq!(results.iter().flatten().count(), 39);
}

/// Nothing says that the item deserved it: it is called once more, by itself.
fn killed_at_work() {
    for (i, result) in killed_by(Signal::SIGKILL).into_iter().enumerate() {
        assert_eq!(result.unwrap(), 2 * i);
    }
}

/// The state's `Drop` ends the process when all items are done.
fn killed_idle() {
    struct Mine;
    impl Drop for Mine {
        fn drop(&mut self) {
            std::process::abort();
        }
    }
    let job = over(0..4).state(|_| Mine).map_cx(|i, _| i);
    let error = job.run(&Spool(1)).unwrap_err().to_string();
    assert!(error.contains("worker 0") && error.contains("SIGABRT"), "{error}");
}

fn private() {
    let seen = over(0..1).map(|_| {
        let dir = std::env::args().next_back().expect("a worker's directory");
        let mode = fs::metadata(&dir).expect("it is there").permissions().mode();
        (mode & 0o777, dir)
    });
    let (mode, dir) = seen.run(&Spool(1)).unwrap().remove(0);
    assert_eq!(mode, 0o700);
    assert!(!Path::new(&dir).exists());
}

/// The host of two workers whose items never end is ended by `signal`; nobody but its own processes may clean up.
fn ended_by(signal: Signal) {
    let dir = tempfile::tempdir().unwrap();
    let (mut host, workers) = start_hanging(dir.path());
    assert!(workers.iter().all(|worker| lives(*worker)));
    assert_eq!(spools(dir.path()).len(), 1);
    // As the terminal does: to the whole process group.
    let group = Pid::from_raw(-i32::try_from(host.id()).unwrap());
    kill(group, signal).unwrap();
    host.wait().unwrap();
    eventually("the workers end", || !workers.iter().any(|worker| lives(*worker)));
    assert_eq!(spools(dir.path()), Vec::<PathBuf>::new());
}

fn parent_killed() {
    ended_by(Signal::SIGKILL);
}

fn interrupted() {
    ended_by(Signal::SIGINT);
}

fn forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let words = words_of_forgetful(dir.path());
    assert!(words.contains("spool::worker()"), "{words}");
    assert_eq!(spools(dir.path()), Vec::<PathBuf>::new());
}
