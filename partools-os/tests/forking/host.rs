//! The host is left as it was, and its state does not leak into children.

use std::fs;

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use partools_os::{Access, Exit, SpawnOptions, other_threads, settled_threads};
use rustix::process::Resource;

use crate::{gated, reap, sleep_for_ever, spawn, spawn_with, trials};

trials![
    trials_run_on_the_only_thread,
    a_thread_that_was_joined_vanishes,
    signal_mask_and_handlers_of_the_parent_stay,
    a_child_has_the_mask_and_no_handler_of_the_parent,
    a_child_outlives_ctrl_c,
    a_child_goes_first_when_memory_runs_out,
    named_descriptors_are_closed_in_the_child,
    five_hundred_children_leave_nothing_behind,
    a_fork_that_is_refused_changes_nothing,
];

fn trials_run_on_the_only_thread() {
    assert_eq!(other_threads().expect("a list"), []);
    assert_eq!(rustix::thread::gettid(), rustix::process::getpid());
}

fn a_thread_that_was_joined_vanishes() {
    for _ in 0..200 {
        std::thread::scope(|scope| {
            scope.spawn(|| ());
        });
        let left = settled_threads(std::time::Duration::from_secs(5)).expect("a list");
        assert_eq!(left, []);
    }
}

/// The lines of /proc/self/status about signals.
fn signals() -> Vec<String> {
    let status = fs::read_to_string("/proc/self/status").expect("a status");
    let about = ["SigBlk", "SigIgn", "SigCgt"];
    status
        .lines()
        .filter(|line| about.iter().any(|name| line.starts_with(name)))
        .map(Into::into)
        .collect()
}

extern "C" fn host_handler(_signal: libc::c_int) {}

/// Runs `f` in a host that blocks one signal and no other, ignores one, and handles two.
fn with_host_signals(f: impl FnOnce()) {
    let handled = SigAction::new(
        SigHandler::Handler(host_handler),
        SaFlags::SA_RESTART,
        SigSet::empty(),
    );
    let ignored = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
    let set = |signal, action: &SigAction| {
        // SAFETY: the handler does nothing.
        unsafe { sigaction(signal, action) }.expect("a signal that can be handled")
    };
    let blocked = SigSet::from(Signal::SIGUSR2);
    let before = blocked
        .thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_SETMASK)
        .expect("a mask");
    let old = [
        (Signal::SIGTERM, set(Signal::SIGTERM, &handled)),
        (Signal::SIGINT, set(Signal::SIGINT, &handled)),
        (Signal::SIGHUP, set(Signal::SIGHUP, &ignored)),
    ];
    f();
    for (signal, action) in old {
        set(signal, &action);
    }
    before.thread_set_mask().expect("a mask");
}

fn signal_mask_and_handlers_of_the_parent_stay() {
    with_host_signals(|| {
        let before = signals();
        let child = spawn(sleep_for_ever);
        assert_eq!(signals(), before);
        drop(child);
        assert_eq!(signals(), before);
    });
}

/// The set of signals in one of the lines above.
fn set_of(lines: &[String], name: &str) -> u64 {
    let line = lines
        .iter()
        .find_map(|line| line.strip_prefix(name))
        .expect("a line");
    u64::from_str_radix(line.trim_start_matches(':').trim(), 16).expect("a number")
}

fn a_child_has_the_mask_and_no_handler_of_the_parent() {
    with_host_signals(|| {
        let before = signals();
        let mut child = spawn(|| {
            let now = signals();
            assert_eq!(
                set_of(&now, "SigBlk"),
                set_of(&before, "SigBlk"),
                "the mask"
            );
            assert_eq!(
                set_of(&now, "SigIgn"),
                set_of(&before, "SigIgn"),
                "what is ignored"
            );
            // Two signals are the C library's own, and cannot be taken from it.
            let handled = set_of(&now, "SigCgt") & !(0b11 << 31);
            assert_eq!(handled, 1 << (libc::SIGINT - 1), "what is handled");
            0
        });
        assert_eq!(reap(&mut child), Exit::Code(0));
    });
}

fn a_child_outlives_ctrl_c() {
    let region = gated();
    let mut child = crate::spawn_lending(&region, &[], || {
        while region.words()[0].load(std::sync::atomic::Ordering::Relaxed) == 0 {
            std::thread::yield_now();
        }
        8
    });
    let pid = nix::unistd::Pid::from_raw(child.pid().cast_signed());
    nix::sys::signal::kill(pid, Signal::SIGINT).expect("it lives");
    std::thread::sleep(std::time::Duration::from_millis(20));
    assert_eq!(child.try_reap(), None);
    region.words()[0].store(1, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(reap(&mut child), Exit::Code(8));
}

fn a_child_goes_first_when_memory_runs_out() {
    let score = || -> i32 {
        let text = fs::read_to_string("/proc/self/oom_score_adj").expect("a score");
        text.trim().parse().expect("a number")
    };
    let inherited = score();
    assert_eq!(
        reap(&mut spawn(move || i32::from(score() == inherited.max(500)))),
        Exit::Code(1)
    );
    assert_eq!(score(), inherited);
}

fn named_descriptors_are_closed_in_the_child() {
    use std::os::fd::{AsRawFd, BorrowedFd};
    let file = fs::File::open("/dev/null").expect("a file");
    let number = file.as_raw_fd();
    let is_open = move || {
        // SAFETY: only asked about; where it is closed, the answer is an error.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        i32::from(rustix::io::fcntl_getfd(descriptor).is_ok())
    };
    assert_eq!(reap(&mut spawn(is_open)), Exit::Code(1));
    let mut options = SpawnOptions::default();
    options.close = vec![number];
    assert_eq!(
        reap(&mut spawn_with(&gated(), &[], &options, is_open)),
        Exit::Code(0)
    );
    assert_eq!(is_open(), 1);
}

/// Descriptors, mappings of shared memory, and children, zombies included.
fn belongings() -> (usize, usize, String) {
    let descriptors = fs::read_dir("/proc/self/fd").expect("a list").count();
    let maps = fs::read_to_string("/proc/self/maps").expect("maps");
    let shared = maps.lines().filter(|line| line.contains("rw-s")).count();
    let children = fs::read_to_string("/proc/thread-self/children").expect("a list");
    (descriptors, shared, children)
}

fn five_hundred_children_leave_nothing_behind() {
    let before = belongings();
    for round in 0..500 {
        let mut child = spawn(|| 0);
        if round % 2 == 0 {
            child.reap();
        }
    }
    assert_eq!(belongings(), before);
}

/// In a child of its own, which gives up the right to fork.
fn a_fork_that_is_refused_changes_nothing() {
    let region = gated();
    let mut outer = crate::spawn_lending(&region, &[], || {
        if rustix::process::getuid().is_root() {
            // SAFETY: a plain change of this process's user, who may have no process beside.
            assert_eq!(unsafe { libc::setresuid(65534, 65534, 65534) }, 0);
        }
        let none = rustix::process::Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        rustix::process::setrlimit(Resource::Nproc, none).expect("a lower limit");
        let before = (signals(), belongings().0);
        let inner = gated();
        let lent = [(&inner, Access::ReadWrite)];
        // SAFETY: this process has one thread.
        let refused = unsafe {
            partools_os::spawn(&lent, &inner.halves()[0], &SpawnOptions::default(), || 0)
        };
        let error = refused.expect_err("no right to fork");
        assert_eq!(error.raw_os_error(), Some(libc::EAGAIN), "{error}");
        assert_eq!((signals(), belongings().0), before);
        0
    });
    assert_eq!(reap(&mut outer), Exit::Code(0));
}
