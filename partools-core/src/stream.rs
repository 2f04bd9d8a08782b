//! Maps over iterators: lazy or endless input, in windows. A window of items is pulled on the calling thread and run as a map
//! of its own; so every executor streams, and an iterator need not be `Send`.
//!
//! ```text
//! caller    pull | deliver .. | pull | deliver ........ | pull | ..     in order; never two windows at once
//! workers        | 64 items   |      | 1024 items       |      | ..     larger and larger, while they are done too soon
//! ```
//! How large windows are is in `stream/room.rs`.
//!
//! Invariant: items and outputs of one window are all that is held.

mod persistent;
mod room;

use crate::error::Error;
use crate::executor::Executor;
use crate::items::{ItemOf, Items, Lend, sealed::Walk};
use crate::job::Job;
use crate::map::{Full, Map, One, Two};
use crate::observe::Part;
use crate::picked::{Picked, Runs};
use crate::portable::{CodecError, Portable};
use crate::remote::PortableItems;
use crate::task::Task;
use crate::wire::FrameWriter;
#[doc(hidden)]
pub use persistent::{Berth, Each, Fetch, Packed, Persistent, Sending};
use room::Room;
use std::convert::Infallible;
use std::fmt;
use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

/// Where items come faster than this, the clock is read less often.
const FAST: Duration = Duration::from_micros(10);

/// The items of a window, known by their indices in the whole stream.
///
/// ```
/// use partools_core::{Items, ItemOf, Window};
/// fn first<T>(window: &Window<T>, index: usize) -> ItemOf<'_, Window<T>> {
///     window.at(index) // what a closure of `over_iter` is given: a reference
/// }
/// assert_eq!(Window::<u8>::default().count(), 0);
/// # let _ = first::<u8>;
/// ```
#[derive(Debug, Clone)]
pub struct Window<T> {
    first: usize,
    items: Vec<T>,
    /// Where the stream asks for workers that live as long as it.
    pub(crate) sending: Option<Sending<Window<T>>>,
}

impl<T> Default for Window<T> {
    fn default() -> Self {
        Window {
            first: 0,
            items: Vec::new(),
            sending: None,
        }
    }
}

impl<'a, T> Lend<'a> for Window<T> {
    type Item = &'a T;
}

impl<T> Items for Window<T> {
    /// Those before it, too.
    fn count(&self) -> usize {
        self.first + self.items.len()
    }
    #[inline]
    fn at(&self, index: usize) -> &T {
        &self.items[index - self.first]
    }
    #[inline(always)]
    fn each<F>(&self, range: Range<usize>, f: F, _: Walk)
    where
        F: FnMut(ItemOf<'_, Self>),
    {
        self.items[range.start - self.first..range.end - self.first]
            .iter()
            .for_each(f);
    }
    fn sending(&self) -> Option<&Sending<Self>> {
        self.sending.as_ref()
    }
}

impl<T: Portable> PortableItems for Window<T> {
    type Head = ();
    type Far = Vec<T>;
    fn head(&self) {}
    fn pack_item(&self, index: usize, out: &mut FrameWriter) -> Result<(), CodecError> {
        out.value(self.at(index))
    }
}

/// A task over the windows of a stream, one at a time. Sealed: the maps that [`OverIter`](crate::OverIter) makes.
#[doc(hidden)]
pub trait Windowed: Task {
    type Item;
    fn window(&mut self) -> &mut Window<Self::Item>;
}

macro_rules! windowed {
    ($($kind:ident),*) => {$(
        impl<T, S, G, F, O> Windowed for Map<Window<T>, S, G, $kind<F, O>>
        where
            Self: Task,
        {
            type Item = T;
            fn window(&mut self) -> &mut Window<T> {
                &mut self.items
            }
        }
    )*};
}
windowed!(One, Two, Full);

/// A map over an iterator, ready to run: what the call forms of [`OverIter`](crate::OverIter) make. It has the endings, each of
/// which uses it up; to go on with an iterator behind one, give [`over_iter`](crate::over_iter) a `&mut` of it.
#[must_use = "nothing runs before an ending such as for_each"]
pub struct Stream<I, M> {
    source: I,
    job: Job<Picked<M>>,
}

impl<I, M> Stream<I, M> {
    pub(crate) fn new(source: I, job: Job<M>) -> Self {
        Stream {
            source,
            job: Job {
                task: Picked::new(job.task, Runs::default()),
                plan: job.plan,
            },
        }
    }

    #[cfg(test)]
    pub(crate) fn task(&self) -> &Picked<M> {
        &self.job.task
    }
}

impl<I, M> Stream<I, M>
where
    I: Iterator,
    M: Windowed<Item = I::Item>,
{
    /// Runs it on `executor` and calls `f(index, output)` for each output, on the calling thread, in the order of the items,
    /// as soon as it is ready.
    ///
    /// ```
    /// use partools_core::{Serial, over_iter};
    /// let (mut lines, text) = (Vec::new(), "one\ntwo\nthree");
    /// over_iter(text.lines()).map(|line| line.len()).for_each(&Serial, |index, length| lines.push((index, length)))?;
    /// assert_eq!(lines, [(0, 3), (1, 3), (2, 5)]);
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// The failure of the failing item with the lowest index, after all outputs below it were delivered; or what kept the map
    /// from running. Behind it no more is pulled.
    ///
    /// # Panics
    /// Where `f` or the iterator panics.
    pub fn for_each<E, F>(self, executor: &E, mut f: F) -> Result<(), Error>
    where
        E: Executor<Picked<M>> + ?Sized,
        F: FnMut(usize, M::Output),
    {
        let goes_on = |index, output| {
            f(index, output);
            ControlFlow::<Infallible>::Continue(())
        };
        self.try_for_each(executor, goes_on).map(|_| ())
    }

    /// As [`for_each`](Self::for_each), until `f` breaks: which ends an endless stream.
    ///
    /// ```
    /// use partools_core::{Serial, over_iter};
    /// use std::ops::ControlFlow;
    /// let mut numbers = 1_u64..;
    /// let found = over_iter(&mut numbers).map(|n| n * n).try_for_each(&Serial, |_, square| match square % 1001 {
    ///     0 => ControlFlow::Break(square),
    ///     _ => ControlFlow::Continue(()),
    /// })?;
    /// assert_eq!(found, ControlFlow::Break(1001 * 1001));
    /// assert!(numbers.start > 1001); // somewhat more was pulled
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`for_each`](Self::for_each), where `f` did not break before.
    ///
    /// # Panics
    /// As [`for_each`](Self::for_each).
    pub fn try_for_each<E, F, B>(mut self, executor: &E, mut f: F) -> Result<ControlFlow<B>, Error>
    where
        E: Executor<Picked<M>> + ?Sized,
        F: FnMut(usize, M::Output) -> ControlFlow<B>,
    {
        self.job.plan.check()?;
        let (began, plan) = (Instant::now(), self.job.plan.clone());
        let mut failure = None;
        let mut room = Room::new::<I::Item, M::Output>(plan.window);
        let (mut first, mut part) = (0_usize, Part::first());
        loop {
            let window = self.job.task.task_mut().window();
            window.items.clear();
            window.first = first;
            pull(
                &mut self.source,
                &mut window.items,
                room.items(),
                room.patience(),
            );
            let items = window.items.len();
            if items == 0 {
                return match failure {
                    Some(error) => Err(error),
                    None => Ok(ControlFlow::Continue(())),
                };
            }
            self.job.task.set_runs(Runs::one(first..first + items));
            self.job.plan.window = Some(room.items());
            part.items_before = first;
            self.job.plan.part = Some(part);
            self.job.plan.deadline = plan.deadline.map(|d| d.saturating_sub(began.elapsed()));
            let started = Instant::now();
            let workers = match self.job.try_for_each_kept(executor, &mut f, None) {
                Ok((ControlFlow::Continue(()), workers)) => Some(workers),
                Ok((ControlFlow::Break(value), _)) => return Ok(ControlFlow::Break(value)),
                Err(error) if plan.is_collecting() && error.item().is_some() => {
                    failure.get_or_insert(error);
                    None
                }
                Err(error) => return Err(error.behind(first)),
            };
            room.was_run(items, started.elapsed(), workers);
            first += items;
        }
    }

    /// Runs it on `executor`; all outputs, in the order of the items. For iterators that end.
    ///
    /// ```
    /// use partools_core::{Serial, over_iter};
    /// let squares = over_iter((0..5).filter(|n| n % 2 == 0)).map(|n| n * n).run(&Serial)?;
    /// assert_eq!(squares, [0, 4, 16]);
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`for_each`](Self::for_each).
    ///
    /// # Panics
    /// Where the iterator panics.
    pub fn run<E>(self, executor: &E) -> Result<Vec<M::Output>, Error>
    where
        E: Executor<Picked<M>> + ?Sized,
    {
        let mut outputs = Vec::new();
        self.for_each(executor, |_, output| outputs.push(output))?;
        Ok(outputs)
    }
}

/// Up to `room` items, or as many as come while one is patient.
fn pull<I: Iterator>(source: &mut I, items: &mut Vec<I::Item>, room: usize, patience: Duration) {
    let began = Instant::now();
    let (mut looked, mut stride, mut left) = (began, 1_u32, 1_u32);
    while items.len() < room {
        match source.next() {
            Some(item) => items.push(item),
            None => return,
        }
        left -= 1;
        if left == 0 {
            let now = Instant::now();
            if now - began >= patience {
                return;
            }
            stride = match now - looked < FAST {
                true => (stride * 2).min(64),
                false => 1,
            };
            (looked, left) = (now, stride);
        }
    }
}

impl<I, M> fmt::Debug for Stream<I, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}
