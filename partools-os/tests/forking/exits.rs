//! How children end, and that none outlives whoever is responsible for it.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use partools_os::{Bell, Exit, wait_any};
use rustix::process::{Pid, PidfdFlags, Resource, WaitId, WaitIdOptions};

use crate::{PATIENCE, gated, reap, sleep_for_ever, spawn, spawn_lending, spawn_with, trials};

trials![
    a_child_exits_with_the_code_of_its_body,
    a_panic_is_exit_code_101,
    an_abort_a_fault_and_a_kill_are_their_signals,
    the_answer_stays_the_same,
    core_dumps_are_off_unless_wanted,
    dropping_a_child_kills_and_reaps_it,
    a_grandchild_is_gone_when_its_parent_is_killed,
    an_ignored_sigchld_still_gives_an_exit,
    a_child_that_somebody_else_reaped_still_gives_an_exit,
    without_pidfds_children_are_watched_by_number,
    a_bell_wakes_the_parent,
    a_childs_end_wakes_the_parent,
    a_reaped_child_wakes_nobody,
];

fn killed_by(number: i32) -> Exit {
    Exit::Signal {
        number,
        core: false,
    }
}

fn a_child_exits_with_the_code_of_its_body() {
    for code in [0, 1, 3, 255] {
        assert_eq!(reap(&mut spawn(move || code)), Exit::Code(code));
    }
}

fn a_panic_is_exit_code_101() {
    let body = || {
        std::panic::set_hook(Box::new(|_| ()));
        panic!("in a child")
    };
    assert_eq!(reap(&mut spawn(body)), Exit::Code(101));
}

fn an_abort_a_fault_and_a_kill_are_their_signals() {
    assert_eq!(
        reap(&mut spawn(|| std::process::abort())),
        killed_by(libc::SIGABRT)
    );
    assert_eq!(reap(&mut spawn(fault)), killed_by(libc::SIGSEGV));
    let mut child = spawn(sleep_for_ever);
    assert_eq!(child.try_reap(), None);
    child.kill();
    assert_eq!(reap(&mut child), killed_by(libc::SIGKILL));
}

fn fault() -> i32 {
    let nowhere = std::ptr::without_provenance::<u8>(8);
    // SAFETY: not safe at all: the fault is the point, and the process ends by it.
    i32::from(unsafe { nowhere.read_volatile() })
}

fn the_answer_stays_the_same() {
    let mut child = spawn(|| 4);
    assert_eq!(child.reap(), Exit::Code(4));
    assert_eq!(child.reap(), Exit::Code(4));
    assert_eq!(child.try_reap(), Some(Exit::Code(4)));
    child.kill();
    assert!(child.is_reaped());
}

fn core_dumps_are_off_unless_wanted() {
    let limit = || rustix::process::getrlimit(Resource::Core).current;
    let inherited = limit();
    assert_eq!(
        reap(&mut spawn(move || i32::from(limit() == Some(1)))),
        Exit::Code(1)
    );
    let mut options = partools_os::SpawnOptions::default();
    options.core_dumps = true;
    let mut child = spawn_with(&gated(), &[], &options, move || {
        i32::from(limit() == inherited)
    });
    assert_eq!(reap(&mut child), Exit::Code(1));
}

fn dropping_a_child_kills_and_reaps_it() {
    let child = spawn(sleep_for_ever);
    let pid = Pid::from_raw(child.pid().cast_signed()).expect("a number");
    drop(child);
    let look = rustix::process::waitid(
        WaitId::Pid(pid),
        WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
    );
    assert_eq!(look.err(), Some(rustix::io::Errno::CHILD));
}

fn a_grandchild_is_gone_when_its_parent_is_killed() {
    // Orphans come to us, so that the grandchild can be reaped and leaves nothing.
    let own = rustix::process::getpid();
    rustix::process::set_child_subreaper(Some(own)).expect("a subreaper");
    let region = gated();
    let pid = &region.words()[0];
    let mut child = spawn_lending(&region, &[], || {
        let grandchild = spawn(sleep_for_ever);
        pid.store(grandchild.pid().into(), Relaxed);
        sleep_for_ever()
    });
    let begun = Instant::now();
    while pid.load(Relaxed) == 0 {
        assert!(begun.elapsed() < PATIENCE, "no grandchild");
        std::thread::sleep(Duration::from_millis(1));
    }
    let grandchild = i32::try_from(pid.load(Relaxed))
        .ok()
        .and_then(Pid::from_raw)
        .expect("a number");
    let pidfd = rustix::process::pidfd_open(grandchild, PidfdFlags::empty()).expect("it lives");
    child.kill();
    assert_eq!(reap(&mut child), killed_by(libc::SIGKILL));
    let mut ended = [rustix::event::PollFd::new(
        &pidfd,
        rustix::event::PollFlags::IN,
    )];
    let limit = rustix::event::Timespec {
        tv_sec: 5,
        tv_nsec: 0,
    };
    assert_eq!(
        rustix::event::poll(&mut ended, Some(&limit)),
        Ok(1),
        "it lives on"
    );
    rustix::process::waitpid(Some(grandchild), rustix::process::WaitOptions::empty())
        .expect("it came to us");
    rustix::process::set_child_subreaper(None).expect("no subreaper");
}

/// What an exit is where somebody else was told about it.
fn as_far_as_known(exit: Exit) -> Exit {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("a release");
    let mut parts = release
        .split(['.', '-'])
        .map_while(|part| part.parse::<u32>().ok());
    let keeps_the_cause = (parts.next(), parts.next()) >= (Some(6), Some(15));
    if keeps_the_cause { exit } else { Exit::Unknown }
}

fn an_ignored_sigchld_still_gives_an_exit() {
    // SAFETY: no handler is installed; the default is put back below.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    let coded = reap(&mut spawn(|| 9));
    let mut child = spawn(sleep_for_ever);
    let early = child.try_reap();
    child.kill();
    let waited = child.reap();
    // SAFETY: as above.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
    assert_eq!(coded, as_far_as_known(Exit::Code(9)));
    assert_eq!(early, None);
    assert_eq!(waited, as_far_as_known(killed_by(libc::SIGKILL)));
}

fn a_child_that_somebody_else_reaped_still_gives_an_exit() {
    let mut child = spawn(|| 5);
    rustix::process::wait(rustix::process::WaitOptions::empty()).expect("a child");
    assert_eq!(child.try_reap(), Some(as_far_as_known(Exit::Code(5))));
}

/// In a child of its own, which has no descriptor left to give.
fn without_pidfds_children_are_watched_by_number() {
    let mut outer = spawn(|| {
        let bell = Bell::new().expect("a bell");
        let mut limit = rustix::process::getrlimit(Resource::Nofile);
        limit.current = Some(1);
        rustix::process::setrlimit(Resource::Nofile, limit).expect("a lower limit");
        let mut child = spawn(|| 6);
        assert!(child.pidfd().is_none());
        while child.try_reap().is_none() {
            wait_any(&bell, std::iter::once(&child), None).expect("a wait");
        }
        assert_eq!(child.reap(), Exit::Code(6));
        let mut child = spawn(sleep_for_ever);
        assert_eq!(child.try_reap(), None);
        child.kill();
        assert_eq!(child.reap(), killed_by(libc::SIGKILL));
        drop(spawn(sleep_for_ever));
        0
    });
    assert_eq!(reap(&mut outer), Exit::Code(0));
}

fn a_bell_wakes_the_parent() {
    let bell = Bell::new().expect("a bell");
    let child = spawn(|| {
        std::thread::sleep(Duration::from_millis(30));
        bell.ring();
        sleep_for_ever()
    });
    let begun = Instant::now();
    wait_any(&bell, std::iter::once(&child), Some(PATIENCE)).expect("a wait");
    assert!(begun.elapsed() < PATIENCE);
    assert!(
        begun.elapsed() >= Duration::from_millis(20),
        "{:?}",
        begun.elapsed()
    );
}

fn a_childs_end_wakes_the_parent() {
    let bell = Bell::new().expect("a bell");
    let idle = spawn(sleep_for_ever);
    let mut child = spawn(|| {
        std::thread::sleep(Duration::from_millis(30));
        0
    });
    wait_any(&bell, [&idle, &child].into_iter(), Some(PATIENCE)).expect("a wait");
    assert_eq!(child.try_reap(), Some(Exit::Code(0)));
}

fn a_reaped_child_wakes_nobody() {
    let bell = Bell::new().expect("a bell");
    let mut child = spawn(|| 0);
    child.reap();
    let begun = Instant::now();
    wait_any(
        &bell,
        std::iter::once(&child),
        Some(Duration::from_millis(30)),
    )
    .expect("a wait");
    assert!(begun.elapsed() >= Duration::from_millis(30));
}
