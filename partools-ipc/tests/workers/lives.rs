//! How long workers live.

use super::Trials;
use super::hosts::{eventually, lives, start_hanging, words_of_forgetful, words_of_printing};
use partools_conformance::leaks::Snapshot;
use partools_core::{Chunks, Report, over, over_iter};
use partools_ipc::{Ipc, Limits};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

pub(super) fn all() -> Trials {
    vec![
        ("workers_stay_from_map_to_map", stay),
        (
            "all_windows_of_a_stream_run_on_the_same_workers",
            windows_stay,
        ),
        (
            "a_worker_that_died_is_replaced_and_the_other_stays",
            replaced,
        ),
        (
            "a_worker_that_died_between_maps_is_replaced",
            replaced_between,
        ),
        (
            "what_waits_behind_a_slow_item_goes_to_whoever_is_free",
            spread,
        ),
        (
            "what_items_print_stands_before_what_follows_the_map",
            printed,
        ),
        ("dropping_the_last_clone_ends_all_workers", dropped),
        ("idle_workers_end_and_are_started_again", idle),
        (
            "where_the_parent_is_killed_no_worker_lives_on",
            parent_killed,
        ),
        ("a_pool_made_on_a_thread_that_ended_lives_on", thread_ended),
        ("a_program_that_forgets_init_is_told_at_once", forgotten),
        ("limits_that_shape_workers_are_refused", refused),
        (
            "workers_have_one_thread_for_each_library_and_what_is_set",
            environment,
        ),
    ]
}

/// The ids of the workers of a map that has work for each of them.
fn workers(ipc: &Ipc) -> BTreeSet<u32> {
    let job = over(0..8).chunk(Chunks::of(1)).map(|_| {
        std::thread::sleep(Duration::from_millis(5));
        std::process::id()
    });
    job.run(ipc).unwrap().into_iter().collect()
}

fn stay() {
    let ipc = Ipc::new().workers(2);
    let first = workers(&ipc);
    assert_eq!(first.len(), 2);
    assert!(!first.contains(&std::process::id()));
    for _ in 0..20 {
        assert_eq!(workers(&ipc), first);
    }
}

fn windows_stay() {
    let ipc = Ipc::new().workers(2);
    let report = Report::new();
    let stream = over_iter(0..400_u32).window(8).chunk(Chunks::of(1));
    let stream = stream.observe(&report).map(|_| {
        std::thread::sleep(Duration::from_micros(300));
        std::process::id()
    });
    let ran_on: BTreeSet<u32> = stream.run(&ipc).unwrap().into_iter().collect();
    assert_eq!((report.summary().windows, ran_on.len()), (50, 2));
    // And so does what comes behind it.
    assert_eq!(workers(&ipc), ran_on);
}

fn replaced() {
    let ipc = Ipc::new().workers(2);
    let before = workers(&ipc);
    let job = over(0..8).chunk(Chunks::of(1)).map(|i| {
        if i == 3 {
            std::process::abort();
        }
    });
    assert_eq!(
        job.try_run(&ipc)
            .unwrap()
            .iter()
            .filter(|r| r.is_err())
            .count(),
        1
    );
    let after = workers(&ipc);
    assert_eq!((after.len(), before.intersection(&after).count()), (2, 1));
}

fn replaced_between() {
    let ipc = Ipc::new().workers(2);
    let before = workers(&ipc);
    let victim = *before.first().unwrap();
    // By its own hand, which is nobody's child but ours.
    let killed = std::process::Command::new("kill")
        .args(["-9", &victim.to_string()])
        .status();
    assert!(killed.unwrap().success());
    eventually("it dies", || !lives(victim));
    let after = workers(&ipc);
    assert_eq!((after.len(), before.intersection(&after).count()), (2, 1));
}

fn spread() {
    let ipc = Ipc::new().workers(2);
    workers(&ipc);
    // Each worker is given several at first, as nobody knows what they take; the first one turns out to be slow.
    let job = over(0..8).chunk(Chunks::of(1)).map(|i| {
        if i == 0 {
            std::thread::sleep(Duration::from_millis(400));
        }
        std::process::id()
    });
    let ran_on = job.run(&ipc).unwrap();
    assert!(
        ran_on[1..].iter().all(|&other| other != ran_on[0]),
        "{ran_on:?}"
    );
}

fn printed() {
    for _ in 0..20 {
        let words = words_of_printing();
        assert!(
            words.ends_with("it is over") && words.starts_with("xxxx"),
            "{words}"
        );
    }
}

fn dropped() {
    let before = Snapshot::take();
    let ipc = Ipc::new().workers(2);
    let clone = ipc.clone();
    let there = workers(&ipc);
    assert_eq!(workers(&clone), there);
    drop(ipc);
    assert!(there.iter().all(|&worker| lives(worker)));
    drop(clone);
    before.assert_unchanged();
}

fn idle() {
    let ipc = Ipc::new().workers(2).idle(Duration::from_millis(50));
    let first = workers(&ipc);
    eventually("they end", || !first.iter().any(|&worker| lives(worker)));
    let second = workers(&ipc);
    assert!(second.len() == 2 && first.is_disjoint(&second));
}

fn parent_killed() {
    let dir = tempfile::tempdir().unwrap();
    let (mut host, workers) = start_hanging(dir.path());
    assert!(workers.iter().all(|&worker| lives(worker)));
    host.kill().unwrap();
    let begun = Instant::now();
    host.wait().unwrap();
    eventually("the workers end", || {
        !workers.iter().any(|&worker| lives(worker))
    });
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(1), "it took {took:?}");
}

fn thread_ended() {
    let ipc = Ipc::new().workers(2);
    let made = ipc.clone();
    let thread = std::thread::Builder::new().spawn(move || workers(&made));
    let there = thread.unwrap().join().unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(workers(&ipc), there);
}

fn forgotten() {
    for how in ["ends", "goes on"] {
        let (words, took) = words_of_forgetful(how);
        assert!(
            words.contains("`partools::init()` first in `main`"),
            "{words}"
        );
        assert!(took < Duration::from_secs(1), "{how}: it took {took:?}");
    }
}

fn refused() {
    for limits in [
        Limits::new().nice(3),
        Limits::new().recycle_after(5),
        Limits::new().pin(),
    ] {
        let ipc = Ipc::new().workers(1).limits(limits);
        let error = over(0..3).map(|i| i).run(&ipc).unwrap_err();
        let text = error.to_string();
        assert!(error.is_refused() && text.contains("kept"), "{text}");
    }
}

fn environment() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().canonicalize().unwrap();
    let ipc = Ipc::new()
        .workers(1)
        .env("RAYON_NUM_THREADS", "3")
        .env("NEW", "x");
    let ipc = ipc.current_dir(&place);
    let names = [
        "OMP_NUM_THREADS",
        "POLARS_MAX_THREADS",
        "RAYON_NUM_THREADS",
        "NEW",
    ];
    let joined = names.join(" ");
    let job = over(0..1).shared(joined.as_str()).map(|_, names| {
        let value = |name| std::env::var(name).unwrap_or_default();
        let values: Vec<String> = names.split(' ').map(value).collect();
        (values, std::env::current_dir().unwrap_or_default())
    });
    let (values, directory) = job.run(&ipc).unwrap().remove(0);
    assert_eq!(values, ["1", "1", "3", "x"]);
    assert_eq!(directory, place);
    assert!(std::env::var("NEW").is_err(), "here nothing is set");
}
