//! Hosts with signals of their own: ignored, handled, blocked, on a timer; and with closed streams.

use crate::jobs::{self, Causes, kill_self};
use crate::seccomp;
use partools_conformance::leaks::Snapshot;
use partools_core::{Chunks, over};
use partools_fork::Fork;
use std::process::ExitCode;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// Does the kernel keep a child's end behind its pidfd (6.15), so that one who comes late still learns it?
fn late_causes() -> Causes {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("a release");
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map(|n| n.parse().unwrap_or(0));
    match (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) {
        version if version >= (6, 15) => Causes::Told,
        _ => Causes::Unknown,
    }
}

fn handle(signal: i32, handler: libc::sighandler_t) {
    // SAFETY: a handler that does what handlers may, or a constant.
    assert_ne!(unsafe { libc::signal(signal, handler) }, libc::SIG_ERR);
}

fn function(handler: extern "C" fn(i32)) -> libc::sighandler_t {
    handler as *const () as libc::sighandler_t
}

pub(crate) fn ignored_sigchld() -> ExitCode {
    handle(libc::SIGCHLD, libc::SIG_IGN);
    jobs::two_hundred(3, late_causes());
    ExitCode::SUCCESS
}

static REAPED: AtomicUsize = AtomicUsize::new(0);

extern "C" fn reap_all(_: i32) {
    // SAFETY: no status is asked for.
    while unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) } > 0 {
        REAPED.fetch_add(1, Relaxed);
    }
}

pub(crate) fn reaping_handler() -> ExitCode {
    handle(libc::SIGCHLD, function(reap_all));
    jobs::two_hundred(3, late_causes());
    assert!(REAPED.load(Relaxed) > 0);
    ExitCode::SUCCESS
}

pub(crate) fn reaping_handler_no_pidfd() -> ExitCode {
    seccomp::deny(&seccomp::PIDFD, libc::ENOSYS);
    handle(libc::SIGCHLD, function(reap_all));
    let before = Snapshot::take();
    for round in 0..jobs::MAPS {
        let workers = 1 + round % 3;
        match round % 8 {
            1 | 4 => jobs::sound(workers),
            3 => jobs::streaming(workers),
            7 if round % 40 == 39 => jobs::late(workers),
            _ => chance(workers),
        }
    }
    before.assert_unchanged();
    ExitCode::SUCCESS
}

/// Whether the handler or we come first is chance, so a cause may be known or not. The index is exact.
fn chance(workers: usize) {
    let map = over(0..100).map(|i| {
        if i % 10 == 7 {
            std::process::abort()
        } else {
            i
        }
    });
    let results = map.try_run(&Fork::new().workers(workers)).expect("a map");
    for (i, result) in results.iter().enumerate() {
        match result {
            Ok(x) => assert!(*x == i && i % 10 != 7),
            Err(error) => {
                assert!(error.index() == i && i % 10 == 7, "{error}");
                let name = jobs::name(error);
                assert!(["SIGABRT", "lost"].contains(&&*name), "{error}");
            }
        }
    }
}

/// A thread of the host that waits for any child, tolerated by name.
pub(crate) fn reaping_thread() -> ExitCode {
    static END: AtomicUsize = AtomicUsize::new(0);
    /// Also where an assertion fails.
    struct EndOfReaper;
    impl Drop for EndOfReaper {
        fn drop(&mut self) {
            END.store(1, Relaxed);
        }
    }
    std::thread::scope(|scope| {
        let reaper = std::thread::Builder::new().name("reaper".into());
        let reap = || {
            while END.load(Relaxed) == 0 {
                // SAFETY: no status is asked for. It sleeps in the kernel, and there is none when there is no child.
                if unsafe { libc::waitpid(-1, std::ptr::null_mut(), 0) } < 0 {
                    std::thread::sleep(Duration::from_micros(50));
                }
            }
        };
        reaper.spawn_scoped(scope, reap).expect("a thread");
        let _end = EndOfReaper;
        // SAFETY: the reaper holds no lock that a child takes.
        let fork = unsafe { Fork::new().tolerate_threads(["reaper"]) };
        for round in 0..jobs::MAPS {
            let fork = fork.clone().workers(1 + round % 3);
            let results = over(0..60)
                .map(|i| {
                    if i % 20 == 7 {
                        std::process::abort()
                    } else {
                        i
                    }
                })
                .try_run(&fork)
                .expect("a map");
            for (i, result) in results.iter().enumerate() {
                assert_eq!(result.is_err(), i % 20 == 7, "{result:?}");
                if let Err(error) = result
                    && late_causes() == Causes::Told
                {
                    assert_eq!(jobs::name(error), "SIGABRT");
                }
            }
        }
    });
    ExitCode::SUCCESS
}

/// Where the handler below writes to.
static PIPE: AtomicI32 = AtomicI32::new(-1);

extern "C" fn tell(signal: i32) {
    let byte = u8::try_from(signal).unwrap_or(0);
    // SAFETY: one byte that lives here.
    unsafe { libc::write(PIPE.load(Relaxed), (&raw const byte).cast(), 1) };
}

pub(crate) fn own_handlers() -> ExitCode {
    let mut ends = [0; 2];
    // SAFETY: writes two descriptors to the array.
    let made = unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_NONBLOCK) };
    assert_eq!(made, 0);
    PIPE.store(ends[1], Relaxed);
    for signal in [libc::SIGSEGV, libc::SIGINT, libc::SIGTERM] {
        handle(signal, function(tell));
    }
    let before = Snapshot::take();
    jobs::two_hundred(3, Causes::Told);
    let results = over(0..60)
        .chunk(Chunks::of(1))
        .map(|i| {
            match i {
                7 => kill_self(libc::SIGTERM),
                17 => kill_self(libc::SIGINT), // Ctrl-C is for the parent to judge
                // SAFETY: none: this is the crash.
                27 => unsafe { std::ptr::null_mut::<u8>().write_volatile(1) },
                _ => {}
            }
            i
        })
        .try_run(&Fork::new().workers(2))
        .expect("a map");
    before.assert_unchanged();
    for (i, result) in results.iter().enumerate() {
        match (i, result) {
            (7, Err(error)) => assert_eq!(jobs::name(error), "SIGTERM"),
            (27, Err(error)) => assert_eq!(jobs::name(error), "SIGSEGV"),
            (_, result) => assert_eq!(result.as_ref().ok(), Some(&i), "{result:?}"),
        }
    }
    let mut byte = [0u8; 1];
    // SAFETY: one byte of room.
    let read = unsafe { libc::read(ends[0], byte.as_mut_ptr().cast(), 1) };
    assert_eq!(
        read, -1,
        "a handler of the host ran in a child for signal {}",
        byte[0]
    );
    kill_self(libc::SIGTERM);
    // SAFETY: as above.
    let read = unsafe { libc::read(ends[0], byte.as_mut_ptr().cast(), 1) };
    assert_eq!(
        (read, byte[0]),
        (1, 15),
        "the host's own handler is still there"
    );
    ExitCode::SUCCESS
}

/// The signals that are blocked, as the system writes them.
fn blocked() -> String {
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let line = status.lines().find(|line| line.starts_with("SigBlk:"));
    line.expect("a line").to_owned()
}

pub(crate) fn blocked_signals() -> ExitCode {
    let set = |signals: &[i32]| {
        // SAFETY: all zeros are a set, emptied before it is used.
        let mut set = unsafe { std::mem::zeroed() };
        // SAFETY: the set lives here.
        unsafe { libc::sigemptyset(&mut set) };
        for &signal in signals {
            // SAFETY: as above.
            unsafe { libc::sigaddset(&mut set, signal) };
        }
        // SAFETY: as above; the old set is not asked for.
        let done = unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &set, std::ptr::null_mut()) };
        assert_eq!(done, 0);
    };
    set(&[libc::SIGUSR1, libc::SIGCHLD, libc::SIGTERM, libc::SIGINT]);
    let before = blocked();
    let seen = over(0..20)
        .chunk(Chunks::of(1))
        .map(|_| {
            kill_self(libc::SIGTERM); // blocked: nothing happens
            blocked()
        })
        .run(&Fork::new().workers(2));
    for inside in seen.expect("a map") {
        assert_eq!(inside, before);
    }
    assert_eq!(blocked(), before);
    jobs::two_hundred(2, Causes::Told);
    assert_eq!(blocked(), before);
    // All that can be.
    set(&(1..32).collect::<Vec<_>>());
    jobs::all(2, Causes::Told);
    ExitCode::SUCCESS
}

static TICKS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn tick(_: i32) {
    TICKS.fetch_add(1, Relaxed);
}

pub(crate) fn interval_timer() -> ExitCode {
    // No SA_RESTART: calls that sleep are interrupted.
    // SAFETY: all zeros are an action, with its function set below.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = function(tick);
    // SAFETY: a function that adds to an atomic.
    let set = unsafe { libc::sigaction(libc::SIGALRM, &action, std::ptr::null_mut()) };
    assert_eq!(set, 0);
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
    assert_eq!(set, 0);
    jobs::two_hundred(3, Causes::Told);
    assert!(TICKS.load(Relaxed) > 50);
    ExitCode::SUCCESS
}

/// Standard streams that the host closed must not come back as descriptors of ours, which a print would write to.
pub(crate) fn closed_streams() -> ExitCode {
    let before = Snapshot::take();
    // SAFETY: plain numbers.
    let keep = |stream| unsafe { libc::fcntl(stream, libc::F_DUPFD_CLOEXEC, 100) };
    let kept = [0, 1, 2].map(keep);
    for stream in 0..3 {
        // SAFETY: nothing here owns the streams.
        unsafe { libc::close(stream) };
    }
    let played = std::panic::catch_unwind(|| {
        let printed = over(0..50)
            .chunk(Chunks::of(1))
            .map(|i| {
                println!("item {i} says so to whoever listens");
                eprint!("short");
                i
            })
            .run(&Fork::new().workers(3));
        assert!(printed.expect("a map").into_iter().eq(0..50));
        over(0..50)
            .map(|i| i)
            .for_each(&Fork::new().workers(3), |i, _| {
                println!("output {i} arrived");
                for stream in 0..3 {
                    // SAFETY: plain numbers.
                    let there = unsafe { libc::fcntl(stream, libc::F_GETFD) };
                    assert_eq!(there, -1, "stream {stream} was taken");
                }
            })
            .expect("a stream");
        jobs::two_hundred(3, Causes::Told);
    });
    for (stream, kept) in (0..).zip(kept) {
        // SAFETY: plain numbers.
        unsafe { libc::dup2(kept, stream) };
        // SAFETY: made above, and nothing owns it.
        unsafe { libc::close(kept) };
    }
    if let Err(panic) = played {
        let why = panic
            .downcast_ref::<String>()
            .map_or("no text", String::as_str);
        eprintln!("with closed streams: {why}");
        return ExitCode::FAILURE;
    }
    before.assert_unchanged();
    ExitCode::SUCCESS
}
