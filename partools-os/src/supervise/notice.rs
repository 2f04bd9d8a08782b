//! Stopping a child in two steps: it is told, by SIGTERM, and killed when it has not gone after a grace.
//!
//! The first step lets code that has a handler of its own clean up (a C library that removes its lock file, say); where
//! there is none it ends the child at once. The second step needs nobody's consent.

use std::time::{Duration, Instant};

use super::Child;

/// A child was told to stop, and how long it has for that.
///
/// ```standalone_crate
/// use partools_os::{Access, Exit, Notice, Region, SpawnOptions, spawn};
/// use std::{thread::sleep, time::Duration};
///
/// fn main() -> std::io::Result<()> {
///     let gate = Region::with_halves(1, 8)?;
///     // SAFETY: this process has no other thread.
///     let mut child = unsafe {
///         spawn(&[(&gate, Access::ReadOnly)], &gate.halves()[0], &SpawnOptions::default(), || {
///             sleep(Duration::from_secs(60));
///             0
///         })
///     }?;
///     let notice = Notice::give(&child, Duration::from_millis(500));
///     while child.try_reap().is_none() {
///         sleep(notice.enforce(&child).min(Duration::from_millis(1)));
///     }
///     assert_eq!(child.reap().to_string(), "killed by SIGTERM"); // it had no handler, and went at once
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a child that ignores SIGTERM is killed by `enforce`"]
pub struct Notice {
    given: Instant,
    grace: Duration,
}

impl Notice {
    /// Tells `child` to stop. Without any grace it is killed.
    pub fn give(child: &Child, grace: Duration) -> Notice {
        if grace.is_zero() {
            child.kill();
        } else {
            child.terminate();
        }
        Notice {
            given: Instant::now(),
            grace,
        }
    }

    /// Kills the child if its grace is over; how long it still has. To be called again then.
    pub fn enforce(&self, child: &Child) -> Duration {
        let left = self.grace.saturating_sub(self.given.elapsed());
        if left.is_zero() {
            child.kill();
        }
        left
    }
}
