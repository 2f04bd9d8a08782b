//! Hosts with little: processes, address space, descriptors, stack, `/proc`.

use crate::jobs::{self, Causes};
use crate::seccomp;
use crate::stage::{self, skip};
use partools_conformance::leaks::Snapshot;
use partools_core::{Chunks, Error, over};
use partools_fork::{Fork, Limits};
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Nobody's user id, which has no processes of its own as a rule.
const NOBODY: u32 = 65534;

/// Sets a soft limit; the hard one stays.
fn limit(resource: libc::__rlimit_resource_t, soft: u64) {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: writes to the struct that is passed.
    assert_eq!(unsafe { libc::getrlimit(resource, &mut limit) }, 0);
    limit.rlim_cur = soft.min(limit.rlim_max);
    // SAFETY: reads the struct that is passed.
    assert_eq!(unsafe { libc::setrlimit(resource, &limit) }, 0);
}

/// How many processes nobody has; becomes nobody. None where that is not permitted.
fn become_nobody() -> Option<u64> {
    let uid = format!("\nUid:\t{NOBODY}\t");
    let processes = std::fs::read_dir("/proc").ok()?.filter(|entry| {
        let Ok(entry) = entry else { return false };
        std::fs::read_to_string(entry.path().join("status")).is_ok_and(|s| s.contains(&uid))
    });
    let count = processes.count() as u64;
    // SAFETY: plain numbers.
    (unsafe { libc::setuid(NOBODY) } == 0).then_some(count + 1)
}

pub(crate) fn few_processes() -> ExitCode {
    let Some(own) = become_nobody() else {
        return skip("changing the user id is not permitted");
    };
    for more in 1..=3 {
        limit(libc::RLIMIT_NPROC, own + more);
        let before = Snapshot::take();
        let pids = over(0..40).chunk(Chunks::of(1)).map(|i| {
            std::thread::sleep(Duration::from_millis(1));
            (i, std::process::id())
        });
        let seen = pids.run(&Fork::new().workers(8)).expect("fewer workers");
        assert!(seen.iter().map(|&(i, _)| i).eq(0..40));
        let workers = seen
            .iter()
            .map(|&(_, pid)| pid)
            .collect::<BTreeSet<_>>()
            .len();
        assert!(
            workers as u64 <= more,
            "{workers} workers where {more} are allowed"
        );
        before.assert_unchanged();
    }
    // Three processes, where up to eight are wanted.
    jobs::two_hundred(8, Causes::Told);
    limit(libc::RLIMIT_NPROC, own);
    assert_none_starts();
    ExitCode::SUCCESS
}

pub(crate) fn no_processes() -> ExitCode {
    seccomp::deny(seccomp::FORKS, libc::EAGAIN);
    assert_none_starts();
    ExitCode::SUCCESS
}

fn assert_none_starts() {
    let before = Snapshot::take();
    let begun = Instant::now();
    let error = over(0..100)
        .map(|i| i)
        .run(&Fork::new().workers(4))
        .expect_err("no process");
    assert!(
        begun.elapsed() < Duration::from_millis(1500),
        "{:?}",
        begun.elapsed()
    );
    assert!(
        error
            .to_string()
            .contains("no worker process could be started"),
        "{error}"
    );
    before.assert_unchanged();
}

/// A worker dies and cannot be replaced, while the others wait for what it left.
pub(crate) fn no_replacement() -> ExitCode {
    let Some(own) = become_nobody() else {
        return skip("changing the user id is not permitted");
    };
    for spare in [1, 0] {
        limit(libc::RLIMIT_NPROC, own + 3);
        let before = Snapshot::take();
        let mut delivered = 0;
        let result = over(0..500)
            .window(16)
            .chunk(Chunks::of(1))
            .retries(1)
            .map_cx(|i, cx| {
                if i == 100 && cx.attempt == 0 {
                    std::process::abort();
                }
                std::thread::sleep(Duration::from_micros(200));
                i
            })
            .for_each(&Fork::new().workers(3), |i, x| {
                limit(libc::RLIMIT_NPROC, own + spare);
                assert_eq!((i, x), (delivered, delivered));
                delivered += 1;
            });
        match spare {
            0 => {
                let error = result.expect_err("nobody is left");
                assert!(error.to_string().contains("no worker process"), "{error}");
            }
            _ => {
                result.expect("one worker is enough");
                assert_eq!(delivered, 500);
            }
        }
        before.assert_unchanged();
    }
    ExitCode::SUCCESS
}

/// Right, or a clear error of the system's.
fn right_or_refused(result: Result<Vec<usize>, Error>, count: usize) -> bool {
    match result {
        Ok(outputs) => {
            assert!(outputs.into_iter().eq(0..count));
            true
        }
        Err(error) => {
            let text = error.to_string();
            let clear = [
                "no worker process could be started",
                "making the shared memory",
                "it cannot see whether",
            ];
            assert!(clear.iter().any(|words| text.contains(words)), "{text}");
            false
        }
    }
}

pub(crate) fn address_space() -> ExitCode {
    // Room in the heap for what is allocated below: an allocation that fails would end the process.
    let mut room: Vec<Vec<u8>> = (0..512).map(|_| vec![1; 1000]).collect();
    let pin = room.pop();
    drop(room);
    let mut outcomes = Vec::new();
    for extra in [
        0,
        64 << 10,
        256 << 10,
        1200 << 10,
        2500 << 10,
        5000 << 10,
        20 << 20,
    ] {
        let before = Snapshot::take();
        let statm = std::fs::read_to_string("/proc/self/statm").expect("statm");
        let pages: u64 = statm
            .split(' ')
            .next()
            .and_then(|n| n.parse().ok())
            .expect("pages");
        limit(libc::RLIMIT_AS, pages * 4096 + extra);
        let result = over(0..40)
            .chunk(Chunks::of(1))
            .map(|i| i)
            .run(&Fork::new().workers(8));
        limit(libc::RLIMIT_AS, u64::MAX);
        outcomes.push(right_or_refused(result, 40));
        before.assert_unchanged();
    }
    let statm = std::fs::read_to_string("/proc/self/statm").expect("statm");
    let pages: Option<u64> = statm.split(' ').next().and_then(|n| n.parse().ok());
    limit(libc::RLIMIT_AS, pages.expect("pages") * 4096 + (8 << 20));
    jobs::two_hundred(3, Causes::Told);
    limit(libc::RLIMIT_AS, u64::MAX);
    drop(pin);
    assert!(!outcomes[0] && outcomes[4] && outcomes[6], "{outcomes:?}");
    ExitCode::SUCCESS
}

pub(crate) fn descriptors() -> ExitCode {
    for most in [64, 8, 6, 5, 4, 3] {
        let before = Snapshot::take();
        limit(libc::RLIMIT_NOFILE, most);
        let result = over(0..300)
            .chunk(Chunks::of(1))
            .map(|i| {
                std::thread::sleep(Duration::from_micros(300));
                i
            })
            .run(&Fork::new().workers(100));
        if most == 64 {
            jobs::two_hundred(100, Causes::Told);
        }
        limit(libc::RLIMIT_NOFILE, 1024);
        assert!(
            right_or_refused(result, 300) || most <= 4,
            "{most} descriptors"
        );
        before.assert_unchanged();
    }
    ExitCode::SUCCESS
}

pub(crate) fn small_stack() -> ExitCode {
    limit(libc::RLIMIT_STACK, 256 << 10);
    jobs::two_hundred(3, Causes::Told);
    ExitCode::SUCCESS
}

pub(crate) fn hidden_proc() -> ExitCode {
    // SAFETY: plain numbers.
    let apart = unsafe { libc::unshare(libc::CLONE_NEWNS) } == 0;
    let mount = |kind: Option<&std::ffi::CStr>, place: &std::ffi::CStr, flags| {
        let kind = kind.map_or(std::ptr::null(), std::ffi::CStr::as_ptr);
        // SAFETY: strings that end in a zero, or none; no options.
        unsafe { libc::mount(kind, place.as_ptr(), kind, flags, std::ptr::null()) == 0 }
    };
    if !apart
        || !mount(None, c"/", libc::MS_REC | libc::MS_PRIVATE)
        || !mount(Some(c"tmpfs"), c"/proc", 0)
    {
        return skip("mounting over /proc is not permitted");
    }
    assert!(!std::path::Path::new("/proc/self").exists());
    // What a limit needs is asked for before the first item, too.
    let watched = [
        Limits::new().memory(1 << 30),
        Limits::new().reserve(1 << 30),
        Limits::new().recycle_at(1 << 30),
    ];
    for limits in watched {
        let error = limits.check("fork").expect_err("it cannot be watched");
        assert!(error.is_refused(), "{error}");
        assert!(
            error
                .to_string()
                .contains("make /proc readable, or drop that limit"),
            "{error}"
        );
    }
    let needs_no_proc = Limits::new()
        .cpu_time(Duration::from_secs(1))
        .recycle_after(7)
        .nice(1);
    needs_no_proc
        .check("fork")
        .expect("processor time is asked of the kernel");
    for _ in 0..jobs::MAPS {
        let map = over(0..10).map(|i| i);
        let error = map.run(&Fork::new().workers(2)).expect_err("refused");
        assert!(error.is_refused(), "{error}");
        for words in ["/proc/self/task", "make /proc readable"] {
            assert!(error.to_string().contains(words), "{error}");
        }
    }
    ExitCode::SUCCESS
}

/// Plays `then` as process 1.
pub(crate) fn first_process() -> ExitCode {
    // SAFETY: plain numbers.
    if unsafe { libc::unshare(libc::CLONE_NEWPID) } != 0 {
        return skip("a new namespace of process ids is not permitted");
    }
    let status = stage::play("as_first_process").status().expect("process 1");
    ExitCode::from(u8::from(!status.success()))
}

pub(crate) fn as_first_process() -> ExitCode {
    assert_eq!(std::process::id(), 1);
    // No snapshot here: /proc is that of the namespace outside.
    jobs::two_hundred_with(3, Causes::Told, || {
        // SAFETY: no status is asked for.
        let left = unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) };
        assert_eq!(left, -1, "a child is left");
    });
    ExitCode::SUCCESS
}
