//! Endings beside which somebody keeps each output as soon as it is finished: a journal. What they give is what they give
//! without; what is kept does not wait for its turn to be delivered.
//!
//! ```text
//! worker in this process, after each piece  \
//! executor, for what came from elsewhere     -> Chunk -> Keeper::keep, then the slot, then whoever it is delivered to
//! ```
//!
//! It is told where a claim is filled, so by whatever thread does that: the calling one may be busy with an item for hours. A run
//! that nobody keeps has one look at an `Option` for each piece.

use crate::error::Error;
use crate::executor::Executor;
use crate::item_error::ItemError;
use crate::job::Job;
use crate::task::Task;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Keeps outputs as they are finished, by [`Job::kept_by`].
///
/// ```
/// use partools_core::{Keeper, over, Serial};
/// use std::sync::{Arc, Mutex};
///
/// /// Lines, written in as few pieces as may be.
/// #[derive(Default)]
/// struct Lines(Mutex<(Vec<String>, Vec<String>)>);
/// impl Keeper<usize> for Lines {
///     fn keep(&self, item: usize, output: &usize) {
///         self.0.lock().expect("no panic").0.push(format!("{item}: {output}"));
///     }
///     fn settle(&self) {
///         let (gathered, written) = &mut *self.0.lock().expect("no panic");
///         written.append(gathered);
///     }
/// }
/// let lines = Arc::new(Lines::default());
/// let job = over(0..4).map(|i| 6 / (3 - i));
/// assert!(job.kept_by(lines.clone()).run(&Serial).is_err());
/// assert_eq!(lines.0.lock().expect("no panic").1, ["0: 2", "1: 3", "2: 6"]);
/// # Ok::<(), partools_core::Error>(())
/// ```
pub trait Keeper<O>: Send + Sync {
    /// The output of the item at this position of the job, which is told once: before it is delivered, in no order, on any
    /// thread, also where it turns out that it was not needed. (The positions of a [picked](Job::pick) job are its own:
    /// [`Task::index_of`] leads back.) A panic ends the map.
    fn keep(&self, item: usize, output: &O);

    /// Until there is more it may take long. Called after each piece of work of some 100 µs, or of one item.
    fn settle(&self) {}
}

/// How a run refers to it.
pub(crate) type KeptBy<O> = Option<Arc<dyn Keeper<O>>>;

/// A job whose outputs somebody keeps. Made by [`Job::kept_by`].
#[must_use = "nothing runs before an ending such as run"]
pub struct Kept<'j, T: Task> {
    job: &'j Job<T>,
    keeper: Arc<dyn Keeper<T::Output>>,
}

impl<T: Task> Job<T> {
    /// The same job with each output given to `keeper` as soon as it is finished.
    pub fn kept_by(&self, keeper: Arc<dyn Keeper<T::Output>>) -> Kept<'_, T> {
        Kept { job: self, keeper }
    }
}

impl<T: Task> Kept<'_, T> {
    /// As [`Job::run`].
    ///
    /// # Errors
    /// As [`Job::run`].
    pub fn run<E: Executor<T> + ?Sized>(&self, executor: &E) -> Result<Vec<T::Output>, Error> {
        self.job.run_kept(executor, self.keeper())
    }

    /// As [`Job::try_run`].
    ///
    /// # Errors
    /// As [`Job::try_run`].
    pub fn try_run<E: Executor<T> + ?Sized>(
        &self,
        executor: &E,
    ) -> Result<Vec<Result<T::Output, ItemError>>, Error> {
        self.job.try_run_kept(executor, self.keeper())
    }

    /// As [`Job::try_for_each`].
    ///
    /// # Errors
    /// As [`Job::try_for_each`].
    ///
    /// # Panics
    /// Where `f` panics: the run is stopped, then the panic goes on.
    pub fn try_for_each<E, F, B>(&self, executor: &E, f: F) -> Result<ControlFlow<B>, Error>
    where
        E: Executor<T> + ?Sized,
        F: FnMut(usize, T::Output) -> ControlFlow<B>,
    {
        let (flow, _) = self.job.try_for_each_kept(executor, f, self.keeper())?;
        Ok(flow)
    }

    fn keeper(&self) -> KeptBy<T::Output> {
        Some(Arc::clone(&self.keeper))
    }
}

impl<T: Task> std::fmt::Debug for Kept<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chunks, Plan, Serial, over};
    use std::sync::Mutex;

    #[derive(Default)]
    struct Told(Mutex<Vec<(usize, usize)>>);
    impl Keeper<usize> for Told {
        fn keep(&self, item: usize, output: &usize) {
            self.0.lock().expect("no panic").push((item, *output));
        }
    }

    fn told(plan: Plan, window: bool) -> Vec<(usize, usize)> {
        let told = Arc::new(Told::default());
        let job = over(0..40).map(|i| i * i).plan(plan);
        let kept = job.kept_by(told.clone());
        if window {
            let each = |_, _| ControlFlow::<()>::Continue(());
            let _ = kept.try_for_each(&Serial, each).expect("it ran");
        } else {
            assert_eq!(kept.run(&Serial).expect("it ran").len(), 40);
        }
        std::mem::take(&mut *told.0.lock().expect("no panic"))
    }

    #[test]
    fn each_output_is_kept_once_under_its_own_item_whatever_the_order() {
        let squares: Vec<_> = (0..40).map(|i| (i, i * i)).collect();
        for chunks in [Chunks::Auto, Chunks::of(1), Chunks::of(7), Chunks::guided()] {
            for window in [false, true] {
                let plan = Plan::new().chunk(chunks).window(9);
                assert_eq!(told(plan.clone(), window), squares);
                let mut longest_first = told(plan.longest_first(0..40).unordered(), window);
                assert_eq!(longest_first[0], (39, 39 * 39));
                longest_first.sort_unstable();
                assert_eq!(longest_first, squares);
            }
        }
    }

    #[test]
    fn a_keeper_that_panics_ends_the_map() {
        struct Panics;
        impl Keeper<usize> for Panics {
            fn keep(&self, item: usize, _: &usize) {
                assert!(item < 3, "the shelf is full");
            }
        }
        let job = over(0..40).chunk(Chunks::of(1)).map(|i| i);
        let error = job.kept_by(Arc::new(Panics)).run(&Serial).unwrap_err();
        assert!(error.to_string().contains("the shelf is full"), "{error}");
    }
}
