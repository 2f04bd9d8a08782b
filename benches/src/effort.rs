//! Processor time of this process, of the children that it has reaped, and of those that live.

use crate::processes::descendants;
use nix::sys::resource::{UsageWho, getrusage};
use nix::time::ClockId;
use nix::unistd::Pid;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

/// Whose descendants count; this process's own where it is 0.
static ROOT: AtomicU32 = AtomicU32::new(0);

/// All that `process` has started counts from now on, this process among them.
#[cfg_attr(not(feature = "mpi"), expect(dead_code, reason = "for ranks of a job"))]
pub(crate) fn begin_at(process: u32) {
    ROOT.store(process, Relaxed);
}

/// The processor time until now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort(Duration);

impl Effort {
    pub(crate) fn now() -> Self {
        // The living ones are added last: one that ends in between counts once or not at all.
        Effort(of(UsageWho::RUSAGE_SELF) + of(UsageWho::RUSAGE_CHILDREN) + of_the_living())
    }

    /// Seconds since then.
    pub(crate) fn spent(self) -> f64 {
        Effort::now().0.saturating_sub(self.0).as_secs_f64()
    }
}

fn of(who: UsageWho) -> Duration {
    let Ok(usage) = getrusage(who) else {
        return Duration::ZERO;
    };
    let of = |time: nix::sys::time::TimeVal| {
        Duration::from_micros((time.tv_sec() * 1_000_000 + time.tv_usec()).unsigned_abs())
    };
    of(usage.user_time()) + of(usage.system_time())
}

/// Kept workers: they are not in the usage of children before they are reaped.
fn of_the_living() -> Duration {
    let time = |pid: u32| {
        let pid = Pid::from_raw(i32::try_from(pid).ok()?);
        let now = ClockId::pid_cpu_clock_id(pid).ok()?.now().ok()?;
        Some(Duration::from(now))
    };
    let own = std::process::id();
    let root = match ROOT.load(Relaxed) {
        0 => own,
        root => root,
    };
    descendants(root)
        .into_iter()
        .filter(|&other| other != own)
        .filter_map(time)
        .sum()
}
