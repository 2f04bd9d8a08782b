//! A forked child in the parent's hands: kill it, ask how it ended.
//!
//! By pidfd where the kernel gives one, which can neither miss nor hit somebody else. By number otherwise, and then
//! only while the number is known to be our unreaped child's.
//!
//! Invariant: a child is reaped exactly once, at the latest when this is dropped; a number that was reaped is never
//! signalled. Only the process that forked a child acts on it: a copy inherited by a sibling does nothing.

use std::mem::size_of;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::ioctl;
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions};

use super::exit::{self, Exit};
use super::stderr::Heard;
use super::weight::{Growth, cpu_time_of};
use crate::descriptors::above_streams;

/// A forked child. Dropping it kills and reaps it.
///
/// ```standalone_crate
/// use partools_os::{Access, Region, SpawnOptions, spawn};
/// use std::{thread, time::Duration};
///
/// fn main() -> std::io::Result<()> {
///     let gate = Region::with_halves(1, 8)?;
///     // SAFETY: this process has no other thread.
///     let mut child = unsafe {
///         spawn(&[(&gate, Access::ReadOnly)], &gate.halves()[0], &SpawnOptions::default(), || {
///             loop {
///                 thread::sleep(Duration::from_secs(1));
///             }
///         })
///     }?;
///     assert_eq!(child.try_reap(), None); // it lives
///     child.kill();
///     assert_eq!(child.reap().to_string(), "killed by SIGKILL");
///     assert!(child.is_reaped() && child.try_reap() == Some(child.reap())); // and that stays the answer
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    pidfd: Option<OwnedFd>,
    /// Once reaped.
    exit: Option<Exit>,
    /// The process whose child it is.
    parent: Pid,
    /// How much it has grown since its birth, where that was noted.
    growth: Option<Growth>,
    /// What it wrote to standard error, where that is captured.
    words: Option<Heard>,
}

impl Child {
    /// Takes charge of a child that was started by this process and not yet reaped.
    ///
    /// Whatever stands in the way of a pidfd (an old kernel, a seccomp filter, no descriptor left), the child is
    /// there and must be looked after, by its number then.
    pub(crate) fn watch(pid: Pid) -> Child {
        let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty());
        let pidfd = pidfd.ok().and_then(|pidfd| above_streams(pidfd).ok());
        Child {
            pid,
            pidfd,
            exit: None,
            parent: rustix::process::getpid(),
            growth: None,
            words: None,
        }
    }

    /// The same, with its standard error.
    pub(crate) fn heard(mut self, words: Option<Heard>) -> Child {
        self.words = words;
        self
    }

    /// The same, weighed now.
    pub(super) fn weighed(mut self) -> Child {
        self.weigh();
        self
    }

    /// Weighs it now: [`growth`](Self::growth) is what it takes from here on. Where that cannot be done it will never seem to
    /// grow. For workers that serve one map after the other.
    pub fn weigh(&mut self) {
        self.growth = Growth::of_process(self.pid()).ok();
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_pid().unsigned_abs()
    }

    /// The descriptor that becomes readable when the child ends, where the system gives one.
    pub fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        self.pidfd.as_ref().map(AsFd::as_fd)
    }

    /// Takes in what it has written to standard error since, where that is [captured](crate::SpawnOptions::stderr), and
    /// passes it on if so wished; waits for nothing. To be called after each [`wait_any`](crate::wait_any), which wakes for
    /// that too: a child that writes and is not heard is held up when the pipe is full. After its end, once more.
    pub fn hear(&mut self) {
        if let Some(words) = &mut self.words {
            words.hear(self.exit.is_some());
        }
    }

    /// What it wrote so far is nobody's last words any more. For workers that serve one map after the other.
    pub fn forget_words(&mut self) {
        self.hear();
        self.words.iter_mut().for_each(Heard::forget);
    }

    /// The last 4 KB of what was heard, as text; `None` where that is nothing.
    pub fn last_words(&self) -> Option<String> {
        self.words.as_ref()?.text()
    }

    /// What becomes readable when there is something to hear.
    pub fn stderr(&self) -> Option<BorrowedFd<'_>> {
        self.words.as_ref()?.pipe()
    }

    /// Whether it ended and was reaped.
    pub fn is_reaped(&self) -> bool {
        self.exit.is_some()
    }

    /// By how many bytes its own memory has grown since its birth; see [`Limits`](crate::Limits). Exact where that comes near
    /// `limit`. `None` where it has ended, or was not [weighed](crate::SpawnOptions::weighed).
    pub fn growth(&mut self, limit: u64) -> Option<u64> {
        if self.exit.is_some() {
            return None;
        }
        self.growth.as_mut()?.look(limit).ok()
    }

    /// How much processor time it has used, all of its threads together. `None` where it has been reaped.
    pub fn cpu_time(&self) -> Option<Duration> {
        match self.exit {
            Some(_) => None,
            None => cpu_time_of(self.pid),
        }
    }

    /// Ends it with SIGKILL. Does nothing when it has ended already.
    pub fn kill(&self) {
        self.send(Signal::KILL);
    }

    /// Tells it to stop, with SIGTERM, which it may ignore; see [`Notice`](crate::Notice). Does nothing when it has ended
    /// already.
    pub fn terminate(&self) {
        self.send(Signal::TERM);
    }

    fn send(&self, signal: Signal) {
        if self.exit.is_some() || !self.is_ours() {
            return;
        }
        // Whatever else a filter answers, the child must go: by its number then.
        if let Some(pidfd) = &self.pidfd
            && let Ok(()) | Err(Errno::SRCH) = rustix::process::pidfd_send_signal(pidfd, signal)
        {
            return;
        }
        // A look that reaps nothing: as long as it succeeds, the number cannot have been given to another process.
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        if self.waitid(look).is_ok() {
            let kill = || rustix::process::kill_process(self.pid, signal);
            // Somebody waits for this child to go: one refusal is not believed.
            let _ = kill().or_else(|_| kill());
        }
    }

    /// How it ended, if it has. Never waits; the answer stays the same from the first one on.
    pub fn try_reap(&mut self) -> Option<Exit> {
        self.reap_with(WaitIdOptions::EXITED | WaitIdOptions::NOHANG)
    }

    /// Waits until it ends, and says how.
    pub fn reap(&mut self) -> Exit {
        loop {
            if let Some(exit) = self.reap_with(WaitIdOptions::EXITED) {
                return exit;
            }
        }
    }

    fn is_ours(&self) -> bool {
        rustix::process::getpid() == self.parent
    }

    /// One look, or one wait where the options say so.
    fn reap_with(&mut self, options: WaitIdOptions) -> Option<Exit> {
        if self.exit.is_none() {
            self.exit = match self.waitid(options) {
                Ok(status) => status.map(|status| exit::from_wait(&status)),
                // Not there any more: reaped by somebody else, or by the kernel. What is left is its own record.
                Err(_) => Some(
                    self.pidfd
                        .as_ref()
                        .and_then(exit_behind)
                        .unwrap_or(Exit::Unknown),
                ),
            };
        }
        self.exit
    }

    /// Its end, if there is one; an error where it is no child of ours any more, or nothing can be learnt.
    fn waitid(
        &self,
        options: WaitIdOptions,
    ) -> rustix::io::Result<Option<rustix::process::WaitIdStatus>> {
        let mut refused = 0;
        loop {
            let mut waited = match &self.pidfd {
                Some(pidfd) => rustix::process::waitid(WaitId::PidFd(pidfd.as_fd()), options),
                None => Err(Errno::INVAL),
            };
            // Linux 5.3 gives pidfds, and cannot wait for them yet.
            if matches!(waited, Err(Errno::INVAL)) {
                waited = rustix::process::waitid(WaitId::Pid(self.pid), options);
            }
            match waited {
                Err(Errno::INTR) => {}
                Ok(_) | Err(Errno::CHILD) => return waited,
                // No answer, and the child may well be there: to take it for gone would leave it behind.
                Err(_) if refused < REFUSALS => refused += 1,
                Err(_) => return waited,
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.exit.is_none() && self.is_ours() {
            self.kill();
            self.reap();
        }
    }
}

/// `struct pidfd_info` of the kernel, as long as its first published version with an exit code.
#[repr(C)]
#[derive(Debug, Default)]
struct PidfdInfo {
    mask: u64,
    cgroup: u64,
    /// Process, thread group and parent; then user and group ids. Not asked for.
    ids: [u32; 11],
    exit_code: i32,
    coredump: [u32; 2],
}

const _: () = assert!(size_of::<PidfdInfo>() == 72);

/// `PIDFD_INFO_EXIT`: asked for, and in the answer set if the exit code is known.
const INFO_EXIT: u64 = 1 << 3;
/// So many times a wait may be refused before it is believed that no wait can be had.
const REFUSALS: usize = 3;
/// How long somebody else's reaping may take, and how often to look. Kernels that keep no record, but know the question
/// (6.13 and 6.14), cost this time once a child.
const ON_RECORD: Duration = Duration::from_millis(20);
const NAP: Duration = Duration::from_micros(100);
/// `PIDFD_GET_INFO`.
const GET_INFO: ioctl::Opcode = ioctl::opcode::read_write::<PidfdInfo>(0xFF, 11);

/// How the process behind a pidfd ended, though somebody else reaped it (Linux 6.15 and later).
///
/// That somebody may still be at it: the child is no more ours to wait for, and its end is not yet on record.
fn exit_behind(pidfd: &OwnedFd) -> Option<Exit> {
    let begun = Instant::now();
    loop {
        match ask(pidfd) {
            Ok(info) if info.mask & INFO_EXIT != 0 => {
                return Some(exit::from_packed(info.exit_code));
            }
            Ok(_) | Err(Errno::SRCH) if begun.elapsed() < ON_RECORD => {
                std::thread::sleep(NAP);
            }
            _ => return None,
        }
    }
}

/// What the kernel knows of the process behind a pidfd.
fn ask(pidfd: &OwnedFd) -> rustix::io::Result<PidfdInfo> {
    let mut info = PidfdInfo {
        mask: INFO_EXIT,
        ..PidfdInfo::default()
    };
    // SAFETY: the opcode is that of PIDFD_GET_INFO, and says the size of the struct that is passed.
    let asking = unsafe { ioctl::Updater::<GET_INFO, _>::new(&mut info) };
    // SAFETY: reads and writes at most the size in the opcode, of plain integers.
    unsafe { ioctl::ioctl(pidfd, asking) }?;
    Ok(info)
}
