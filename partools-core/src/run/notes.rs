//! What a run tells its observers: claims and their ends, work and workers, and what executors note. Without observers
//! each of these is one look at an `Option`.

use crate::chunk::Chunk;
use crate::observe::{Event, Wants, Watch};
use crate::run::Run;
use crate::task::Task;
use crate::worker::Worker;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

impl<O> Run<O> {
    /// Does anybody look on? What executors would measure for observers alone they need not measure otherwise.
    #[must_use]
    #[inline]
    pub fn is_observed(&self) -> bool {
        self.watch.is_some()
    }

    /// What observers want to be measured.
    pub fn wants(&self) -> Wants {
        self.watch
            .as_ref()
            .map_or_else(Wants::default, |watch| watch.wants())
    }

    /// Tells the observers what only the executor knows. Claims, their ends and failures are told by the core.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Error, Event, Executor, Report, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
    /// fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     run.note(Event::Moved { bytes: 800, worker: None });
    ///     run.note(Event::Warning { text: "the spool is nearly full" });
    ///     caller.work(task);
    ///     Ok(())
    /// }
    /// # }
    /// let report = Report::new();
    /// over(0..3).observe(&report).map(|i| i).run(&Example)?;
    /// let summary = report.summary();
    /// assert_eq!((summary.bytes_moved, summary.warnings), (800, vec!["the spool is nearly full".to_owned()]));
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn note(&self, event: Event<'_>) {
        if let Some(watch) = &self.watch {
            watch.tell(&event);
        }
    }

    /// Says where the workers are, by their numbers, where that is not this host or need not be. What fails with one of them
    /// (see [`Chunk::given_to`]) then says so, and observers hear of it. To be called once, before the first claim.
    ///
    /// ```
    /// # use partools_core::{Caller, Capabilities, Cause, Error, Executor, Report, Run, Task, over};
    /// # struct Example;
    /// # impl<T: Task> Executor<T> for Example {
    /// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 2) }
    /// fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
    ///     run.place_workers(["rank 1 on a".to_owned(), "rank 2 on b".to_owned()].into());
    ///     let mut chunk = run.try_claim().expect("a chunk");
    ///     chunk.given_to(1);
    ///     chunk.failed(Cause::Lost { why: "it never answered".into() });
    ///     # chunk.commit();
    ///     # caller.deliver();
    ///     # Ok(())
    /// }
    /// # }
    /// let report = Report::new();
    /// let error = over(0..9).observe(&report).map(|i| i).run(&Example).unwrap_err();
    /// assert_eq!(error.item().and_then(|item| item.place()), Some("rank 2 on b"));
    /// assert_eq!(report.summary().workers[1].place.as_deref(), Some("rank 2 on b"));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn place_workers(&self, places: Arc<[String]>) {
        let places = self.places.get_or_init(|| places);
        let used = self.schedule().workers().min(self.count());
        for (worker, place) in places.iter().enumerate().take(used) {
            self.note(Event::WorkerPlaced { worker, place });
        }
    }

    pub(crate) fn place_of(&self, worker: usize) -> Option<&str> {
        let places = self.places.get()?;
        places.get(worker).map(String::as_str)
    }

    /// The claim is in the hands of `worker`, or of nobody known. When, where there are observers.
    #[inline]
    pub(crate) fn hand_out(
        &self,
        chunk: &mut Chunk<'_, O>,
        worker: Option<usize>,
    ) -> Option<Instant> {
        let watch = self.watch.as_ref()?;
        Some(announce(watch, chunk, worker))
    }

    /// A worker in this process worked on `items`, since `begun`.
    #[cold]
    pub(crate) fn tell_work<T>(&self, worker: &mut Worker<T>, items: Range<usize>, begun: Instant)
    where
        T: Task<Output = O>,
    {
        self.note(Event::Worked {
            worker: Some(worker.number()),
            items,
            begun,
            ended: Instant::now(),
            slowest: worker.slowest(),
        });
        worker.clear_slowest();
    }

    /// A worker of this process lives, until this is dropped.
    pub(crate) fn shift(&self, worker: usize) -> Option<Shift<'_>> {
        let watch: &Watch = self.watch.as_ref()?;
        watch.tell(&Event::WorkerStarted {
            worker,
            process: None,
            again: false,
        });
        Some(Shift { watch, worker })
    }
}

#[cold]
fn announce<O>(watch: &Watch, chunk: &mut Chunk<'_, O>, worker: Option<usize>) -> Instant {
    let stamp = watch.stamp();
    chunk.set_out(stamp, worker);
    watch.tell(&Event::Claimed {
        items: chunk.range(),
        attempt: chunk.attempt(),
        worker,
    });
    watch.at(stamp)
}

pub(crate) struct Shift<'w> {
    watch: &'w Watch,
    worker: usize,
}

impl Drop for Shift<'_> {
    fn drop(&mut self) {
        self.watch.tell(&Event::WorkerEnded {
            worker: self.worker,
        });
    }
}
