//! Some items of a task, as a task: what is left of a map that was not finished, or a window of a stream. Indices, labels and
//! random numbers stay those of the whole.
//!
//! ```text
//! the whole   0 1 2 3 4 5 6 7 8 9      picked: 2..4, 7..10
//! positions       0 1       2 3 4      what executors see; `Task::index_of` leads back
//! ```

use crate::job::Job;
use crate::order::Order;
use crate::portable::CodecError;
use crate::remote::PortableTask;
use crate::shared_arg::{Attach, Layout};
use crate::state::StartError;
use crate::stream::Persistent;
use crate::task::{Span, Task};
use crate::wire::{FrameReader, FrameWriter, WireError};
use crate::writer::Writer;
use std::cell::RefCell;
use std::ops::Range;

/// Some items of the task `T`, which keep their indices. Made by [`Job::pick`].
///
/// ```
/// use partools_core::{Error, Executor, Job, Picked, Serial, Task, over};
///
/// /// Its name is for a function over executors: what they must run is the picked task.
/// fn odd<T, E>(job: &Job<T>, on: &E) -> Result<Vec<T::Output>, Error>
/// where
///     T: Task,
///     E: for<'t> Executor<Picked<&'t T>>,
/// {
///     job.pick((0..job.task().count()).skip(1).step_by(2)).run(on)
/// }
/// assert_eq!(odd(&over(0..6).map(|i| i * 10), &Serial)?, [10, 30, 50]);
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Picked<T> {
    pub(crate) task: T,
    runs: Runs,
}

impl<T: Task> Job<T> {
    /// The same job over some of its items, in increasing order of their indices. Everything that is told of an item (its
    /// index in closures, callbacks and errors, its label, its random numbers) is what the whole job tells of it.
    ///
    /// ```
    /// use partools_core::{Serial, over};
    /// let job = over(&["a", "b", "c", "d"]).map_cx(|text, cx| format!("{text}{}", cx.index));
    /// assert_eq!(job.pick([1, 3]).run(&Serial)?, ["b1", "d3"]);
    ///
    /// let mut seen = Vec::new();
    /// job.pick(2..4).for_each(&Serial, |index, text| seen.push((index, text)))?;
    /// assert_eq!(seen, [(2, "c2".to_owned()), (3, "d3".to_owned())]);
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    ///
    /// Where the job is run [longest first](crate::Plan::longest_first), so are those of its items that were picked.
    ///
    /// # Panics
    /// Where the indices do not increase, or one is not below the number of items.
    pub fn pick(&self, indices: impl IntoIterator<Item = usize>) -> Job<Picked<&T>> {
        let runs: Runs = indices.into_iter().collect();
        let count = self.task.count();
        assert!(
            runs.end() <= count,
            "item {} was picked of a job that has {count}",
            runs.end() - 1
        );
        let mut plan = self.plan.clone();
        // An order of another number of items stays as it is, and is refused when the job is run.
        if let Some(order) = plan.order.take_if(|order| order.total() == count) {
            let positions = order.items().iter().filter_map(|&item| runs.position(item));
            plan.order = Some(Order::new(runs.count, positions.collect()));
        }
        Job::new(Picked::new(&self.task, runs)).plan(plan)
    }
}

impl<T> Picked<T> {
    pub(crate) fn new(task: T, runs: Runs) -> Self {
        Picked { task, runs }
    }

    pub(crate) fn task_mut(&mut self) -> &mut T {
        &mut self.task
    }

    pub(crate) fn set_runs(&mut self, runs: Runs) {
        self.runs = runs;
    }
}

impl<T: Task> Task for Picked<T> {
    type State = T::State;
    type Output = T::Output;

    fn count(&self) -> usize {
        self.runs.count
    }
    fn start(&self, worker: usize) -> Result<T::State, StartError> {
        self.task.start(worker)
    }
    #[inline(always)]
    fn call_chunk(&self, state: &mut T::State, span: &Span, out: &mut Writer<'_, T::Output>) {
        self.runs.walk(span, out, |span, out| {
            self.task.call_chunk(state, span, out);
        });
    }
    fn label(&self, position: usize) -> Option<String> {
        self.task.label(self.runs.index(position))
    }
    fn index_of(&self, position: usize) -> usize {
        self.task.index_of(self.runs.index(position))
    }
    /// Windows are picked whole.
    fn persistent(&self) -> Option<&dyn Persistent<State = T::State, Output = T::Output>> {
        self.task.persistent()
    }
}

/// Increasing indices, as ranges without a gap.
#[derive(Debug, Clone, Default)]
pub(crate) struct Runs {
    /// The position of the first index of each range, and the range. None is empty, none touches the next.
    runs: Vec<(usize, Range<usize>)>,
    count: usize,
}

impl FromIterator<usize> for Runs {
    fn from_iter<N: IntoIterator<Item = usize>>(indices: N) -> Self {
        let mut runs = Runs::default();
        for index in indices {
            runs.add(index..index + 1);
        }
        runs
    }
}

impl Runs {
    pub(crate) fn one(range: Range<usize>) -> Self {
        let mut runs = Runs::default();
        runs.add(range);
        runs
    }

    fn add(&mut self, range: Range<usize>) {
        assert!(
            range.start >= self.end(),
            "indices are picked in increasing order, and {} comes behind {}",
            range.start,
            self.end().saturating_sub(1)
        );
        if range.is_empty() {
            return;
        }
        let position = self.count;
        self.count += range.len();
        match self.runs.last_mut() {
            Some((_, last)) if last.end == range.start => last.end = range.end,
            _ => self.runs.push((position, range)),
        }
    }

    /// Behind the last index.
    fn end(&self) -> usize {
        self.runs.last().map_or(0, |(_, range)| range.end)
    }

    /// The range that holds `position`.
    fn find(&self, position: usize) -> usize {
        self.runs.partition_point(|&(first, _)| first <= position) - 1
    }

    /// The index at `position`.
    pub(crate) fn index(&self, position: usize) -> usize {
        let (first, range) = &self.runs[self.find(position)];
        range.start + (position - first)
    }

    /// Where this index is, if it is one of them.
    fn position(&self, index: usize) -> Option<usize> {
        let behind = self.runs.partition_point(|(_, range)| range.start <= index);
        let (first, range) = &self.runs[behind.checked_sub(1)?];
        range
            .contains(&index)
            .then(|| first + (index - range.start))
    }

    /// The indices at `positions`, range by range.
    fn ranges(&self, positions: Range<usize>) -> impl Iterator<Item = Range<usize>> + '_ {
        let mut at = positions.start;
        std::iter::from_fn(move || {
            if at >= positions.end {
                return None;
            }
            let (first, range) = &self.runs[self.find(at)];
            let start = range.start + (at - first);
            let end = range.end.min(start + (positions.end - at));
            at += end - start;
            Some(start..end)
        })
    }

    /// Calls `call` for each range of the span's indices; stops behind one that gave too few outputs, or too many.
    #[inline(always)]
    fn walk<O>(
        &self,
        span: &Span,
        out: &mut Writer<'_, O>,
        mut call: impl FnMut(&Span, &mut Writer<'_, O>),
    ) {
        let (mut attempt, mut filled) = (span.attempt, 0);
        for range in self.ranges(span.range()) {
            filled += range.len();
            let span = Span {
                range,
                attempt,
                ..span.clone()
            };
            call(&span, out);
            attempt = 0;
            if out.filled() > filled {
                out.note_overfull();
            }
            if out.filled() != filled {
                return;
            }
        }
    }
}

/// Picked items on the far side. Those of one chunk may lie in several ranges, and a far task is dealt one range at a time:
/// so they wait here, as they came, until they are called.
#[derive(Debug)]
pub struct FarPicked<P> {
    task: RefCell<P>,
    runs: Runs,
    /// The position of the first item that waits.
    first: usize,
    waiting: Vec<Vec<u8>>,
    /// Deals a range with its items; panics where one cannot be read.
    deal: fn(&mut P, Range<usize>, &[Vec<u8>]),
}

impl<P: Task> Task for FarPicked<P> {
    type State = P::State;
    type Output = P::Output;

    fn count(&self) -> usize {
        self.runs.count
    }
    fn start(&self, worker: usize) -> Result<P::State, StartError> {
        self.task.borrow().start(worker)
    }
    fn call_chunk(&self, state: &mut P::State, span: &Span, out: &mut Writer<'_, P::Output>) {
        let mut at = span.range.start - self.first;
        self.runs.walk(span, out, |span, out| {
            let items = self.waiting.get(at..at + span.range.len());
            at += span.range.len();
            (self.deal)(
                &mut self.task.borrow_mut(),
                span.range(),
                items.unwrap_or_default(),
            );
            self.task.borrow().call_chunk(state, span, out);
        });
    }
    fn label(&self, position: usize) -> Option<String> {
        self.task.borrow().label(self.runs.index(position))
    }
    fn index_of(&self, position: usize) -> usize {
        self.task.borrow().index_of(self.runs.index(position))
    }
}

fn deal<T: PortableTask>(far: &mut T::Far<'_>, range: Range<usize>, items: &[Vec<u8>]) {
    T::deal(far, range);
    for item in items {
        let mut reader = FrameReader::new(item);
        let taken = T::take_item(far, &mut reader).map_err(|why| why.to_string());
        let whole = reader.check().map_err(|why| why.to_string());
        if let Err(why) = taken.and(whole) {
            panic!("this item could not be read where it was to run: {why}");
        }
    }
}

impl<T: PortableTask> PortableTask for Picked<T> {
    type Far<'m> = FarPicked<T::Far<'m>>;
    const DEALT: bool = T::DEALT;

    fn pack<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        let ranges = self.runs.runs.iter();
        let ranges: Vec<_> = ranges.map(|(_, range)| (range.start, range.end)).collect();
        out.value(&ranges)?;
        self.task.pack(out)
    }
    fn unpack<'m>(from: &mut Attach<'m>) -> Result<Self::Far<'m>, WireError> {
        let ranges: Vec<(usize, usize)> = from.value()?;
        let mut runs = Runs::default();
        for (start, end) in ranges {
            if start >= end || start < runs.end() {
                return Err(WireError::new("picked items that are not in order"));
            }
            runs.add(start..end);
        }
        Ok(FarPicked {
            task: RefCell::new(T::unpack(from)?),
            runs,
            first: 0,
            waiting: Vec::new(),
            deal: deal::<T>,
        })
    }
    fn pack_item(&self, position: usize, out: &mut FrameWriter) -> Result<(), CodecError> {
        let mut item = FrameWriter::new();
        self.task.pack_item(self.runs.index(position), &mut item)?;
        out.bytes(item.as_bytes());
        Ok(())
    }
    fn deal(far: &mut Self::Far<'_>, positions: Range<usize>) {
        far.first = positions.start;
        far.waiting.clear();
    }
    fn take_item(far: &mut Self::Far<'_>, from: &mut FrameReader<'_>) -> Result<(), CodecError> {
        far.waiting.push(from.bytes().to_vec());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::{Chunks, Loopback, OnError, Plan, Serial, over};
    use std::cell::RefCell;

    /// Every subset of ten items, by every chunk size, near and far.
    #[test]
    fn picked_items_are_what_they_are_in_the_whole() {
        let items: Vec<usize> = (100..110).collect();
        for subset in 0..1_usize << 10 {
            let picks: Vec<usize> = (0..10).filter(|i| subset >> i & 1 == 1).collect();
            let expected: Vec<(usize, usize)> = picks.iter().map(|&i| (i, 100 + i)).collect();
            let chunk = 1 + subset % 7;
            let dealt = over(&items)
                .chunk(Chunks::of(chunk))
                .map_cx(|item, cx| (cx.index, *item));
            let picked = dealt.pick(picks.iter().copied());
            assert_eq!(picked.run(&Serial).expect("it ran"), expected);
            assert_eq!(picked.run(&Loopback).expect("it ran"), expected);
            let sent_none = over(100..110).map_cx(|item, cx| (cx.index, item));
            let picked = sent_none.pick(picks.iter().copied());
            assert_eq!(picked.run(&Loopback).expect("it ran"), expected);
        }
    }

    /// Every subset of eight items, in an order that has nothing to do with theirs.
    #[test]
    fn picked_items_are_called_in_the_order_of_the_whole() {
        let costs = [3, 9, 1, 9, 4, 0, 7, 2];
        for subset in 0..1_usize << 8 {
            let picks: Vec<usize> = (0..8).filter(|i| subset >> i & 1 == 1).collect();
            let called = RefCell::new(Vec::new());
            let job = over(0..8).chunk(Chunks::of(1)).longest_first(|i| costs[i]);
            let job = job.map(|i| {
                called.borrow_mut().push(i);
                i
            });
            let outputs = job.pick(picks.iter().copied()).run(&Serial);
            assert_eq!(outputs.expect("it ran"), picks);
            let mut longest_first = picks.clone();
            longest_first.sort_by_key(|&i| std::cmp::Reverse(costs[i]));
            assert_eq!(*called.borrow(), longest_first);
        }
    }

    #[test]
    fn costs_of_other_items_are_refused_of_picked_ones_too() {
        let plan = Plan::new().longest_first([3, 1, 2]);
        let job = over(0..5).map(|i| i).plan(plan);
        assert!(job.pick(0..4).run(&Serial).is_err_and(|e| e.is_plan()));
    }

    #[test]
    fn a_picked_item_that_fails_has_the_index_of_the_whole() {
        let job = over(0..10).map(|i| assert!(i != 7, "seven"));
        let picked = job.pick([1, 3, 7, 9]);
        let failed = |error: crate::Error| error.item().map(crate::ItemError::index);
        assert_eq!(failed(picked.run(&Serial).unwrap_err()), Some(7));
        assert_eq!(failed(picked.run(&Loopback).unwrap_err()), Some(7));
        let results = picked.try_run(&Serial).expect("it ran");
        assert!(results[1].is_ok() && results[3].is_ok());
        assert_eq!(results[2].as_ref().map_err(|e| e.index()), Err(7));
        let stops = job.clone().plan(Plan::new().on_error(OnError::Stop));
        let results = stops.pick([1, 3, 7, 9]).try_run(&Serial).expect("it ran");
        let last = results[3].as_ref().expect_err("not needed").to_string();
        assert_eq!(last, "item 9 was not needed: item 7 had failed");
        let mut seen = Vec::new();
        let error = picked.for_each(&Serial, |index, ()| seen.push(index));
        assert_eq!((failed(error.unwrap_err()), seen), (Some(7), vec![1, 3]));
    }

    #[test]
    #[should_panic(expected = "item 10 was picked of a job that has 10")]
    fn an_item_that_is_not_there_cannot_be_picked() {
        let _ = over(0..10).map(|i| i).pick([3, 10]);
    }

    #[test]
    #[should_panic(expected = "3 comes behind 5")]
    fn items_are_picked_in_order() {
        let _ = over(0..10).map(|i| i).pick([5, 3]);
    }
}
