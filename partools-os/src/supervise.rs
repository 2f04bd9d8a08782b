//! Forking a worker child: the parent's side.
//!
//! ```text
//!   parent                                        child (supervise/newborn.rs)
//!   block signals, lock the registry
//!   lend regions, close the gate
//!   fork ───────────────────────────────────────  same locks, same blocked signals
//!   withhold regions, unlock                      withhold regions, forget the others, unlock
//!   pidfd_open                                    die with the parent, host handlers off, limits
//!   open the gate, restore signals                restore signals, wait at the gate, body, _exit
//! ```
//!
//! Invariants: a fork copies exactly the regions that it names (the registry's lock is held from the first lending to
//! the last withholding, and by every fork of ours); whatever fails, the parent's signals, regions and handlers are as
//! they were; the body does not begin before the parent holds what it needs to watch and kill the child.

use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Release;

use nix::sys::signal::{SigSet, SigmaskHow};
use nix::unistd::ForkResult;
use rustix::process::Pid;
use rustix::thread::futex;

use crate::region::{Access, Region};
use crate::registry;
pub(crate) use stderr::Pipe;

mod child;
mod clock;
mod end;
mod exit;
mod headroom;
mod limits;
mod newborn;
mod notice;
mod pins;
mod stderr;
mod stop;
mod streams;
mod wait;
mod watch;
mod wear;
mod weight;

pub use child::Child;
pub use clock::{Clock, Flight};
pub use end::End;
pub use exit::{Exit, signal_name};
pub use headroom::room_for;
pub use limits::Limits;
pub use notice::Notice;
pub use stderr::Capture;
pub use stop::{Hog, Killed, Late, Patience};
pub use streams::flush_streams;
pub use wait::{Watched, wait_any, wait_for};
pub use watch::{Excess, Watch};
pub use wear::Wear;
pub use weight::cpu_time;

/// How a child is started. [`SpawnOptions::default`] is what a worker wants.
///
/// ```standalone_crate
/// use partools_os::{Access, Exit, Region, SpawnOptions, spawn};
/// use std::os::fd::AsRawFd;
///
/// fn main() -> std::io::Result<()> {
///     let gate = Region::with_halves(1, 8)?;
///     let file = std::fs::File::open("/proc/self/exe")?;
///     let inherited = format!("/proc/self/fd/{}", file.as_raw_fd());
///     let mut options = SpawnOptions::default();
///     options.close.push(file.as_raw_fd());
///     // SAFETY: this process has no other thread, and the body does not own the file.
///     let mut child = unsafe {
///         spawn(&[(&gate, Access::ReadOnly)], &gate.halves()[0], &options, || {
///             i32::from(std::fs::exists(&inherited).unwrap_or(true))
///         })
///     }?;
///     assert_eq!(child.reap(), Exit::Code(0)); // closed there
///     assert!(std::fs::exists(&inherited)?); // and open here
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SpawnOptions {
    /// Leave the core limit as it is. Otherwise the child sets its soft limit to one byte, which is too little for a
    /// file, and also the value at which the kernel starts no core-dump program (`core_pattern` with a pipe), as it
    /// would for a limit of zero.
    pub core_dumps: bool,
    /// Descriptors that the child closes first, such as those by which the parent watches other children. The body
    /// must not own any of them.
    pub close: Vec<RawFd>,
    /// By so many steps is the child nicer than this process.
    pub nice: u8,
    /// The only processor that the child may run on; any of this process's if none is named. Best effort.
    pub cpu: Option<usize>,
    /// What becomes of what the child writes to standard error.
    pub stderr: Capture,
    /// Note what the child weighs at its birth, so that [`Child::growth`] can tell. Takes some 30 µs.
    pub weighed: bool,
}

/// Forks a child that runs `body` and ends with the exit code that it returns (101 if it panics).
///
/// `lent` are the regions that the child may use, of all that this process has. `gate` is a word of one of them: it is
/// set to 0 before the fork, and to 1 when the parent is ready; the child waits for that. One gate may serve
/// several children.
///
/// In the child: it dies with the thread that forked it; host signal handlers are back to the default (ignored signals
/// stay ignored, and Ctrl-C is left to the parent); it volunteers to the out-of-memory killer; it never unwinds
/// out of this call and drops nothing of the parent's.
///
/// ```standalone_crate
/// use partools_os::{Access, Exit, Region, SpawnOptions, spawn};
/// use std::sync::atomic::Ordering::Relaxed;
///
/// fn main() -> std::io::Result<()> {
///     let region = Region::with_halves(1, 8)?;
///     let lent = [(&region, Access::ReadWrite)];
///     // SAFETY: this process has no other thread.
///     let mut child = unsafe {
///         spawn(&lent, &region.halves()[0], &SpawnOptions::default(), || {
///             region.words()[0].store(42, Relaxed);
///             7
///         })
///     }?;
///     assert_eq!(child.reap(), Exit::Code(7));
///     assert_eq!(region.words()[0].load(Relaxed), 42);
///     Ok(())
/// }
/// ```
///
/// # Errors
/// When the process limit or memory stands in the way of a fork (nothing is changed then), or the gate is not a
/// word of a lent region.
///
/// # Safety
/// - No other thread of this process may hold a lock, at this moment, that the child will need: in the child that
///   thread does not exist, and the lock is held for ever. Std, the allocator's users and C libraries have such locks,
///   so in practice no other thread may be alive, or the user has said that those which are do not matter.
/// - `body` must not touch a [`Region`] that is not in `lent`, nor own a descriptor in `options.close`.
/// - No writable memory that this process shares with others, except regions, may be reachable for `body`.
pub unsafe fn spawn(
    lent: &[(&Region, Access)],
    gate: &AtomicU32,
    options: &SpawnOptions,
    body: impl FnOnce() -> i32,
) -> io::Result<Child> {
    if !lent.iter().any(|(region, _)| region.holds(gate)) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the gate of a child lies in no region lent to it",
        ));
    }
    let parent = rustix::process::getpid();
    let stderr = Pipe::new(options.stderr)?;
    // Dropped in the reverse order: regions withheld, registry unlocked, signals restored.
    let signals = BlockedSignals::new()?;
    let mut registry = registry::lock();
    let lending = Lending::new(lent)?;
    gate.store(0, Release);
    // SAFETY: the caller vouches for the other threads. It is glibc's fork, not a bare clone: the allocator's locks are
    // whole in the child. The registry's lock is held by this thread, which the child has.
    #[expect(clippy::disallowed_methods, reason = "this is the place that forks")]
    let forked = unsafe { nix::unistd::fork() };
    match forked {
        Ok(ForkResult::Child) => {
            drop(lending);
            registry.keep_only(|id| lent.iter().any(|(region, _)| region.id() == id));
            drop(registry);
            let start = newborn::Start {
                parent,
                lent,
                gate,
                options,
                signals: &signals.before,
            };
            newborn::live(&start, stderr, body)
        }
        Ok(ForkResult::Parent { child }) => {
            drop(lending);
            drop(registry);
            let child = Pid::from_raw(child.as_raw())
                .map(Child::watch)
                .ok_or(io::ErrorKind::InvalidData);
            // Its end of the pipe is closed here.
            let child = child.map(|child| child.heard(stderr.map(Pipe::near)));
            let child = child.map(|child| match options.weighed {
                // Behind the gate it has not begun to grow.
                true => child.weighed(),
                false => child,
            });
            open(gate);
            drop(signals);
            Ok(child?)
        }
        Err(refused) => {
            // An earlier child may wait at the same gate.
            open(gate);
            Err(refused.into())
        }
    }
}

fn open(gate: &AtomicU32) {
    gate.store(1, Release);
    // Nobody asleep there yet is fine: the word is looked at before every sleep.
    let _ = futex::wake(gate, futex::Flags::empty(), u32::MAX >> 1);
}

/// All signals of this thread are blocked while this lives, so that no handler of the host runs in the child
/// before it is taken out there.
struct BlockedSignals {
    before: SigSet,
}

impl BlockedSignals {
    fn new() -> io::Result<BlockedSignals> {
        let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
        Ok(BlockedSignals { before })
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // A mask that the kernel gave out is one that it takes back.
        let _ = self.before.thread_set_mask();
    }
}

/// The regions that a fork copies while this lives.
struct Lending<'a>(&'a [(&'a Region, Access)]);

impl Lending<'_> {
    fn new<'a>(lent: &'a [(&'a Region, Access)]) -> io::Result<Lending<'a>> {
        // Made first, so that a failure half-way withholds again what was lent already.
        let lending = Lending(lent);
        for (region, _) in lent {
            region.lend()?;
        }
        Ok(lending)
    }
}

/// In the parent and in the child: grandchildren get nothing that is not lent to them by name.
impl Drop for Lending<'_> {
    fn drop(&mut self) {
        for (region, _) in self.0 {
            // The advice was accepted for this very range when the region was made.
            let _ = region.withhold();
        }
    }
}
