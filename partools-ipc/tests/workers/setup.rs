//! What workers do once, before their first item; and what becomes of a map whose workers cannot.

use super::Trials;
use partools_conformance::leaks::Snapshot;
use partools_core::{CancelToken, Chunks, Error, StartError, over};
use partools_ipc::{Capture, Ipc};
use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

pub(super) fn all() -> Trials {
    vec![
        (
            "a_setup_is_called_once_in_each_process_before_its_items",
            once,
        ),
        ("a_worker_that_takes_anothers_place_is_set_up_too", replaced),
        ("a_setup_that_fails_is_the_error_of_the_map", fails),
        ("a_setup_that_panics_is_told_with_its_place", panics),
        ("a_setup_that_crashes_is_told_and_not_tried_again", crashes),
        ("a_setup_that_hangs_ends_the_map_in_time", hangs),
        ("a_map_is_cancelled_while_its_workers_are_set_up", cancelled),
        ("what_failed_once_may_work_for_the_next_map", recovers),
        ("a_worker_with_a_long_setup_holds_up_nobody", slow),
    ]
}

/// Where setups note that they were called.
const NOTES: &str = "PARTOOLS_IPC_TEST_NOTES";
static CALLS: AtomicUsize = AtomicUsize::new(0);

/// Notes that this process was set up: how often that happened in all.
fn note(worker: usize) -> Result<usize, StartError> {
    CALLS.fetch_add(1, Relaxed);
    let path = std::env::var(NOTES)?;
    let mut file = OpenOptions::new().append(true).create(true).open(&path)?;
    file.write_all(format!("{worker}\n").as_bytes())?;
    Ok(fs::read_to_string(&path)?.lines().count())
}

fn noted(path: &Path) -> Vec<String> {
    let notes = fs::read_to_string(path).unwrap_or_default();
    let mut notes: Vec<String> = notes.lines().map(str::to_owned).collect();
    notes.sort();
    notes
}

/// Two workers that note their setups in a file of `dir`, which is the second.
fn noting(dir: &tempfile::TempDir) -> (Ipc, std::path::PathBuf) {
    let path = dir.path().join("notes");
    (Ipc::new().workers(2).env(NOTES, &path), path)
}

/// How often each worker of a map was set up, by process.
fn calls(ipc: &Ipc) -> BTreeSet<(u32, usize)> {
    let job = over(0..8).chunk(Chunks::of(1)).map(|_| {
        std::thread::sleep(Duration::from_millis(5));
        (std::process::id(), CALLS.load(Relaxed))
    });
    job.run(ipc).unwrap().into_iter().collect()
}

/// The error of a map, that it took under two seconds, and left nothing.
fn error_of(ipc: Ipc) -> Error {
    let before = Snapshot::take();
    let begun = Instant::now();
    let error = over(0..100)
        .chunk(Chunks::of(1))
        .map(|i| i)
        .run(&ipc)
        .unwrap_err();
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(5), "it took {took:?}");
    drop(ipc);
    before.assert_unchanged();
    error
}

fn once() {
    let dir = tempfile::tempdir().unwrap();
    let (ipc, path) = noting(&dir);
    let ipc = ipc.setup(|worker| note(worker).map(drop));
    let mut seen = BTreeSet::new();
    for _ in 0..6 {
        seen.append(&mut calls(&ipc));
    }
    assert!(
        seen.len() <= 2 && seen.iter().all(|&(_, calls)| calls == 1),
        "{seen:?}"
    );
    assert_eq!(noted(&path), ["0", "1"]);
}

fn replaced() {
    let dir = tempfile::tempdir().unwrap();
    let (ipc, path) = noting(&dir);
    let ipc = ipc.setup(|worker| note(worker).map(drop));
    let job = over(0..20).chunk(Chunks::of(1)).map(|i| {
        if i == 3 {
            std::process::abort();
        }
        CALLS.load(Relaxed)
    });
    let results = job.try_run(&ipc).unwrap();
    let sound = results.iter().filter_map(|result| result.as_ref().ok());
    assert_eq!(sound.copied().collect::<Vec<_>>(), [1; 19]);
    let notes = noted(&path);
    assert!(matches!(notes.len(), 2..=3), "{notes:?}");
}

fn fails() {
    let dir = tempfile::tempdir().unwrap();
    let (ipc, path) = noting(&dir);
    let error = error_of(ipc.setup(|worker| {
        note(worker)?;
        Err("no license".into())
    }));
    let text = error.to_string();
    assert!(
        text.starts_with("setting up worker process ") && text.ends_with(" failed: no license"),
        "{text}"
    );
    assert!(noted(&path).len() <= 2, "it was tried again");
}

fn panics() {
    let text = error_of(Ipc::new().workers(2).setup(|_| panic!("no license"))).to_string();
    let place = format!(" failed: it panicked at {}:", file!());
    assert!(
        text.contains(&place) && text.ends_with(": no license"),
        "{text}"
    );
}

#[expect(clippy::print_stderr, reason = "that is what is heard")]
fn complain() {
    eprintln!("no license");
}

fn crashes() {
    let dir = tempfile::tempdir().unwrap();
    let (ipc, path) = noting(&dir);
    let ipc = ipc.capture_stderr(Capture::Swallow);
    let text = error_of(ipc.clone().setup(|worker| {
        note(worker)?;
        complain();
        std::process::abort()
    }));
    let text = text.to_string();
    assert!(
        text.contains("was killed by SIGABRT while its setup was called"),
        "{text}"
    );
    assert!(text.contains("it had written: no license"), "{text}");
    assert!(noted(&path).len() <= 2, "it was tried again");
    #[expect(clippy::disallowed_methods, reason = "that is what is told")]
    let text = error_of(ipc.setup(|_| std::process::exit(3))).to_string();
    assert!(
        text.contains("ended with exit code 3 while its setup was called"),
        "{text}"
    );
}

fn hang(_: usize) -> Result<(), StartError> {
    loop {
        std::thread::sleep(Duration::from_secs(60));
    }
}

fn hangs() {
    let ipc = Ipc::new().workers(2).setup(hang);
    let text = error_of(ipc.setup_within(Duration::from_millis(300))).to_string();
    assert!(
        text.contains("was still being set up after 300ms"),
        "{text}"
    );
    assert!(text.contains(".setup_within(..)"), "{text}");
}

fn cancelled() {
    let (token, ipc) = (CancelToken::new(), Ipc::new().workers(2).setup(hang));
    let before = Snapshot::take();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(200));
            token.cancel();
        });
        let begun = Instant::now();
        let error = over(0..9).cancel(&token).map(|i| i).run(&ipc).unwrap_err();
        assert!(error.is_cancelled(), "{error}");
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(5), "it took {took:?}");
    });
    drop(ipc);
    before.assert_unchanged();
}

fn recovers() {
    let dir = tempfile::tempdir().unwrap();
    let (ipc, _) = noting(&dir);
    let ipc = ipc.workers(1).setup(|worker| match note(worker)? {
        1 => Err("not yet".into()),
        _ => Ok(()),
    });
    let job = over(0..9).map(|i| i);
    let text = job.run(&ipc).unwrap_err().to_string();
    assert!(text.ends_with("not yet"), "{text}");
    assert_eq!(job.run(&ipc).unwrap().len(), 9);
}

fn slow() {
    let ipc = Ipc::new().workers(2).setup(|worker| {
        std::thread::sleep(Duration::from_secs(if worker == 1 { 20 } else { 0 }));
        Ok(())
    });
    let begun = Instant::now();
    let job = over(0..4).chunk(Chunks::of(1)).map(|_| {
        std::thread::sleep(Duration::from_millis(50));
        std::process::id()
    });
    let workers: BTreeSet<u32> = job.run(&ipc).unwrap().into_iter().collect();
    let took = begun.elapsed();
    assert!(
        workers.len() == 1 && took < Duration::from_secs(10),
        "{took:?}"
    );
}
