//! When an item that failed is tried again: how often, after which wait, and for which failures.
//!
//! ```text
//!   attempt 0 fails --again?--> wait --> attempt 1 fails --again?--> wait, twice as long --> ... --> failed for good
//! ```
//!
//! Who asks [`again`](Retries::again) is the worker loop where worker and caller run the same program in the same memory
//! image (threads, forked children), and the calling side where workers live elsewhere, since the predicate is a function's
//! address and no such thing crosses. Who waits is always the worker, before it calls: so there is no timer to keep, and
//! an item's time begins behind the wait.

use crate::item_error::{Cause, ItemError};
use crate::panics::catch;
use std::time::Duration;

/// How an item that failed is tried again. A plain number is one: so many times, at once, whatever the failure.
///
/// ```
/// use partools_core::{Cause, Retries, Serial, over};
/// use std::time::Duration;
///
/// let patient = Retries::times(3)
///     .backoff(Duration::from_millis(1)) // then 2 ms, then 4 ms
///     .only_if(|failure| failure.to_string().contains("connection reset"));
/// let results = over(0..3)
///     .retries(patient)
///     .map_cx(|i, cx| match (i, cx.attempt) {
///         (0, 0 | 1) => panic!("connection reset"),
///         (1, _) => panic!("no such table"),
///         (_, attempt) => attempt,
///     })
///     .try_run(&Serial)?;
/// assert_eq!(results[0].as_ref().ok(), Some(&2));
/// let quarantined = results[1].as_ref().unwrap_err();
/// assert_eq!(quarantined.attempt(), 0); // not tried again
/// assert!(matches!(quarantined.cause(), Cause::Panicked { .. }));
/// # Ok::<(), partools_core::Error>(())
/// ```
///
/// An item that fails at its last attempt, or whose failure is none to try again, is called no more by that map:
/// [`ItemError::attempt`] says at which attempt. [`Job::redo`](crate::Job::redo) gives it another chance.
#[derive(Debug, Clone, Copy, Default)]
#[must_use]
pub struct Retries {
    times: u32,
    first: Duration,
    most: Option<Duration>,
    only_if: Option<fn(&ItemError) -> bool>,
}

impl Retries {
    /// So many times after the first, at once.
    pub fn times(times: u32) -> Self {
        Retries {
            times,
            ..Self::default()
        }
    }

    /// Waits so long before the second attempt, and before each one after it twice as long as before the last.
    ///
    /// The worker waits, in the item's place: with `n` workers, `n` items that wait keep all others waiting. What waits is
    /// stopped as what runs is; the wait is no part of [`item_timeout`](crate::Over::item_timeout).
    pub fn backoff(mut self, first: Duration) -> Self {
        self.first = first;
        self
    }

    /// Waits no longer than this, however often it doubled.
    pub fn at_most(mut self, wait: Duration) -> Self {
        self.most = Some(wait);
        self
    }

    /// Tries again only where `wanted` says so of the failure; one that panics says no. The failure has no
    /// [label](ItemError::label) yet.
    ///
    /// It is a function, and no closure that captures: which failures are worth another attempt is then the same for all
    /// workers. It is called on the worker, in its process, for failures that the worker survives and where the worker
    /// shares the caller's program image (threads, forked children); else on the caller's side, on any of its threads. So
    /// count nothing in it.
    ///
    /// ```
    /// use partools_core::{Cause, Retries};
    /// // Crashes only: what panics panics again.
    /// let crashes = Retries::times(2).only_if(|failure| matches!(failure.cause(), Cause::Killed { .. } | Cause::Exited { .. }));
    /// # let _ = crashes;
    /// ```
    pub fn only_if(mut self, wanted: fn(&ItemError) -> bool) -> Self {
        self.only_if = Some(wanted);
        self
    }

    /// Is the item of this failure to be tried again?
    #[cold]
    pub(crate) fn again(&self, failure: &ItemError) -> bool {
        // What cannot cross will not cross the next time either.
        let is_final = matches!(failure.cause(), Cause::NotPortable(_));
        failure.attempt() < self.times
            && !is_final
            && self
                .only_if
                .is_none_or(|wanted| catch(|| wanted(failure)).unwrap_or(false))
    }

    /// How long to wait before attempt number `attempt`.
    pub(crate) fn wait_before(&self, attempt: u32) -> Duration {
        let Some(doublings) = attempt.checked_sub(1) else {
            return Duration::ZERO;
        };
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        let wait = self.first.saturating_mul(factor);
        self.most.map_or(wait, |most| wait.min(most))
    }

    /// First and longest wait, for a worker elsewhere.
    pub(crate) fn waits(&self) -> (Duration, Option<Duration>) {
        (self.first, self.most)
    }
}

/// So many times, at once.
impl From<u32> for Retries {
    fn from(times: u32) -> Self {
        Self::times(times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn waits_double_up_to_the_most_and_never_overflow() {
        let waits = |r: Retries| [0, 1, 2, 3, 4].map(|attempt| r.wait_before(attempt).as_secs());
        let doubling = Retries::times(9).backoff(SECOND);
        assert_eq!(waits(doubling), [0, 1, 2, 4, 8]);
        assert_eq!(waits(doubling.at_most(3 * SECOND)), [0, 1, 2, 3, 3]);
        assert_eq!(waits(Retries::times(9)), [0; 5]);
        for attempt in [32, 33, 64, u32::MAX] {
            let wait = Retries::times(9)
                .backoff(Duration::MAX)
                .wait_before(attempt);
            assert_eq!(wait, Duration::MAX);
        }
    }

    #[test]
    fn a_predicate_that_panics_says_no() {
        let failure = ItemError::new(3, 0, Cause::NoOutput);
        assert!(Retries::times(1).again(&failure));
        assert!(
            !Retries::times(1)
                .only_if(|_| panic!("no idea"))
                .again(&failure)
        );
        assert!(!Retries::times(0).again(&failure));
    }
}
