//! How items are cut into chunks. A [`Schedule`] turns the plan's [`Chunks`] policy and what a worker has
//! measured (its [`Pace`]) into the next claim from a shared cursor: one compare-and-swap, no lock. The
//! cursor may lie in this process or in memory shared with other processes; nothing read from it is
//! trusted beyond "a number".

use crate::sync::{AtomicU64, Ordering};
use std::ops::Range;
use std::time::{Duration, Instant};

/// How many items a worker claims at a time.
///
/// ```
/// # use partools_core::{Caller, Capabilities, Chunks, Error, Executor, Pace, Run, Serial, Task, over};
/// # struct Two;
/// # impl<T: Task<Output = usize>> Executor<T> for Two {
/// #     fn capabilities(&self) -> Capabilities { Capabilities::new("two", 2) }
/// #     fn execute(&self, _: &T, run: &Run<usize>, _: &mut Caller<'_, usize>) -> Result<(), Error> {
/// #         while let Some(mut chunk) = run.try_claim() {
/// #             let size = chunk.range().len();
/// #             while chunk.push(size).is_ok() {}
/// #         }
/// #         Ok(())
/// #     }
/// # }
/// # fn sizes(chunks: Chunks) -> Result<Vec<usize>, Error> {
/// #     let of_items = over(0..100).chunk(chunks).map(|i| i).run(&Two)?;
/// #     let mut sizes = Vec::new();
/// #     while let Some(&size) = of_items.get(sizes.iter().sum::<usize>()) { sizes.push(size); }
/// #     Ok(sizes)
/// # }
/// // How two workers take 100 items:
/// assert_eq!(sizes(Chunks::of(30))?, [30, 30, 30, 10]);
/// assert_eq!(sizes(Chunks::per_worker(2))?, [25, 25, 25, 25]);
/// assert_eq!(sizes(Chunks::guided())?, [25, 18, 14, 10, 8, 6, 4, 3, 3, 2, 1, 1, 1, 1, 1, 1, 1]);
/// // By the time that they take, where workers measure it; claims for workers elsewhere grow until they are guided ones.
/// assert_eq!(sizes(Chunks::Auto)?, [1, 1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 8, 10, 12, 10, 7, 6, 4, 3, 2, 2, 1, 1, 1, 1, 1, 1, 1]);
/// assert_eq!(over(0..100).chunk(Chunks::Auto).map(|i| i).run(&Serial)?.len(), 100);
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Chunks {
    /// Measured while it runs: about 100 µs of work a chunk, never more than half an even share of what
    /// remains; all at once where there is one worker and outputs are wanted at the end. Claims for workers elsewhere, which
    /// nobody measures, begin with one item and grow to half an even share. The right choice unless you know better.
    #[default]
    Auto,
    /// This many items. See [`Chunks::of`].
    Of(usize),
    /// Equal chunks, this many for each worker. See [`Chunks::per_worker`].
    PerWorker(usize),
    /// Half an even share of what remains. See [`Chunks::guided`].
    Guided,
}

impl Chunks {
    /// Chunks of `items` items each (dynamic scheduling with a fixed chunk).
    #[must_use]
    pub fn of(items: usize) -> Self {
        Chunks::Of(items)
    }

    /// `chunks` equal chunks for each worker; 1 is static scheduling.
    #[must_use]
    pub fn per_worker(chunks: usize) -> Self {
        Chunks::PerWorker(chunks)
    }

    /// Large chunks first, then smaller and smaller ones: half an even share of what remains (guided
    /// self-scheduling, Polychronopoulos and Kuck 1987, with the usual factor of two).
    #[must_use]
    pub fn guided() -> Self {
        Chunks::Guided
    }
}

/// The measured work of a chunk under [`Chunks::Auto`], and between two looks at whether to stop.
const PIECE: Duration = Duration::from_micros(100);
/// A claim grows by at most this factor over the last one: one cheap item proves little about the next.
const GROWTH: usize = 8;
/// While the clock's cost would show (two reads are about 50 ns), this many measured nanoseconds pass
/// between two reads.
const CLOCK_EVERY: u64 = 2_000;

/// What a worker has measured of its items so far; it begins with nothing.
///
/// ```
/// // One item at first: nobody knows yet whether it takes a nanosecond or an hour.
/// assert_eq!(partools_core::Pace::new().piece(), 1);
/// ```
#[derive(Debug, Clone)]
pub struct Pace {
    /// Cost of an item in picoseconds; `None` before the first measurement.
    cost: Option<u64>,
    /// Items called between the last two reads of the clock, or since then if that is more. Without a cost, what may be
    /// called at once: see [`elsewhere`](Self::elsewhere).
    last: usize,
    /// It is for somebody else, who does not tell.
    is_elsewhere: bool,
    /// Items called since the clock was read.
    unclocked: usize,
    clock: Option<Instant>,
}

impl Pace {
    /// Nobody measures: a claim for workers elsewhere, of `most` items. As if items cost nothing, so that else what a claim
    /// takes is bounded by what was claimed before it, the even share and the window alone.
    pub(crate) fn elsewhere(most: usize) -> Self {
        Pace {
            last: most,
            is_elsewhere: true,
            ..Pace::new()
        }
    }

    /// Nothing measured yet.
    #[must_use]
    pub fn new() -> Self {
        Pace {
            cost: None,
            last: 0,
            is_elsewhere: false,
            unclocked: 0,
            clock: None,
        }
    }

    /// How many items to call before the next look at the clock and at whether to stop: 1 at first, then
    /// up to 100 µs' worth.
    #[must_use]
    #[inline]
    pub fn piece(&self) -> usize {
        let Some(cost) = self.cost else {
            return self.last.max(1);
        };
        let piece = u64::try_from(PIECE.as_nanos()).unwrap_or(u64::MAX) * 1_000 / cost.max(1);
        usize::try_from(piece)
            .unwrap_or(usize::MAX)
            .clamp(1, self.last.saturating_mul(GROWTH))
    }

    /// What so many items would take, by what was measured; nothing, where nothing was.
    #[inline]
    pub(crate) fn time_of(&self, items: usize) -> Duration {
        let picos = self.cost.unwrap_or(0).saturating_mul(items as u64);
        Duration::from_nanos(picos / 1_000)
    }

    /// Work begins, or goes on after a wait: what passed until the next [`start`](Self::start) is
    /// nobody's cost. The clock is read there, since not every run needs it.
    #[inline]
    pub(crate) fn begin(&mut self) {
        self.unclocked = 0;
        self.clock = None;
    }

    /// Items are about to be called, and to be [recorded](Self::record).
    #[inline]
    pub(crate) fn start(&mut self) {
        self.clock.get_or_insert_with(Instant::now);
    }

    /// `items` items were called.
    pub(crate) fn record(&mut self, items: usize) {
        self.unclocked = self.unclocked.saturating_add(items);
        let expected = self
            .cost
            .map(|c| (self.unclocked as u64).saturating_mul(c) / 1_000);
        if expected.is_some_and(|ns| ns < CLOCK_EVERY) {
            self.last = self.last.max(self.unclocked);
            return;
        }
        let now = Instant::now();
        if let Some(then) = self.clock.replace(now) {
            let spent = u64::try_from((now - then).as_nanos())
                .unwrap_or(u64::MAX)
                .saturating_mul(1_000);
            self.cost = Some(spent / (self.unclocked as u64).max(1));
            self.last = self.unclocked;
        }
        self.unclocked = 0;
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self::new()
    }
}

/// The chunk policy of one run, with its numbers filled in. [`Run::schedule`](crate::Run::schedule) has it, for workers
/// that claim elsewhere: from a counter in shared memory, say.
///
/// ```
/// use partools_core::{Caller, Capabilities, Chunks, Error, Executor, Pace, Run, Task, over};
/// use std::sync::atomic::AtomicU64;
///
/// struct Counting;
/// impl<T: Task> Executor<T> for Counting {
///     fn capabilities(&self) -> Capabilities { Capabilities::new("counting", 1) }
///     fn execute(&self, _: &T, run: &Run<T::Output>, _: &mut Caller<'_, T::Output>) -> Result<(), Error> {
///         let counter = AtomicU64::new(0);
///         let claim = run.schedule().claim(&counter, run.claim_limit(), &Pace::new());
///         Err(Error::executor(format!("the first claim is {claim:?}")))
///     }
/// }
/// let error = over(0..100).chunk(Chunks::of(25)).map(|i| i).run(&Counting).unwrap_err();
/// assert_eq!(error.to_string(), "the first claim is Some(0..25)");
/// ```
#[derive(Debug, Clone)]
pub struct Schedule {
    count: usize,
    workers: usize,
    chunks: Chunks,
    /// No claim is larger, so that a window of this many items per worker never stalls a claim.
    largest: usize,
}

impl Schedule {
    pub(crate) fn new(count: usize, workers: usize, chunks: Chunks, largest: usize) -> Self {
        Schedule {
            count,
            workers: workers.max(1),
            chunks,
            largest: largest.max(1),
        }
    }

    /// What differs from window to window of a stream.
    #[doc(hidden)]
    #[must_use]
    pub fn extent(&self) -> [usize; 2] {
        [self.count, self.largest]
    }

    /// That of another window of the same stream, whose [`extent`](Self::extent) this is.
    #[doc(hidden)]
    #[must_use]
    pub fn with_extent(&self, [count, largest]: [usize; 2]) -> Schedule {
        Schedule {
            count,
            largest,
            ..self.clone()
        }
    }

    /// How many workers the run was laid out for. At least 1.
    #[inline]
    pub(crate) fn workers(&self) -> usize {
        self.workers
    }

    /// The number of items to claim where `remaining` are left (at least 1): never more than that.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Chunks, Error, Executor, Pace, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     let size = |remaining| run.schedule().size(remaining, &Pace::new());
    ///     assert_eq!([size(100), size(30), size(7)], [25, 25, 7]);
    ///     # caller.work(task);
    ///     # Ok(())
    /// }
    /// # }
    /// # assert_eq!(over(0..100).chunk(Chunks::of(25)).map(|i| i).run(&Example)?.len(), 100);
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn size(&self, remaining: usize, pace: &Pace) -> usize {
        let size = match self.chunks {
            Chunks::Of(n) => n,
            Chunks::PerWorker(n) => self.count.div_ceil(self.workers.saturating_mul(n).max(1)),
            Chunks::Guided => remaining / self.workers.saturating_mul(2),
            // With nobody to share with, small chunks have no use but early delivery, in a window.
            Chunks::Auto if self.workers == 1 && self.largest == usize::MAX => remaining,
            Chunks::Auto if self.workers == 1 => pace.piece(),
            Chunks::Auto => {
                let shares = self.workers.saturating_mul(2);
                // Half a share of the first items would be most of the work, where those are the long ones.
                let growing = match pace.is_elsewhere {
                    true => 1 + self.count.saturating_sub(remaining) / shares,
                    false => usize::MAX,
                };
                pace.piece().min(remaining / shares).min(growing)
            }
        };
        size.min(self.largest).clamp(1, remaining.max(1))
    }

    /// How many items a chunk has where the plan says so; all, where it is measured.
    #[inline]
    pub(crate) fn fixed(&self) -> usize {
        match self.chunks {
            Chunks::Of(_) | Chunks::PerWorker(_) => self.size(self.count, &Pace::new()),
            Chunks::Auto | Chunks::Guided => self.count,
        }
    }

    /// Claims all that is left below `limit`, whatever the plan says: for a worker that shares with nobody, and takes
    /// it a [chunk](Self::fixed) at a time. A claim waits until what was written before it has left the processor,
    /// which shows on cheap items.
    #[inline]
    pub(crate) fn claim_rest(&self, cursor: &AtomicU64, limit: usize) -> Option<Range<usize>> {
        self.claim_sized(cursor, limit, |remaining| remaining)
    }

    /// Claims the next chunk below `limit` from `cursor`, the index behind the last claim. `None` where
    /// nothing is left below `limit`; a cursor that holds nonsense gives `None` or a chunk within the
    /// items, nothing else.
    ///
    /// Relaxed is enough: the read-modify-write makes claims exclusive, and what a chunk's owner writes
    /// is published by other means (the run's lock, a ring).
    #[inline]
    pub fn claim(&self, cursor: &AtomicU64, limit: usize, pace: &Pace) -> Option<Range<usize>> {
        self.claim_sized(cursor, limit, |remaining| self.size(remaining, pace))
    }

    #[inline]
    fn claim_sized(
        &self,
        cursor: &AtomicU64,
        limit: usize,
        size: impl Fn(usize) -> usize,
    ) -> Option<Range<usize>> {
        let limit = limit.min(self.count);
        let mut next = cursor.load(Ordering::Relaxed);
        loop {
            let start = usize::try_from(next).ok().filter(|&s| s < limit)?;
            let end = start + size(self.count - start).min(limit - start);
            match cursor.compare_exchange_weak(
                next,
                end as u64,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(start..end),
                Err(seen) => next = seen,
            }
        }
    }
}

#[cfg(all(test, not(partools_model)))]
mod tests {
    use super::*;

    fn all_claims(schedule: &Schedule, count: usize, pace: &Pace) -> Vec<Range<usize>> {
        let cursor = AtomicU64::new(0);
        std::iter::from_fn(|| schedule.claim(&cursor, count, pace)).collect()
    }

    #[test]
    fn claims_cover_every_index_once_for_every_small_case() {
        let mut pace = Pace::new();
        pace.begin();
        pace.record(1);
        for count in 0..40 {
            for workers in 1..9 {
                let policies = [Chunks::Auto, Chunks::guided()]
                    .into_iter()
                    .chain((1..42).flat_map(|n| [Chunks::of(n), Chunks::per_worker(n)]));
                for chunks in policies {
                    for largest in [1, 3, usize::MAX] {
                        let s = Schedule::new(count, workers, chunks, largest);
                        let claims = all_claims(&s, count, &pace);
                        let flat: Vec<usize> = claims.iter().cloned().flatten().collect();
                        assert_eq!(flat, (0..count).collect::<Vec<_>>(), "{s:?}");
                        assert!(
                            claims.iter().all(|c| !c.is_empty() && c.len() <= largest),
                            "{s:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn static_chunks_are_one_even_share_for_each_worker() {
        let s = Schedule::new(10, 3, Chunks::per_worker(1), usize::MAX);
        assert_eq!(all_claims(&s, 10, &Pace::new()), [0..4, 4..8, 8..10]);
    }

    #[test]
    fn auto_never_takes_more_than_half_an_even_share() {
        let mut pace = Pace::new();
        pace.cost = Some(1);
        pace.last = usize::MAX;
        let s = Schedule::new(1000, 4, Chunks::Auto, usize::MAX);
        assert_eq!(s.size(1000, &pace), 125);
        assert_eq!(s.size(7, &pace), 1);
    }

    #[test]
    fn claims_that_nobody_measures_begin_with_one_item_and_grow_by_a_bounded_share() {
        for (count, most) in [(100, 40), (1_000_000, 125)] {
            let schedule = Schedule::new(count, 2, Chunks::Auto, usize::MAX);
            let claims = all_claims(&schedule, count, &Pace::elsewhere(usize::MAX));
            let sizes: Vec<usize> = claims.iter().map(Range::len).collect();
            assert_eq!(sizes.iter().sum::<usize>(), count);
            assert_eq!(sizes[..8], [1, 1, 1, 1, 2, 2, 3, 3]);
            assert_eq!(sizes.last(), Some(&1));
            assert!(sizes.len() < most, "{sizes:?}");
        }
    }

    #[test]
    fn a_worker_alone_claims_all_there_is_unless_a_window_wants_it_early() {
        let pace = Pace::new();
        let alone = Schedule::new(1000, 1, Chunks::Auto, usize::MAX);
        assert_eq!(alone.size(1000, &pace), 1000);
        assert_eq!(
            Schedule::new(1000, 1, Chunks::Auto, 32).size(1000, &pace),
            1
        );
        assert_eq!(
            Schedule::new(1000, 2, Chunks::Auto, usize::MAX).size(1000, &pace),
            1
        );
    }

    #[test]
    fn a_wait_is_nobodys_cost() {
        let mut pace = Pace::new();
        pace.begin();
        std::thread::sleep(Duration::from_millis(20));
        pace.start();
        pace.record(1);
        let cost = pace.cost.expect("measured");
        assert!(
            cost < 20_000_000_000,
            "{cost} ps for an item that did nothing"
        );
    }

    #[test]
    fn auto_begins_with_one_item_and_grows_by_a_bounded_factor() {
        let mut pace = Pace::new();
        assert_eq!(pace.piece(), 1);
        pace.cost = Some(1_000);
        pace.last = 1;
        assert_eq!(pace.piece(), GROWTH);
        pace.last = 1 << 30;
        assert_eq!(pace.piece(), 100_000);
    }

    #[test]
    fn claims_at_the_end_of_usize_do_not_overflow() {
        let s = Schedule::new(usize::MAX, 2, Chunks::of(usize::MAX), usize::MAX);
        let cursor = AtomicU64::new(u64::MAX - 3);
        assert_eq!(
            s.claim(&cursor, usize::MAX, &Pace::new()),
            Some(usize::MAX - 3..usize::MAX)
        );
        assert_eq!(s.claim(&cursor, usize::MAX, &Pace::new()), None);
    }

    #[test]
    fn a_scribbled_cursor_gives_no_index_beyond_the_items() {
        for nonsense in [10, 11, u64::MAX, u64::MAX - 1, 0xAAAA_AAAA_AAAA_AAAA] {
            let s = Schedule::new(10, 2, Chunks::of(4), usize::MAX);
            assert_eq!(s.claim(&AtomicU64::new(nonsense), 10, &Pace::new()), None);
        }
        let s = Schedule::new(10, 2, Chunks::of(4), usize::MAX);
        assert_eq!(s.claim(&AtomicU64::new(8), 20, &Pace::new()), Some(8..10));
    }
}
