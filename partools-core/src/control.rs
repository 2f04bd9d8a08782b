//! What can stop a map from outside: a token that somebody cancels, and a deadline.
//!
//! ```text
//!   CancelToken  --(atomic store, by anybody)-->  flag  <--(a look)--  Run::is_stopped  <-- workers, caller, executors
//!   deadline     ---------------------------->  clock  <--(a look)--
//! ```
//!
//! Nobody is told; those who work look between two pieces of work, and those who sleep wake up to look, every few
//! milliseconds where there is a token. So cancelling is an atomic store and nothing else, and may be done by a signal
//! handler. The first look that finds a reason latches it: a run that is stopped stays stopped, for one reason. A plan
//! with neither has no [`Control`], and nothing looks.

use crate::plan::Plan;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Cancels maps, from anywhere: another thread, a signal handler, an item, a callback.
///
/// A map under a token ([`Over::cancel`](crate::Over::cancel)) hands out nothing more once it is cancelled. Items
/// under way are killed where the executor can; else they end by themselves. Clones are the same token; one that was
/// cancelled stays so, and a map under it calls no item.
///
/// ```
/// use partools_core::{CancelToken, Serial, over};
/// let token = CancelToken::new();
/// let job = over(0..1000).cancel(&token).map(|i| if i == 30 { token.cancel() } else { assert!(i < 100) });
/// assert!(job.run(&Serial).unwrap_err().is_cancelled());
///
/// let token = CancelToken::new();
/// token.cancel();
/// let results = over(0..3).cancel(&token).map(|i| i).try_run(&Serial)?;
/// assert_eq!(results[0].as_ref().unwrap_err().to_string(), "item 0 was not run: the map was cancelled");
/// # Ok::<(), partools_core::Error>(())
/// ```
///
/// # In a signal handler
/// [`cancel`](Self::cancel) is one atomic store, so it may be called there. The handler needs a token that it can
/// reach without a lock: a static flag is one, and so is the `Arc<AtomicBool>` that the crate `signal-hook` sets.
///
/// ```
/// use partools_core::CancelToken;
/// use std::sync::atomic::{AtomicBool, Ordering};
/// static INTERRUPTED: AtomicBool = AtomicBool::new(false);
///
/// extern "C" fn on_interrupt(_signal: i32) {
///     INTERRUPTED.store(true, Ordering::Relaxed);
/// }
/// let token = CancelToken::from(&INTERRUPTED);
/// on_interrupt(2);
/// assert!(token.is_cancelled());
/// ```
#[derive(Clone)]
pub struct CancelToken(Flag);

#[derive(Clone)]
enum Flag {
    Counted(Arc<AtomicBool>),
    Static(&'static AtomicBool),
}

impl CancelToken {
    /// A token that nobody has cancelled yet.
    #[must_use]
    pub fn new() -> Self {
        CancelToken(Flag::Counted(Arc::default()))
    }

    /// Cancels all maps under this token, those to come too. One atomic store and nothing else: safe in a signal
    /// handler, and does not wait for anything. (Dropping a token frees memory, which a handler must not.)
    pub fn cancel(&self) {
        self.flag().store(true, Ordering::Release);
    }

    /// Was it cancelled? Long items may ask, to end sooner where the executor cannot kill them.
    ///
    /// ```
    /// use partools_core::{CancelToken, Serial, over};
    /// let token = CancelToken::new();
    /// let steps = over(0..3).cancel(&token).map(|i| {
    ///     (0..1_000_000).take_while(|step| {
    ///         if (i, *step) == (1, 500) { token.cancel(); } // somebody does
    ///         !token.is_cancelled()
    ///     }).count()
    /// });
    /// let results = steps.try_run(&Serial)?;
    /// assert_eq!((results[0].as_ref().ok(), results[1].as_ref().ok()), (Some(&1_000_000), Some(&500)));
    /// assert!(results[2].is_err());
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.flag().load(Ordering::Acquire)
    }

    fn flag(&self) -> &AtomicBool {
        match &self.0 {
            Flag::Counted(flag) => flag,
            Flag::Static(flag) => flag,
        }
    }
}

impl Default for CancelToken {
    fn default() -> Self {
        Self::new()
    }
}

/// The token is cancelled when the flag is true.
impl From<Arc<AtomicBool>> for CancelToken {
    fn from(flag: Arc<AtomicBool>) -> Self {
        CancelToken(Flag::Counted(flag))
    }
}

/// The token is cancelled when the flag is true.
impl From<&'static AtomicBool> for CancelToken {
    fn from(flag: &'static AtomicBool) -> Self {
        CancelToken(Flag::Static(flag))
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken")
            .field("cancelled", &self.is_cancelled())
            .finish()
    }
}

/// What stopped a map before all of its items were done.
///
/// ```
/// use partools_core::{Cause, Halt, Serial, over};
/// use std::time::Duration;
/// let results = over(0..3).deadline(Duration::ZERO).map(|i| i).try_run(&Serial)?;
/// let failure = results[0].as_ref().expect_err("there was no time");
/// assert_eq!(failure.cause(), &Cause::NotRun { halt: Halt::Deadline });
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Halt {
    /// Its token was cancelled.
    Cancelled,
    /// Its deadline passed.
    Deadline,
    /// So many workers in a row died, and no item was done in between: the executor [gave up](crate::Run::give_up).
    Deaths {
        /// How many.
        workers: usize,
    },
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Halt::Cancelled => "the map was cancelled",
            Halt::Deadline => "the map's deadline passed",
            Halt::Deaths { workers } => {
                return write!(
                    f,
                    "{workers} workers in a row died and no item was done in between, so the map gave up"
                );
            }
        })
    }
}

/// Sleepers look at a token this often. 250 looks a second cost about a thousandth of a processor.
const TICK: Duration = Duration::from_millis(4);

/// The token and the deadline of one run.
pub(crate) struct Control {
    token: Option<CancelToken>,
    /// When it passes; `None` also where that is beyond all time.
    deadline: Option<Instant>,
    /// What was found first.
    found: OnceLock<Halt>,
}

impl Control {
    /// What `plan` asks for, from now on. `None` where it asks for nothing.
    pub(crate) fn new(plan: &Plan) -> Option<Self> {
        let deadline = plan.deadline.and_then(|d| Instant::now().checked_add(d));
        let is_needed = plan.cancel.is_some() || deadline.is_some();
        is_needed.then(|| Control {
            token: plan.cancel.clone(),
            deadline,
            found: OnceLock::new(),
        })
    }

    /// Looks whether the run must stop. Once it must, it always must.
    pub(crate) fn is_due(&self) -> bool {
        if self.found.get().is_some() {
            return true;
        }
        let halt = if self.token.as_ref().is_some_and(CancelToken::is_cancelled) {
            Halt::Cancelled
        } else if self.deadline.is_some_and(|at| Instant::now() >= at) {
            Halt::Deadline
        } else {
            return false;
        };
        self.found.get_or_init(|| halt);
        true
    }

    /// Why the run was stopped, if a look found that it must.
    pub(crate) fn found(&self) -> Option<Halt> {
        self.found.get().copied()
    }

    /// How long a sleeper may sleep before the next look.
    pub(crate) fn patience(&self) -> Duration {
        let left = self
            .deadline
            .map(|at| at.saturating_duration_since(Instant::now()));
        match (&self.token, left) {
            (Some(_), Some(left)) => left.min(TICK),
            (None, Some(left)) => left,
            _ => TICK,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(plan: &Plan) -> Control {
        Control::new(plan).expect("the plan has one")
    }

    #[test]
    fn a_plan_without_token_and_deadline_has_no_control() {
        assert!(Control::new(&Plan::new()).is_none());
        assert!(Control::new(&Plan::new().deadline(Duration::MAX)).is_none());
    }

    #[test]
    fn what_was_found_first_stays() {
        let flag = Arc::new(AtomicBool::new(true));
        let token = CancelToken::from(Arc::clone(&flag));
        let control = control(&Plan::new().cancel(&token).deadline(Duration::ZERO));
        assert_eq!(control.found(), None);
        assert!(control.is_due());
        flag.store(false, Ordering::Relaxed);
        assert!(control.is_due());
        assert_eq!(control.found(), Some(Halt::Cancelled));
    }

    #[test]
    fn a_sleeper_wakes_for_whatever_comes_first() {
        let (token, hour) = (CancelToken::new(), Duration::from_secs(3600));
        assert!(control(&Plan::new().deadline(hour)).patience() > hour / 2);
        assert_eq!(control(&Plan::new().cancel(&token)).patience(), TICK);
        let both = Plan::new().cancel(&token);
        assert_eq!(control(&both.clone().deadline(hour)).patience(), TICK);
        assert!(control(&both.deadline(Duration::ZERO)).patience() < TICK);
    }
}
