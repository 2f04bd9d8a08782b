//! Where the outputs of a worker go: into slots of the run, or into a backend's own [`Sink`], which is what crosses a border.

use crate::item_error::ItemError;
use crate::writer::{Encode, Told, Writer};
use std::cell::Cell;

/// Where a worker's outputs go: slots, or a [`Sink`].
pub(crate) trait Port<O> {
    /// Items from this index on are not needed any more.
    fn needed(&self) -> usize;

    /// How many of the next `items` items can be taken in one go; at least 1.
    fn room(&self, items: usize) -> usize;

    /// A writer for the next `items` items.
    fn writer<'w>(&'w mut self, items: usize, told: &'w Cell<Told>) -> Writer<'w, O>;

    /// The writer took this many outputs.
    fn advance(&mut self, items: usize);

    /// The next item failed for good.
    fn fail(&mut self, error: ItemError);

    /// The next item failed and will be tried again.
    fn retried(&mut self, _: &ItemError) {}

    /// As of [`Sink`].
    fn rests(&mut self, _attempt: u32) {}

    /// As of [`Sink`].
    fn goes_on(&mut self) {}

    /// Where [`needed`](Self::needed) cannot change while the worker calls items: how many to call in one go. No clock
    /// is read then.
    fn unwatched(&self) -> Option<usize> {
        None
    }
}

/// Takes the outputs and failures of a chunk one by one, in the order of its items, for backends whose
/// outputs cross a border.
///
/// ```
/// use partools_core::{ItemError, Plan, Serial, Sink, Worker, over};
///
/// /// What a worker elsewhere would send home, line by line.
/// struct Lines(Vec<String>);
/// impl Sink<usize> for Lines {
///     fn push(&mut self, output: usize) { self.0.push(format!("output {output}")); }
///     fn fail(&mut self, error: ItemError) { self.0.push(format!("failed: item {}", error.index())); }
///     fn needed(&self) -> usize { usize::MAX } // all of them
/// }
///
/// let job = over(0..3).map(|i| 10 / i);
/// let (mut worker, mut lines) = (Worker::new(job.task(), 0, &Plan::new()), Lines(Vec::new()));
/// worker.run(0..3, 0, &mut lines)?;
/// assert_eq!(lines.0, ["failed: item 0", "output 10", "output 5"]);
/// # Ok::<(), partools_core::WorkerError>(())
/// ```
pub trait Sink<O> {
    /// The output of the next item.
    fn push(&mut self, output: O);

    /// The next item failed for good.
    fn fail(&mut self, error: ItemError);

    /// Items from this index on are not needed any more: an item below has failed, or the run stops.
    fn needed(&self) -> usize;

    /// The next item failed and will be tried again. For an executor that tells observers
    /// ([`Event::Retried`](crate::Event::Retried)); nothing else comes of it.
    fn retried(&mut self, error: &ItemError) {
        let _ = error;
    }

    /// The next item failed, and is called again, as its attempt number `attempt`, when the wait that the plan has before
    /// it is over. For backends whose caller must know how far a worker had come that dies, or that time an item.
    fn rests(&mut self, attempt: u32) {
        let _ = attempt;
    }

    /// The wait is over: the next item is called now.
    fn goes_on(&mut self) {}
}

/// A sink as a port.
pub(super) struct SinkPort<'s, S: ?Sized>(pub(super) &'s mut S);

impl<O, S: Sink<O> + ?Sized> Encode<O> for SinkPort<'_, S> {
    fn push(&mut self, output: O) {
        self.0.push(output);
    }
}

impl<O, S: Sink<O> + ?Sized> Port<O> for SinkPort<'_, S> {
    fn needed(&self) -> usize {
        self.0.needed()
    }
    fn room(&self, items: usize) -> usize {
        items
    }
    fn writer<'w>(&'w mut self, items: usize, told: &'w Cell<Told>) -> Writer<'w, O> {
        Writer::encoder(self, items, told)
    }
    fn advance(&mut self, _: usize) {}
    fn fail(&mut self, error: ItemError) {
        self.0.fail(error);
    }
    fn retried(&mut self, error: &ItemError) {
        self.0.retried(error);
    }
    fn rests(&mut self, attempt: u32) {
        self.0.rests(attempt);
    }
    fn goes_on(&mut self) {
        self.0.goes_on();
    }
}
