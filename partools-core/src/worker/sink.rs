//! Where the outputs of a worker go: into slots of the run, or into a backend's own [`Sink`], which is what crosses a border.

use crate::item_error::ItemError;
use crate::wire::Elements;
use crate::writer::{Encode, Told, Writer};
use std::cell::Cell;

/// Where a worker's outputs go: slots, or a [`Sink`].
pub(crate) trait Port<O> {
    /// Items from this index on are not needed any more.
    fn needed(&self) -> usize;

    /// How many of the next `items` items can be taken in one go; at least 1.
    fn room(&mut self, items: usize) -> usize;

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

    /// Asked before each piece of work. Where the next outputs can be laid into memory that is read elsewhere meanwhile: how many of so
    /// many, at least 1. They are then not pushed, but go into what is [lent](Self::lend), and [`took`](Self::took) says how many did.
    fn room(&mut self, items: usize) -> Option<usize> {
        let _ = items;
        None
    }

    /// Room for so many outputs, which [`room`](Self::room) has just promised. Must not panic: it would be taken for the item's.
    fn lend(&mut self, items: usize) -> Elements<'_, O> {
        let _ = items;
        Elements::none()
    }

    /// So many outputs went into what was lent.
    fn took(&mut self, items: usize) {
        let _ = items;
    }
}

/// A sink as a port.
pub(super) struct SinkPort<'s, S: ?Sized> {
    sink: &'s mut S,
    /// It lends room for the next outputs.
    lends: bool,
}

impl<'s, S: ?Sized> SinkPort<'s, S> {
    pub(super) fn new(sink: &'s mut S) -> Self {
        SinkPort { sink, lends: false }
    }
}

impl<O, S: Sink<O> + ?Sized> Encode<O> for SinkPort<'_, S> {
    fn push(&mut self, output: O) {
        self.sink.push(output);
    }
}

impl<O, S: Sink<O> + ?Sized> Port<O> for SinkPort<'_, S> {
    fn needed(&self) -> usize {
        self.sink.needed()
    }
    fn room(&mut self, items: usize) -> usize {
        let room = self.sink.room(items);
        self.lends = room.is_some();
        room.unwrap_or(items)
    }
    fn writer<'w>(&'w mut self, items: usize, told: &'w Cell<Told>) -> Writer<'w, O> {
        match self.lends {
            true => Writer::elements(self.sink.lend(items), told),
            false => Writer::encoder(self, items, told),
        }
    }
    fn advance(&mut self, items: usize) {
        if self.lends {
            self.sink.took(items);
        }
    }
    fn fail(&mut self, error: ItemError) {
        self.sink.fail(error);
    }
    fn retried(&mut self, error: &ItemError) {
        self.sink.retried(error);
    }
    fn rests(&mut self, attempt: u32) {
        self.sink.rests(attempt);
    }
    fn goes_on(&mut self) {
        self.sink.goes_on();
    }
}

#[cfg(all(test, not(partools_model)))]
mod tests {
    use super::*;
    use crate::wire::{Growth, Stretch};
    use crate::{Job, Plan, Span, StartError, Task, Worker, over};
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    const PLACES: usize = 10;

    /// Memory that somebody else reads.
    #[derive(Default)]
    struct Read {
        header: AtomicU64,
        places: [AtomicU64; PLACES],
    }

    impl Read {
        /// How many words are told of.
        fn told(&self) -> usize {
            let growth = self.header.load(Relaxed) & 0xFFFF;
            usize::try_from(growth / 8).expect("small")
        }

        fn words(&self) -> Vec<u64> {
            let all = self.places[..self.told()].iter();
            all.map(|place| place.load(Relaxed)).collect()
        }
    }

    /// Lends what it has, and takes the rest one by one.
    struct Lends<'r> {
        read: &'r Read,
        growth: Growth,
        took: Vec<usize>,
        pushed: Vec<u64>,
        failed: Vec<usize>,
    }

    impl<'r> Lends<'r> {
        fn new(read: &'r Read) -> Self {
            Lends {
                read,
                growth: Growth::new(0, 1),
                took: Vec::new(),
                pushed: Vec::new(),
                failed: Vec::new(),
            }
        }
    }

    impl Sink<u64> for Lends<'_> {
        fn push(&mut self, output: u64) {
            self.pushed.push(output);
        }
        fn fail(&mut self, error: ItemError) {
            self.failed.push(error.index());
        }
        fn needed(&self) -> usize {
            usize::MAX
        }
        fn room(&mut self, items: usize) -> Option<usize> {
            let left = PLACES - self.read.told();
            (left > 0).then_some(left.min(items))
        }
        fn lend(&mut self, items: usize) -> Elements<'_, u64> {
            let places = &self.read.places[self.read.told()..];
            Elements::new(
                Stretch::new(&self.read.header, places, &mut self.growth),
                items,
            )
        }
        fn took(&mut self, items: usize) {
            self.took.push(items);
        }
    }

    #[test]
    fn each_output_is_told_before_the_next_item_begins() {
        let read = Read::default();
        let job = over(0..12).map(|i| {
            assert_eq!(read.told(), i.min(PLACES), "when item {i} begins");
            i as u64 * 7
        });
        let (mut worker, mut sink) = (Worker::new(job.task(), 0, &Plan::new()), Lends::new(&read));
        worker.run(0..12, 0, &mut sink).expect("all is well");
        assert_eq!(sink.failed, [0; 0]);
        assert_eq!(read.words(), (0..10).map(|i| i * 7).collect::<Vec<_>>());
        assert_eq!(sink.took.iter().sum::<usize>(), PLACES);
        assert_eq!(sink.pushed, [70, 77]);
    }

    #[test]
    fn what_was_lent_goes_on_behind_an_item_that_panics() {
        let read = Read::default();
        let job = over(0..6).map(|i| if i == 3 { panic!("no") } else { i as u64 });
        let (mut worker, mut sink) = (Worker::new(job.task(), 0, &Plan::new()), Lends::new(&read));
        worker.run(0..6, 0, &mut sink).expect("it goes on");
        assert_eq!(read.words(), [0, 1, 2, 4, 5]);
        assert_eq!(sink.took.iter().sum::<usize>(), 5);
        assert_eq!((sink.failed, sink.pushed), (vec![3], vec![]));
        assert_eq!(read.header.load(Relaxed), sink.growth.header());
    }

    /// Pushes one output too many.
    struct TooMany;
    impl Task for TooMany {
        type State = ();
        type Output = u64;
        fn count(&self) -> usize {
            3
        }
        fn start(&self, _: usize) -> Result<(), StartError> {
            Ok(())
        }
        fn call_chunk(&self, _: &mut (), span: &Span, out: &mut Writer<'_, u64>) {
            (0..=span.range().len()).for_each(|_| out.push(1));
        }
    }

    #[test]
    fn one_output_too_many_ends_the_map_also_where_there_is_memory() {
        let read = Read::default();
        let job = Job::new(TooMany);
        let mut worker = Worker::new(job.task(), 0, &Plan::new());
        let error = worker
            .run(0..3, 0, &mut Lends::new(&read))
            .expect_err("it is");
        assert!(
            error.to_string().contains("pushed more than 1 outputs"),
            "{error}"
        );
        assert_eq!(read.told(), 1);
    }
}
