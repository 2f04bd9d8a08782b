//! The first steps of a forked child, and its last.
//!
//! The order matters: it must die with its parent before anything can block; the host's signal handlers must be
//! gone before signals are let in again; and nothing of the user's runs before the gate opens.
//!
//! Invariant: [`live`] does not return and does not unwind; it ends in `_exit`, past every destructor, `atexit` function and
//! stream buffer that was inherited.

use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Acquire;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::SigSet;
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal};
use rustix::thread::futex;

use super::stderr::Pipe;
use super::{SpawnOptions, pins};
use crate::region::{Access, Region};

/// The exit code after a panic: the one that Rust programs use.
const PANICKED: i32 = 101;
/// The exit code of a child that could not be set up as promised, or has lost its parent.
const STILLBORN: i32 = 101;
/// The largest signal number.
const LAST_SIGNAL: i32 = 64;
/// Children are to go before the parent when memory runs out; not so eagerly that they go for somebody else's hunger.
const OOM_SCORE: i32 = 500;
/// A waiting child looks again by itself this often.
const LOOK_AGAIN: futex::Timespec = futex::Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// What a child is born with.
#[derive(Debug)]
pub(super) struct Start<'a> {
    pub(super) parent: Pid,
    pub(super) lent: &'a [(&'a Region, Access)],
    pub(super) gate: &'a AtomicU32,
    pub(super) options: &'a SpawnOptions,
    /// The mask of the thread that forked, from before it blocked everything.
    pub(super) signals: &'a SigSet,
}

/// The life of a child. Called right after the fork, with all signals blocked.
pub(super) fn live(start: &Start<'_>, stderr: Option<Pipe>, body: impl FnOnce() -> i32) -> ! {
    let life = AssertUnwindSafe(|| {
        prepare(start, stderr);
        body()
    });
    match catch_unwind(life) {
        Ok(code) => end(code),
        Err(payload) => {
            // Dropping it could panic again.
            std::mem::forget(payload);
            end(PANICKED)
        }
    }
}

fn prepare(start: &Start<'_>, stderr: Option<Pipe>) {
    die_with(start.parent);
    take_out_handlers();
    if stderr.is_some_and(|pipe| pipe.far().is_err()) {
        end(STILLBORN);
    }
    for &descriptor in &start.options.close {
        // SAFETY: the caller of `spawn` named it as one that nothing in this child owns.
        unsafe { rustix::io::close(descriptor) };
    }
    for (region, access) in start.lent {
        if *access == Access::ReadOnly && region.forbid_writing().is_err() {
            end(STILLBORN);
        }
    }
    if !start.options.core_dumps {
        forbid_core_dumps();
    }
    volunteer_for_oom();
    if start.options.nice > 0 {
        // Being nicer takes no privilege.
        let _ = rustix::process::nice(start.options.nice.into());
    }
    if let Some(cpu) = start.options.cpu {
        pins::pin(cpu);
    }
    // The mask is one that the kernel gave out.
    let _ = start.signals.thread_set_mask();
    while start.gate.load(Acquire) == 0 {
        // Woken, timed out or refused because the gate opened meanwhile: look again in every case.
        let _ = futex::wait(start.gate, futex::Flags::empty(), 0, Some(&LOOK_AGAIN));
    }
}

/// The death signal covers the future; the look at our parent covers the time before it was set.
fn die_with(parent: Pid) {
    let set = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    if set.is_err() || rustix::process::getppid() != Some(parent) {
        end(STILLBORN);
    }
}

/// Puts the host's handlers back to the default: they belong to the parent and may take locks, as std's for SIGSEGV does.
fn take_out_handlers() {
    for signal in 1..=LAST_SIGNAL {
        // The C library keeps some numbers to itself, and two cannot be handled: those are refused, here or there.
        if let Some(action) = action_of(signal)
            && action != libc::SIG_DFL
            && action != libc::SIG_IGN
        {
            set_action(signal, libc::SIG_DFL, 0);
        }
    }
    // Ctrl-C reaches the whole process group, and what it means is the parent's decision. A function rather than
    // SIG_IGN, because a program that the body starts would inherit the latter.
    if action_of(libc::SIGINT) != Some(libc::SIG_IGN) {
        let carry_on: extern "C" fn(libc::c_int) = carry_on;
        set_action(libc::SIGINT, carry_on as usize, libc::SA_RESTART);
    }
}

extern "C" fn carry_on(_signal: libc::c_int) {}

/// The function or constant that is in force for a signal.
fn action_of(signal: i32) -> Option<libc::sighandler_t> {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: no new action is given; the old one is written to memory that is large enough.
    let asked = unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) };
    // SAFETY: filled in, as the call succeeded.
    (asked == 0).then(|| unsafe { action.assume_init() }.sa_sigaction)
}

/// Refused for signals that cannot be handled, which is all that can happen.
fn set_action(signal: i32, action: libc::sighandler_t, flags: libc::c_int) {
    // SAFETY: all zeros are a sigaction: the default action, no flags, an empty mask.
    let mut new = unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() };
    new.sa_sigaction = action;
    new.sa_flags = flags;
    // SAFETY: `action` is SIG_DFL or a function that does nothing, both safe at any moment.
    unsafe { libc::sigaction(signal, &raw const new, ptr::null_mut()) };
}

/// One byte is too little for a core file, and stops core-dump programs too, which a limit of zero would not.
fn forbid_core_dumps() {
    // Not rustix's, which takes for granted that this call cannot fail: under a filter it can.
    let Ok((_, most)) = getrlimit(Resource::RLIMIT_CORE) else {
        return;
    };
    // Lowering a soft limit needs no privilege.
    let _ = setrlimit(Resource::RLIMIT_CORE, most.min(1), most);
}

/// Best effort: without /proc, or where it is read-only, the kernel judges by memory alone.
fn volunteer_for_oom() {
    let path = c"/proc/self/oom_score_adj";
    let Ok(file) = rustix::fs::open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()) else {
        return;
    };
    let mut text = [0; 16];
    let Ok(length) = rustix::io::read(&file, &mut text) else {
        return;
    };
    let inherited = std::str::from_utf8(&text[..length])
        .ok()
        .and_then(|text| text.trim().parse::<i32>().ok());
    if inherited.is_some_and(|score| score < OOM_SCORE) {
        let _ = rustix::io::write(&file, b"500");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the place that ends a worker"
)]
fn end(code: i32) -> ! {
    // SAFETY: ends the process; nothing of it is needed any more.
    unsafe { libc::_exit(code) }
}
