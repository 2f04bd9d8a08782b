//! Looking after the memory of workers: who must be stopped, why, and when to look again.
//!
//! Looks are as far apart as it would take to reach the nearest limit at full speed. A worker that was killed for its memory
//! gives it back only when it is gone, so nobody else is judged by what is left before that.

use std::time::{Duration, Instant};

use partools_core::{Cause, MemoryBound};

use super::headroom::Headroom;
use super::{Child, Limits};

/// No worker grows faster than this, in bytes a millisecond: page faults take their time.
const PACE: u64 = 4 << 20;
const SOONEST: Duration = Duration::from_millis(1);
const LATEST: Duration = Duration::from_millis(50);
/// Killing a worker that has grown by less frees nothing that matters.
const WORTHWHILE: u64 = 1 << 20;

/// Watches the memory of an executor's workers.
///
/// ```standalone_crate
/// use partools_os::{Access, Limits, Region, SpawnOptions, Watch, spawn};
/// use std::{hint::black_box, thread::sleep, time::Duration};
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let limits = Limits::new().memory(32 << 20);
///     let mut options = SpawnOptions::default();
///     limits.apply_to(&mut options, 0);
///     let gate = Region::with_halves(1, 8)?;
///     // SAFETY: this process has no other thread.
///     let mut child = unsafe {
///         spawn(&[(&gate, Access::ReadOnly)], &gate.halves()[0], &options, || {
///             let hoard = black_box(vec![1_u8; 256 << 20]);
///             sleep(Duration::from_secs(60));
///             hoard.len().try_into().unwrap_or(0)
///         })
///     }?;
///     let mut watch = Watch::new(&limits)?;
///     let excess = loop {
///         match watch.look([&mut child].into_iter()) {
///             Ok(look_again) => sleep(look_again),
///             Err(excess) => break excess,
///         }
///     };
///     child.kill();
///     assert_eq!(excess.worker, 0); // the first of those that were looked at
///     assert!(excess.cause().to_string().contains("a worker may grow by 33.6 MB"), "{}", excess.cause());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Watch {
    limit: Option<u64>,
    reserve: Option<(u64, Headroom)>,
    /// Not before.
    due: Instant,
}

/// A worker that must be stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Excess {
    /// Which, of those that were looked at, from 0.
    pub worker: usize,
    /// By how many bytes it has grown.
    pub grown: u64,
    /// What it ran against.
    pub bound: MemoryBound,
}

impl Excess {
    /// As the failure of an item.
    #[must_use]
    pub fn cause(&self) -> Cause {
        Cause::Memory {
            grown: self.grown,
            bound: self.bound,
        }
    }

    /// Is it the sum of all workers that was too much, rather than this one?
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.bound, MemoryBound::Reserve { .. })
    }
}

impl Watch {
    /// A watch for workers under `limits`.
    ///
    /// # Errors
    /// Where what is left of the machine cannot be read; [`Limits::check`] says so in words.
    pub fn new(limits: &Limits) -> std::io::Result<Watch> {
        let reserve = match limits.wanted_reserve() {
            Some(bytes) => Some((bytes, Headroom::of_this_process()?)),
            None => None,
        };
        Ok(Watch {
            limit: limits.growth_limit(),
            reserve,
            due: Instant::now(),
        })
    }

    /// Looks at the workers, if it is time: those that were spawned with
    /// [`weighed`](super::SpawnOptions::weighed) options and have not been told to go. How long until the next look.
    ///
    /// # Errors
    /// The worker that must be stopped now. Look again when it is gone.
    pub fn look<'c>(
        &mut self,
        children: impl Iterator<Item = &'c mut Child>,
    ) -> Result<Duration, Excess> {
        let left = self.due.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            return Ok(left);
        }
        let limit = self.limit.unwrap_or(u64::MAX);
        let (mut largest, mut count) = (None, 0);
        for (worker, child) in children.enumerate() {
            count += 1;
            // One that cannot be looked at has ended, or is about to.
            let Some(grown) = child.growth(limit) else {
                continue;
            };
            if largest.is_none_or(|(_, most)| grown > most) {
                largest = Some((worker, grown));
            }
        }
        let (worker, grown) = largest.unwrap_or_default();
        let mut distance = limit.saturating_sub(grown);
        if distance == 0 {
            let bound = MemoryBound::Worker { limit };
            return Err(Excess {
                worker,
                grown,
                bound,
            });
        }
        if let Some((reserve, headroom)) = &self.reserve {
            let far = PACE.saturating_mul(count).saturating_mul(50);
            // Where it cannot be read any more there is nothing to judge by.
            let left = headroom
                .left(reserve.saturating_add(far))
                .unwrap_or(u64::MAX);
            if left < *reserve && grown >= WORTHWHILE {
                let reserve = *reserve;
                let bound = MemoryBound::Reserve { reserve, left };
                return Err(Excess {
                    worker,
                    grown,
                    bound,
                });
            }
            distance = distance.min(left.saturating_sub(*reserve) / count.max(1));
        }
        let again = Duration::from_millis(distance / PACE).clamp(SOONEST, LATEST);
        self.due = Instant::now() + again;
        Ok(again)
    }
}
