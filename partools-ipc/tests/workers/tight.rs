//! Much at once, and hosts with little: many items in flight, a giant output, few descriptors, calls that are interrupted all
//! the time. Hosts that are changed for good are this program, started again.

use super::Trials;
use partools_conformance::leaks::Snapshot;
use partools_core::{Chunks, over};
use partools_ipc::{Ipc, Limits};
use std::io;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

pub(super) const GIANT: &str = "one_output_of_three_gigabytes_arrives";

pub(super) fn all() -> Trials {
    vec![
        ("a_hundred_thousand_items_in_flight_arrive_in_order", many),
        (GIANT, giant),
        (
            "sixty_four_descriptors_are_enough_for_a_hundred_workers",
            || {
                host("descriptors");
            },
        ),
        (
            "calls_that_are_interrupted_all_the_time_are_no_matter",
            || {
                host("interrupted");
            },
        ),
    ]
}

fn many() {
    let ipc = Ipc::new().workers(2);
    let items: Vec<String> = (0..100_000).map(|i| format!("item {i}")).collect();
    // All may be under way at once, each in a chunk of its own.
    let job = over(&items)
        .chunk(Chunks::of(1))
        .map(|item| format!("{item}, done"));
    let outputs = job.run(&ipc).unwrap();
    assert_eq!(outputs.len(), items.len());
    let pairs = items.iter().zip(&outputs);
    assert!(
        pairs
            .into_iter()
            .all(|(item, output)| *output == format!("{item}, done"))
    );
}

fn giant() {
    const BYTES: usize = 3 << 30;
    let ipc = Ipc::new().workers(1).limits(Limits::new());
    let job = over(0..2).chunk(Chunks::of(1)).map(|i| match i {
        0 => (0..BYTES).map(byte).collect(),
        _ => vec![7],
    });
    let outputs = job.run(&ipc).unwrap();
    assert_eq!((outputs[0].len(), &outputs[1][..]), (BYTES, &[7][..]));
    assert!(outputs[0].iter().copied().eq((0..BYTES).map(byte)));
}

fn byte(at: usize) -> u8 {
    u8::try_from(at % 251).unwrap_or(0)
}

// ---- hosts

const ROLE: &str = "PARTOOLS_IPC_TIGHT";

/// Plays one, where this process is one.
pub(super) fn play() -> Option<ExitCode> {
    match &*std::env::var(ROLE).ok()? {
        "descriptors" => descriptors(),
        _ => interrupted(),
    }
    Some(ExitCode::SUCCESS)
}

/// Plays it in a process of its own; one that hangs is killed.
fn host(role: &str) {
    let mut command = Command::new("timeout");
    command.arg("-s").arg("KILL").arg("60");
    command.arg(std::env::current_exe().expect("this program"));
    command
        .env(ROLE, role)
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    let output = command.output().expect("it starts");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {words}", output.status);
}

/// Sets the soft limit of descriptors.
fn allow_descriptors(most: u64) {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: writes to the struct that is passed.
    let read = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) };
    assert_eq!(read, 0);
    limit.rlim_cur = most.min(limit.rlim_max);
    // SAFETY: reads the struct that is passed.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) }, 0);
}

fn descriptors() {
    let numbers: Vec<u64> = (0..1000).collect();
    for most in [64, 40, 24, 16, 12, 10, 9, 8] {
        let before = Snapshot::take();
        allow_descriptors(most);
        let job = over(0..300)
            .chunk(Chunks::of(1))
            .shared(&numbers[..])
            .map(|i, numbers| {
                std::thread::sleep(Duration::from_micros(300));
                numbers[i]
            });
        let result = job.run(&Ipc::new().workers(100));
        allow_descriptors(1024);
        match result {
            Ok(outputs) => assert!(outputs.into_iter().eq(0..300)),
            // With words for it.
            Err(error) => {
                assert!(most < 24 && error.is_os(), "{most} descriptors: {error}");
                let text = error.to_string();
                assert!(
                    text.contains("Too many open files"),
                    "{most} descriptors: {text}"
                );
            }
        }
        before.assert_unchanged();
    }
}

static TICKS: AtomicU64 = AtomicU64::new(0);

extern "C" fn tick(_: libc::c_int) {
    TICKS.fetch_add(1, Relaxed);
}

/// From now on, calls of this process that sleep are interrupted every half millisecond.
fn interrupt() -> io::Result<()> {
    // No SA_RESTART.
    // SAFETY: all zeros are an action, with its function set below.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = tick as extern "C" fn(libc::c_int) as usize;
    // SAFETY: a function that adds to an atomic.
    let set = unsafe { libc::sigaction(libc::SIGALRM, &action, std::ptr::null_mut()) };
    if set != 0 {
        return Err(io::Error::last_os_error());
    }
    let every = libc::timeval {
        tv_sec: 0,
        tv_usec: 500,
    };
    let timer = libc::itimerval {
        it_interval: every,
        it_value: every,
    };
    // SAFETY: reads the struct that is passed.
    let set = unsafe { libc::setitimer(libc::ITIMER_REAL, &timer, std::ptr::null_mut()) };
    match set {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// In this process and in its workers.
fn interrupted() {
    interrupt().expect("a timer");
    let ipc = Ipc::new().workers(2).setup(|_| Ok(interrupt()?));
    let numbers: Vec<u64> = (0..100_000).collect();
    let mut ticks_there = 0;
    for round in 0..50 {
        let items: Vec<String> = (0..200).map(|i| "x".repeat(i * round)).collect();
        let job = over(&items)
            .shared(&numbers[..])
            .map(|item, numbers| (item.clone(), numbers[item.len()], TICKS.load(Relaxed)));
        let results = job.try_run(&ipc).expect("a map");
        for (item, result) in items.iter().zip(results) {
            let (output, number, ticks) = result.expect("a sound item");
            assert!(output == *item && number == item.len() as u64);
            ticks_there = ticks_there.max(ticks);
        }
        let job = over(0..6).chunk(Chunks::of(1)).map(|i| assert!(i != 3));
        assert_eq!(
            job.try_run(&ipc)
                .expect("a map")
                .iter()
                .filter(|r| r.is_err())
                .count(),
            1
        );
    }
    let ticks_here = TICKS.load(Relaxed);
    assert!(
        ticks_here > 20 && ticks_there > 5,
        "{ticks_here} here, {ticks_there} there"
    );
}
