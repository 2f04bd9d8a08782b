//! What observers are told of a claim: who has it, what came of it, and how long a worker elsewhere worked on it. Without
//! observers each of these is one look at an `Option`.

use super::{Chunk, NOBODY};
use crate::item_error::ItemError;
use crate::observe::{Event, Timed};
use std::ops::Range;
use std::time::{Duration, Instant};

impl<O> Chunk<'_, O> {
    /// The claim is in the hands of `worker`, from now on (a stamp of the run's watch).
    pub(crate) fn set_out(&mut self, now: u64, worker: Option<usize>) {
        self.since = now;
        self.worker = worker
            .and_then(|number| u32::try_from(number).ok())
            .unwrap_or(NOBODY);
    }

    /// Says which worker works on the claim, from now on: for observers, who are told of it with what becomes of the
    /// claim, and for failures, which name its [place](crate::Run::place_workers). For executors whose workers are elsewhere.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Error, Executor, Report, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task<Output = usize>> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 2) }
    /// fn execute(&self, _: &T, run: &Run<usize>, _: &mut Caller<'_, usize>) -> Result<(), Error> {
    ///     while let Some(mut chunk) = run.try_claim() {
    ///         chunk.given_to(1); // it is the fastest
    ///         while chunk.push(0).is_ok() {}
    ///     }
    ///     Ok(())
    /// }
    /// # }
    /// let report = Report::new();
    /// over(0..100).observe(&report).map(|i| i).run(&Example)?;
    /// let workers = report.summary().workers;
    /// assert_eq!((workers[0].items, workers[1].items), (0, 100));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn given_to(&mut self, worker: usize) {
        let now = self.run.watch.as_ref().map_or(0, |watch| watch.stamp());
        self.set_out(now, Some(worker));
    }

    /// Where the worker is that has it, where the executor has said so.
    pub(crate) fn place(&self) -> Option<&str> {
        self.run.place_of(self.worker()?)
    }

    /// The failure, with that.
    pub(super) fn placed(&self, error: ItemError) -> ItemError {
        match (error.place(), self.place()) {
            (None, Some(place)) => error.with_place(place),
            _ => error,
        }
    }

    /// A worker elsewhere says that it worked on the claim until now, and for so long. Its clock is not ours, and what it
    /// says is believed as far as it fits the claim.
    pub(crate) fn tell_worked(&self, took: Duration, slowest: &[Timed]) {
        let Some(watch) = &self.run.watch else {
            return;
        };
        let (since, ended) = (watch.at(self.since), Instant::now());
        let begun = ended.checked_sub(took).map_or(since, |at| at.max(since));
        let fits = |timed: &&Timed| {
            let items = timed.items();
            self.range.start <= items.start && items.end <= self.range.end
        };
        let slowest: Vec<Timed> = slowest
            .iter()
            .filter(fits)
            .take(Timed::MOST)
            .cloned()
            .collect();
        watch.tell(&Event::Worked {
            worker: self.worker(),
            items: self.range(),
            begun,
            ended,
            slowest: &slowest,
        });
    }

    /// The worker that has it, where it is known.
    fn worker(&self) -> Option<usize> {
        let known = (self.worker != NOBODY).then_some(self.worker)?;
        usize::try_from(known).ok()
    }

    /// These items are finished, `failed` of them with a failure.
    #[inline]
    pub(super) fn tell_done(&self, done: Range<usize>, failed: usize) {
        if let Some(watch) = &self.run.watch
            && !done.is_empty()
        {
            watch.tell(&Event::Done {
                items: done,
                failed,
                worker: self.worker(),
                since: watch.at(self.since),
            });
        }
    }
}
