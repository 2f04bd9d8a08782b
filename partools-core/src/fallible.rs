//! Endings for closures that return a `Result`: the lowest-index `Err` ends the map, as the user's own
//! type, or as text where that type cannot cross a border.

use crate::error::Error;
use crate::executor::Executor;
use crate::item_error::ItemError;
use crate::job::Job;
use crate::panics::quietly;
use crate::plan::OnError;
use crate::portable::CodecError;
use crate::remote::PortableTask;
use crate::run::{Run, Setup};
use crate::shared_arg::{Attach, Layout};
use crate::state::StartError;
use crate::task::{Span, Task};
use crate::wire::{FrameReader, FrameWriter, WireError};
use crate::writer::{Encode, Told, Writer};
use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::ops::Range;

/// Why a map of a fallible closure gave no result: the user's own error, or the map's.
///
/// ```
/// use partools_core::{Failed, Serial, over};
/// match over(&["1", "x"]).map(|s| s.parse::<i32>()).run_ok(&Serial) {
///     Ok(numbers) => panic!("x is no number, and yet: {numbers:?}"),
///     Err(Failed::Item { index, error }) => assert_eq!((index, error.to_string().as_str()), (1, "invalid digit found in string")),
///     Err(Failed::Map(error)) => panic!("{error}"),
/// }
/// ```
#[derive(Debug)]
pub enum Failed<E> {
    /// The closure returned this error for the item at this index, the lowest with an error.
    Item {
        /// The item's index.
        index: usize,
        /// The closure's own error.
        error: E,
    },
    /// The map itself failed: an item panicked or crashed, or the map could not run.
    Map(Error),
}

impl<E: fmt::Display> fmt::Display for Failed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failed::Item { index, error } => write!(f, "item {index} failed: {error}"),
            Failed::Map(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for Failed<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Failed::Item { .. } => None,
            Failed::Map(error) => std::error::Error::source(error),
        }
    }
}

impl<E> From<Error> for Failed<E> {
    fn from(error: Error) -> Self {
        Failed::Map(error)
    }
}

impl<T, A, E> Job<T>
where
    T: Task<Output = Result<A, E>>,
{
    /// Runs a closure that returns `Result`: all `Ok` values in item order, or the `Err` of the lowest
    /// index. Items above it are not needed and stop; some may have been called.
    ///
    /// ```
    /// use partools_core::{Failed, Serial, over};
    /// let parsed = over(&["1", "x", "3", "y"]).map(|s| s.parse::<i32>()).run_ok(&Serial);
    /// assert!(matches!(parsed, Err(Failed::Item { index: 1, .. })));
    /// ```
    ///
    /// # Errors
    /// [`Failed::Item`] with the closure's own error, else [`Failed::Map`].
    pub fn run_ok<X: Executor<T> + ?Sized>(&self, executor: &X) -> Result<Vec<A>, Failed<E>> {
        let mut setup = Setup::collecting(self.plan.on_error.unwrap_or(OnError::Stop));
        match setup.on_error {
            OnError::Stop => setup.halts = Some(first_err::<A, E>),
            // Nothing stops the run, so the lowest is looked for below.
            OnError::Collect => setup.takes_failures = true,
        }
        let Some(mut run) = self.execute(executor, setup, &mut |_| {})? else {
            return Ok(Vec::new());
        };
        let (needed, has_order) = (run.needed(), run.plan().order.is_some());
        if !has_order && run.is_whole() {
            return self.all_values(run.into_outputs()?);
        }
        // The verdict was that the needed items are all there; what is beyond them is dropped with its batch.
        let results = run.drain().into_iter().flatten().take(needed);
        match has_order {
            false => self.values(needed, results),
            true => {
                let mut results: Vec<_> = results.collect();
                results.sort_by_key(|&(index, _)| index);
                self.values(needed, results.into_iter())
            }
        }
    }

    /// [`values`](Self::values) where each item has a result: they become values where they lie, so that there are never two
    /// copies of all.
    fn all_values(&self, results: Vec<Result<A, E>>) -> Result<Vec<A>, Failed<E>> {
        if results.iter().all(Result::is_ok) {
            let mut values: Vec<A> = results.into_iter().filter_map(Result::ok).collect();
            values.shrink_to_fit();
            return Ok(values);
        }
        let mut results = results.into_iter().enumerate();
        let in_order = results.by_ref().map(|(index, result)| (index, Ok(result)));
        let failed = self.values(0, in_order);
        for (_, unneeded) in results {
            quietly(|| drop(unneeded));
        }
        failed
    }

    /// All `Ok` values, or the first failure of either kind.
    fn values(
        &self,
        count: usize,
        results: impl Iterator<Item = (usize, Result<Result<A, E>, ItemError>)>,
    ) -> Result<Vec<A>, Failed<E>> {
        let mut values = Vec::with_capacity(count);
        let mut failed = None;
        for (index, result) in results {
            match result {
                Ok(Ok(value)) => values.push(value),
                Ok(Err(error)) => failed = Some(Failed::Item { index, error }),
                Err(item) => failed = Some(Failed::Map(Error::from_item(self.labelled(item)))),
            }
            if failed.is_some() {
                break;
            }
        }
        let Some(failed) = failed else {
            return Ok(values);
        };
        // Two values whose `Drop` panics would abort the process if the vector dropped them.
        for value in values {
            quietly(|| drop(value));
        }
        Err(failed)
    }

    /// As [`run_ok`](Self::run_ok), with the error as text, for errors that cannot cross a border, such as
    /// those of `std::io` and of `anyhow`. The text is `{error:#}`, followed by the chain of causes for
    /// `std::io::Error` and boxed `dyn Error`s, whose `Display` leaves it out.
    ///
    /// ```
    /// use partools_core::{Failed, Serial, over};
    /// let sizes = over(&["/no/such/file"])
    ///     .map(|path| std::fs::metadata(path).map(|m| m.len()))
    ///     .run_ok_text(&Serial);
    /// let Err(Failed::Item { index: 0, error }) = sizes else { panic!("there is no such file") };
    /// assert!(error.contains("No such file"), "{error}");
    /// ```
    ///
    /// # Errors
    /// As [`run_ok`](Self::run_ok).
    pub fn run_ok_text<'t, X>(&'t self, executor: &X) -> Result<Vec<A>, Failed<String>>
    where
        X: Executor<ErrorsAsText<&'t T>> + ?Sized,
        E: fmt::Display + 'static,
    {
        Job::new(ErrorsAsText(&self.task))
            .plan(self.plan.clone())
            .run_ok(executor)
    }
}

fn first_err<A, E>(outputs: &[Result<A, E>]) -> Option<usize> {
    outputs.iter().position(Result::is_err)
}

/// A task whose errors are turned into text on the worker. Made by [`Job::run_ok_text`].
///
/// ```
/// use partools_core::{ErrorsAsText, Executor, Failed, Job, Serial, Task, over};
/// use std::io;
///
/// /// Its name is for a function over executors: what they must run is the rewritten task.
/// fn sizes<T, E>(job: &Job<T>, on: &E) -> Result<Vec<u64>, Failed<String>>
/// where
///     T: Task<Output = io::Result<u64>>,
///     E: for<'t> Executor<ErrorsAsText<&'t T>>,
/// {
///     job.run_ok_text(on)
/// }
/// let job = over(&["/", "/no/such/file"]).map(|path| Ok(std::fs::metadata(path)?.len()));
/// assert!(sizes(&job, &Serial).unwrap_err().to_string().starts_with("item 1 failed: No such file"));
/// ```
#[derive(Debug)]
pub struct ErrorsAsText<T>(pub(crate) T);

impl<T, A, E> Task for ErrorsAsText<T>
where
    T: Task<Output = Result<A, E>>,
    E: fmt::Display + 'static,
{
    type State = T::State;
    type Output = Result<A, String>;

    fn count(&self) -> usize {
        self.0.count()
    }
    fn start(&self, worker: usize) -> Result<T::State, StartError> {
        self.0.start(worker)
    }
    fn call_chunk(&self, state: &mut T::State, span: &Span, out: &mut Writer<'_, Self::Output>) {
        let told = Cell::new(Told::default());
        let mut rewrite = Rewrite(out);
        let mut inner = Writer::encoder(&mut rewrite, span.range().len(), &told);
        self.0.call_chunk(state, span, &mut inner);
        drop(inner);
        if told.get().overfull {
            rewrite.0.note_overfull();
        }
    }
    fn label(&self, index: usize) -> Option<String> {
        self.0.label(index)
    }
    fn index_of(&self, position: usize) -> usize {
        self.0.index_of(position)
    }
}

impl<T, A, E> PortableTask for ErrorsAsText<T>
where
    T: PortableTask<Output = Result<A, E>>,
    E: fmt::Display + 'static,
{
    type Far<'m> = ErrorsAsText<T::Far<'m>>;
    const DEALT: bool = T::DEALT;

    fn pack<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        self.0.pack(out)
    }
    fn unpack<'m>(from: &mut Attach<'m>) -> Result<Self::Far<'m>, WireError> {
        T::unpack(from).map(ErrorsAsText)
    }
    fn items_are_plain() -> bool {
        T::items_are_plain()
    }
    fn pack_item(&self, index: usize, out: &mut FrameWriter) -> Result<(), CodecError> {
        self.0.pack_item(index, out)
    }
    fn deal(far: &mut Self::Far<'_>, range: Range<usize>) {
        T::deal(&mut far.0, range);
    }
    fn take_item(far: &mut Self::Far<'_>, from: &mut FrameReader<'_>) -> Result<(), CodecError> {
        T::take_item(&mut far.0, from)
    }
}

/// Passes outputs on, with their errors as text.
struct Rewrite<'o, 'w, O>(&'o mut Writer<'w, O>);

impl<A, E: fmt::Display + 'static> Encode<Result<A, E>> for Rewrite<'_, '_, Result<A, String>> {
    fn push(&mut self, output: Result<A, E>) {
        self.0.push(output.map_err(|error| text(&error)));
    }
}

fn text<E: fmt::Display + 'static>(error: &E) -> String {
    let mut text = format!("{error:#}");
    let mut cause = causes(error);
    while let Some(error) = cause {
        let next = format!(": {error}");
        if !text.ends_with(&next) {
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

/// The first cause of an error whose `Display` does not tell its causes.
fn causes(error: &dyn Any) -> Option<&(dyn std::error::Error + 'static)> {
    use std::error::Error;
    if let Some(e) = error.downcast_ref::<Box<dyn Error + Send + Sync>>() {
        e.source()
    } else if let Some(e) = error.downcast_ref::<Box<dyn Error + Send>>() {
        e.source()
    } else if let Some(e) = error.downcast_ref::<Box<dyn Error>>() {
        e.source()
    } else {
        error
            .downcast_ref::<std::io::Error>()
            .and_then(Error::source)
    }
}

impl<O> Run<O> {
    /// All outputs of a run that was complete.
    pub(crate) fn into_outputs(self) -> Result<Vec<O>, Error> {
        let (count, order) = (self.count(), self.plan().order.clone());
        let outputs = self.into_vec();
        let mut outputs = outputs.ok_or_else(|| Error::incomplete("core", 0..count))?;
        if let Some(order) = order {
            order.put_back(&mut outputs);
        }
        Ok(outputs)
    }
}
