//! A task: everything about a map but where it runs. Executors are generic over it, so each states its
//! own bounds (`Task + Sync` for threads, portable outputs for processes).

use crate::state::StartError;
use crate::stream::Persistent;
use crate::writer::Writer;
use std::ops::Range;

/// A map to be run: so many items, a state per worker, an output per item.
///
/// [`Over::map`](crate::Over::map) makes one from a closure. Implement it yourself to name the type of
/// a task, and run it with [`Job::new`](crate::Job::new).
///
/// ```
/// use partools_core::{Job, Serial, Span, StartError, Task, Writer};
///
/// struct Squares(usize);
/// impl Task for Squares {
///     type State = ();
///     type Output = usize;
///     fn count(&self) -> usize { self.0 }
///     fn start(&self, _worker: usize) -> Result<(), StartError> { Ok(()) }
///     fn call_chunk(&self, _: &mut (), span: &Span, out: &mut Writer<'_, usize>) {
///         for index in span.range() {
///             out.push(index * index);
///         }
///     }
/// }
/// assert_eq!(Job::new(Squares(4)).run(&Serial)?, [0, 1, 4, 9]);
/// # Ok::<(), partools_core::Error>(())
/// ```
pub trait Task {
    /// What a worker keeps from item to item.
    type State;
    /// What an item becomes.
    type Output;

    /// How many items there are. Read once.
    fn count(&self) -> usize;

    /// Makes the state of worker number `worker`.
    ///
    /// # Errors
    /// Whatever stands in the way; it becomes the error of the whole map, never a loop of restarts.
    fn start(&self, worker: usize) -> Result<Self::State, StartError>;

    /// Calls the task on the items of `span`, in order, and pushes one output for each.
    ///
    /// # Panics
    /// May panic: the failing item is the one behind the last output pushed, and the loop goes on
    /// behind it with a fresh state.
    fn call_chunk(&self, state: &mut Self::State, span: &Span, out: &mut Writer<'_, Self::Output>);

    /// A name for an item that tells a reader more than its index, for error messages.
    ///
    /// ```
    /// # use partools_core::{Job, Serial, Span, StartError, Task, Writer};
    /// # struct Sizes<'p>(&'p [&'p str]);
    /// # impl Task for Sizes<'_> {
    /// # type State = ();
    /// # type Output = u64;
    /// # fn count(&self) -> usize { self.0.len() }
    /// # fn start(&self, _: usize) -> Result<(), StartError> { Ok(()) }
    /// # fn call_chunk(&self, _: &mut (), span: &Span, out: &mut Writer<'_, u64>) {
    /// #     for path in &self.0[span.range()] { out.push(std::fs::metadata(path).expect("a file").len()); }
    /// # }
    /// fn label(&self, index: usize) -> Option<String> {
    ///     Some(self.0[index].to_owned())
    /// }
    /// # }
    /// let error = Job::new(Sizes(&["/", "/no/such/file"])).run(&Serial).unwrap_err();
    /// assert!(error.to_string().starts_with("item 1 (/no/such/file) panicked"));
    /// ```
    fn label(&self, _index: usize) -> Option<String> {
        None
    }

    /// The index that a reader knows the item at `position` by: another one where this task is made of some items of another
    /// ([`Picked`](crate::Picked)). Errors and callbacks are told this one.
    ///
    /// ```
    /// use partools_core::{Serial, Task, over};
    /// let job = over(0..10).map(|i| 10 / (i - 5));
    /// let picked = job.pick([5, 7]);
    /// assert_eq!(picked.task().index_of(1), 7);
    /// assert_eq!(picked.run(&Serial).unwrap_err().item().map(|item| item.index()), Some(5));
    /// ```
    fn index_of(&self, position: usize) -> usize {
        position
    }

    /// This window of a stream, where that asks for [workers that live as long as it](crate::OverIter::persistent_workers).
    #[doc(hidden)]
    fn persistent(&self) -> Option<&dyn Persistent<State = Self::State, Output = Self::Output>> {
        None
    }
}

/// Indices to be called in one go, and by whom.
///
/// ```
/// # use partools_core::{Job, Plan, Serial, Span, StartError, Task, Writer};
/// # struct Shaky;
/// # impl Task for Shaky {
/// # type State = ();
/// # type Output = (usize, u32);
/// # fn count(&self) -> usize { 4 }
/// # fn start(&self, _: usize) -> Result<(), StartError> { Ok(()) }
/// fn call_chunk(&self, _: &mut (), span: &Span, out: &mut Writer<'_, (usize, u32)>) {
///     let mut attempt = span.attempt(); // of the first item; those behind it are new
///     for index in span.range() {
///         assert!(index != 2 || attempt > 0, "item 2 fails at first");
///         out.push((index, attempt));
///         attempt = 0;
///     }
/// }
/// # }
/// let job = Job::new(Shaky).plan(Plan::new().retries(1));
/// assert_eq!(job.run(&Serial)?, [(0, 0), (1, 0), (2, 1), (3, 0)]);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Span {
    pub(crate) range: Range<usize>,
    pub(crate) worker: usize,
    pub(crate) attempt: u32,
    pub(crate) seed: u64,
}

impl Span {
    /// The indices to call, in order.
    #[must_use]
    #[inline]
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// The number of the worker that calls, from 0.
    #[must_use]
    #[inline]
    pub fn worker(&self) -> usize {
        self.worker
    }

    /// 0 the first time, then 1 more for each retry of the first item of the range.
    #[must_use]
    #[inline]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The seed of the plan, from which each item draws its own generator.
    #[must_use]
    #[inline]
    pub fn seed(&self) -> u64 {
        self.seed
    }
}

impl<T: Task + ?Sized> Task for &T {
    type State = T::State;
    type Output = T::Output;
    fn count(&self) -> usize {
        (**self).count()
    }
    fn start(&self, worker: usize) -> Result<Self::State, StartError> {
        (**self).start(worker)
    }
    #[inline(always)]
    fn call_chunk(&self, state: &mut Self::State, span: &Span, out: &mut Writer<'_, Self::Output>) {
        (**self).call_chunk(state, span, out);
    }
    fn label(&self, index: usize) -> Option<String> {
        (**self).label(index)
    }
    fn index_of(&self, position: usize) -> usize {
        (**self).index_of(position)
    }
    fn persistent(&self) -> Option<&dyn Persistent<State = T::State, Output = T::Output>> {
        (**self).persistent()
    }
}
