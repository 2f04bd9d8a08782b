//! Claims: how a run hands out its items, exactly once each.
//!
//! ```text
//!   cursor --claim--> a range ahead      returned --claim--> what was given back      elsewhere --admit--> checked
//! ```
//!
//! A claim takes no lock while items lie ahead of the cursor. Where claims are made elsewhere (a counter in shared
//! memory, a remote rank) they enter by [`Run::admit`], which checks them against all that was handed out. Invariant: an
//! index is in at most one live `Chunk`, and never again once it is done. A run that is stopped hands out nothing.

use crate::chunk::Chunk;
use crate::run::Run;
use crate::schedule::Pace;
use crate::sync::{Ordering, lock};
use std::ops::Range;
use std::time::Duration;

/// What is left is worth waking somebody for, who may need half of this to come,
const WORTH_A_CALL: Duration = Duration::from_micros(60);
/// once so much was done: the first items of all are slow, since nothing is in the caches.
const PROVEN: Duration = Duration::from_micros(1);

/// How long a worker elsewhere may be at what it was given while outputs are delivered,
const PROMPT: Duration = Duration::from_millis(10);
/// or so many items, if that is longer.
const AT_ONCE: usize = 32;

impl<O> Run<O> {
    /// Claims the next chunk; sleeps while the window is full. `None`: nothing is left to claim. For
    /// workers; the calling thread must not sleep here, since it alone can move the window.
    ///
    /// Under [`Chunks::Auto`](crate::Chunks::Auto) claims made here begin with one item and grow to half an even share of what
    /// remains, as with [guided](crate::Chunks::guided) chunks: nobody measures for them.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Error, Executor, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task<Output = usize>> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, _: &T, run: &Run<usize>, caller: &mut Caller<'_, usize>) -> Result<(), Error> {
    ///     std::thread::scope(|s| {
    ///         s.spawn(|| {
    ///             while let Some(mut chunk) = run.claim() {
    ///                 for index in chunk.range() {
    ///                     chunk.push(index * 10).expect("there is room");
    ///                 }
    ///             }
    ///         });
    ///         while caller.wait() {} // moves the window
    ///     });
    ///     Ok(())
    /// }
    /// # }
    /// let mut seen = Vec::new();
    /// over(0..1000).window(3).map(|_| 0).for_each(&Example, |_, output| seen.push(output))?;
    /// assert_eq!((seen.len(), seen[999]), (1000, 9990));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn claim(&self) -> Option<Chunk<'_, O>> {
        let mut chunk = self.claim_at(&self.pace_elsewhere(), true)?;
        self.hand_out(&mut chunk, None);
        Some(chunk)
    }

    /// Claims the next chunk, if one can be claimed now; as large as [`claim`](Self::claim) makes it.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Chunks, Error, Executor, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     let first = run.try_claim().expect("a chunk");
    ///     let second = run.try_claim().expect("another one");
    ///     assert_eq!((first.range(), second.range()), (0..5, 5..10));
    ///     assert!(run.try_claim().is_none());
    ///     drop(first); // unfilled: what is given back will be claimed again
    ///     assert_eq!(run.try_claim().map(|again| again.range()), Some(0..5));
    ///     # drop(second);
    ///     # caller.work(task);
    ///     # Ok(())
    /// }
    /// # }
    /// # assert_eq!(over(0..10).chunk(Chunks::of(5)).map(|i| i).run(&Example)?.len(), 10);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn try_claim(&self) -> Option<Chunk<'_, O>> {
        let mut chunk = self.claim_at(&self.pace_elsewhere(), false)?;
        self.hand_out(&mut chunk, None);
        Some(chunk)
    }

    /// Where outputs are delivered meanwhile, it is known how fast they come: what a worker elsewhere is given takes it no longer
    /// than [`PROMPT`], so that nobody waits long for the outputs behind the next one.
    fn pace_elsewhere(&self) -> Pace {
        let Some(begun) = self.streams_since else {
            return Pace::elsewhere(usize::MAX);
        };
        let delivered = self.delivered.load(Ordering::Relaxed) as u128;
        let workers = self.schedule.workers() as u128;
        let prompt = delivered * PROMPT.as_nanos() / workers / begun.elapsed().as_nanos().max(1);
        Pace::elsewhere(usize::try_from(prompt).unwrap_or(usize::MAX).max(AT_ONCE))
    }

    #[inline]
    pub(crate) fn claim_at(&self, pace: &Pace, may_wait: bool) -> Option<Chunk<'_, O>> {
        match self.schedule.claim(&self.cursor, self.claim_limit(), pace) {
            Some(range) => Some(Chunk::mint(self, range, 0)),
            None => self.claim_slowly(pace, may_wait),
        }
    }

    /// The next chunk for the loop of a worker in this process.
    #[inline]
    pub(crate) fn claim_work(&self, pace: &Pace, may_wait: bool) -> Option<Chunk<'_, O>> {
        if self.is_solo()
            && let Some(range) = self.schedule.claim_rest(&self.cursor, self.claim_limit())
        {
            return Some(Chunk::mint(self, range, 0));
        }
        self.claim_at(pace, may_wait)
    }

    /// Would what nobody has claimed yet take the one who measured this long enough to wake another worker for it?
    #[inline]
    pub(crate) fn is_worth_a_call(&self, pace: &Pace) -> bool {
        let claimed = usize::try_from(self.cursor.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
        let left = self.bound().saturating_sub(claimed);
        pace.time_of(claimed) >= PROVEN && pace.time_of(left) >= WORTH_A_CALL
    }

    /// Nothing lies ahead of the cursor: looks for what was given back, and waits where it may.
    #[cold]
    #[inline(never)]
    fn claim_slowly(&self, pace: &Pace, may_wait: bool) -> Option<Chunk<'_, O>> {
        loop {
            let limit = self.claim_limit();
            if let Some(range) = self.schedule.claim(&self.cursor, limit, pace) {
                return Some(Chunk::mint(self, range, 0));
            }
            let mut hub = lock(&self.hub);
            loop {
                if self.is_stopped() {
                    return None;
                }
                let limit = self.claim_limit();
                if let Some((range, attempt)) = hub.take_returned(limit) {
                    return Some(Chunk::mint(self, range, attempt));
                }
                let next = self.cursor.load(Ordering::Relaxed);
                if !may_wait || next >= self.bound() as u64 {
                    return None;
                }
                if next < limit as u64 {
                    break;
                }
                hub = self.wait(hub);
            }
        }
    }

    /// From now on claims are made elsewhere, from index 0 or wherever the cursor stands, and enter by
    /// [`admit`](Self::admit); claims made here give only what was given back.
    pub fn claims_elsewhere(&self) {
        lock(&self.hub).handed(&self.cursor, self.count);
    }

    /// Admits a claim that was made elsewhere. `None` where any of its items was handed out before, lies
    /// beyond the items or beyond the window: what arrives for it must be thrown away.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Error, Executor, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     run.claims_elsewhere();
    ///     let chunk = run.admit(2..5).expect("a claim that a remote worker made");
    ///     assert!(run.admit(4..6).is_none()); // item 4 was handed out
    ///     assert!(run.admit(8..11).is_none()); // there are 10
    ///     assert_eq!(run.handed_out(), 0); // item 0 was not
    ///     # drop(chunk);
    ///     # run.reclaim();
    ///     # caller.work(task);
    ///     # Ok(())
    /// }
    /// # }
    /// # assert_eq!(over(0..10).map(|i| i).run(&Example)?.len(), 10);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn admit(&self, range: Range<usize>) -> Option<Chunk<'_, O>> {
        let mut hub = lock(&self.hub);
        let window = self
            .delivered
            .load(Ordering::Acquire)
            .saturating_add(self.slots.capacity());
        let fits = range.start < range.end && range.end <= self.count.min(window);
        let handed = hub.handed(&self.cursor, self.count);
        if !fits || handed.intersects(&range) {
            return None;
        }
        handed.insert(range.clone());
        drop(hub);
        let mut chunk = Chunk::mint(self, range, 0);
        self.hand_out(&mut chunk, None);
        Some(chunk)
    }

    /// Every item below this index was handed out. For claims made elsewhere.
    #[must_use]
    pub fn handed_out(&self) -> usize {
        lock(&self.hub).handed(&self.cursor, self.count).reach(0)
    }

    /// Says that no claim is under way elsewhere: every needed item that was not handed out yet can now
    /// be claimed here. True where anything can be claimed now.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Error, Executor, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     run.claims_elsewhere();
    ///     drop(run.admit(2..5)); // its worker was lost, and so is every other one
    ///     assert!(run.reclaim());
    ///     caller.work(task); // so all is done here
    ///     Ok(())
    /// }
    /// # }
    /// assert_eq!(over(0..10).map(|i| i).run(&Example)?.len(), 10);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn reclaim(&self) -> bool {
        let mut hub = lock(&self.hub);
        let gaps = hub.handed(&self.cursor, self.count).gaps(self.bound());
        for gap in gaps {
            hub.handed(&self.cursor, self.count).insert(gap.clone());
            hub.returned.insert(gap.start, (gap.end, 0));
        }
        self.bell.ring();
        hub.claimable(self.claim_limit())
    }
}
