//! The parent dies amid a map, at any moment: no child may outlive it.

use crate::stage::Host;
use libtest_mimic::{Failed, Trial};
use partools_core::{Chunks, over, over_iter};
use partools_fork::Fork;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How many times the parent is killed; more by `PARTOOLS_FORK_KILLS`.
const KILLS: usize = 200;

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, test: fn()| {
        Trial::test(name, move || {
            test();
            Ok::<(), Failed>(())
        })
    };
    vec![
        trial("ctrl_c_ends_the_parent_and_its_children", ctrl_c),
        trial(
            "no_child_and_no_file_outlives_a_killed_parent",
            killed_parent,
        ),
    ]
}

/// Items without an end.
pub(crate) fn endless_map() -> ExitCode {
    // Whoever started the tests may ignore SIGINT, as a shell does for its background jobs.
    // SAFETY: the default action is no function of ours.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
    let result = over(0..8)
        .chunk(Chunks::of(1))
        .map(|i| {
            if i < 8 {
                loop {
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
        })
        .run(&Fork::new().workers(3));
    ExitCode::from(u8::from(result.is_err()))
}

/// Maps of all kinds, until somebody ends it.
pub(crate) fn endless_maps() -> ExitCode {
    for round in 0usize.. {
        let fork = Fork::new().workers(1 + round % 4);
        let large = over(0..64).map(|i| vec![i; (i * 997) % 20_000]);
        let lengths = large.try_run(&fork).map_or(0, |outputs| outputs.len());
        let streamed = over(0..200)
            .window(16)
            .retries(1)
            .map_cx(|i, cx| {
                if i % 50 == 7 && cx.attempt == 0 {
                    std::process::abort();
                }
                i
            })
            .for_each(&fork, |_, _| {});
        // Its children rest between windows, and are killed then, too.
        let mut sum = 0;
        let kept = over_iter(0..400_usize)
            .persistent_workers()
            .window(20)
            .map(|i| *i)
            .for_each(&fork, |_, i| sum += i);
        if lengths != 64 || streamed.is_err() || kept.is_err() || sum != 79_800 {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn ctrl_c() {
    let mut host = Host::start_with("endless_map", |command| {
        command.process_group(0);
    });
    let begun = Instant::now();
    while host.processes().len() < 4 {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "the map does not begin"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    // SAFETY: the group was made for this host.
    assert_eq!(unsafe { libc::kill(-host.pid(), libc::SIGINT) }, 0);
    let (status, said) = host.wait();
    assert_eq!(status.signal(), Some(libc::SIGINT), "{status}: {said}");
}

fn killed_parent() {
    let kills = std::env::var("PARTOOLS_FORK_KILLS")
        .ok()
        .and_then(|n| n.parse().ok());
    let place = std::env::temp_dir().join(format!("partools-hosts-{}", std::process::id()));
    std::fs::create_dir_all(&place).expect("a directory");
    for kill in 0..kills.unwrap_or(KILLS) {
        let mut host = Host::start_with("endless_maps", |command| {
            command.current_dir(&place).env("TMPDIR", &place);
        });
        // From before its first map to amid its tenth or so, in steps that never meet the same moment twice.
        std::thread::sleep(Duration::from_micros(
            2_000 + (kill as u64 * 7_919) % 40_000,
        ));
        // SAFETY: our own child, not yet waited for.
        assert_eq!(unsafe { libc::kill(host.pid(), libc::SIGKILL) }, 0);
        let (status, said) = host.wait();
        assert_eq!(
            status.signal(),
            Some(libc::SIGKILL),
            "kill {kill}: {status}: {said}"
        );
    }
    let left: Vec<_> = std::fs::read_dir(&place).expect("a directory").collect();
    assert!(left.is_empty(), "files were left: {left:?}");
    std::fs::remove_dir(&place).expect("an empty directory");
}
