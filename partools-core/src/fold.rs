//! The ending `fold`: block by block on workers, the blocks combined in order by the caller. What fails is an item, not a
//! block: a panic says which; after a crash the block is run again item by item, to find it.

use crate::error::Error;
use crate::executor::Executor;
use crate::folded::Folded;
use crate::item_error::{Cause, ItemError};
use crate::job::Job;
use crate::kernel::{Closures, Kernel};
use crate::panics::catch;
use crate::plan::Plan;
use crate::schedule::Chunks;
use crate::task::Task;

impl<T: Task> Job<T> {
    /// Folds all outputs into one value: `fold(accumulator, output)` on the workers, from `init()`, over blocks of items;
    /// then `combine(left, right)` of the blocks' accumulators, in item order, on the calling thread. Outputs go nowhere;
    /// only accumulators do.
    ///
    /// The result is the same to the last bit whatever executor, workers and [chunks](crate::Over::chunk) (which are
    /// ignored): the n items are cut into blocks of n / 1024 items, rounded up, by nothing but their number. The same sum in
    /// a plain loop may differ in its last bits, since floating-point numbers are added in another order there.
    ///
    /// ```
    /// use partools_core::{Serial, over};
    /// let array: Vec<f64> = (0..10_000).map(|i| 1.0 / f64::from(i + 1)).collect();
    /// let job = over(&array).map(|x| x.sqrt());
    /// let sum = job.fold(&Serial, || 0.0, |sum, root| sum + root, |left, right| left + right)?;
    /// assert!((sum - 198.5446).abs() < 1e-4);
    ///
    /// // A histogram: a large accumulator is made once for each block, rather than once for each item.
    /// let digits = over(0..2000).map(|i| i % 10);
    /// let count = |mut bins: Vec<u32>, digit: usize| { bins[digit] += 1; bins };
    /// let add = |a: Vec<u32>, b: Vec<u32>| a.iter().zip(&b).map(|(a, b)| a + b).collect();
    /// assert_eq!(digits.fold(&Serial, || vec![0; 10], count, add)?, [200; 10]);
    /// # Ok::<(), partools_core::Error>(())
    /// ```
    ///
    /// Executors see blocks, so a [retry](crate::Over::retries) calls all items of the block again, each at that attempt.
    /// After a crash the items of one block are called again, one by one, to find the one that did it; if none fails then,
    /// the error names all of them. An [item timeout](crate::Over::item_timeout) is refused, and a window counts items.
    /// Blocks are handed out as they are combined, in item order, whatever [costs](crate::Plan::longest_first) the items have:
    /// all blocks have as many items, and costs are compared and never added, so they do not say which block is the longest.
    ///
    /// # Errors
    /// The failure of the failing item with the lowest index, or what kept the map from running.
    ///
    /// # Panics
    /// Where `combine` panics: the run is stopped, then the panic goes on. A panic of `fold` is the failure of the item whose
    /// output it was given, one of `init` that of the block's first item.
    pub fn fold<'t, X, A, I, F, C>(
        &'t self,
        executor: &X,
        init: I,
        fold: F,
        combine: C,
    ) -> Result<A, Error>
    where
        X: Executor<Folded<&'t T, Closures<I, F, A>>> + ?Sized,
        I: Fn() -> A,
        F: Fn(A, T::Output) -> A,
        C: FnMut(A, A) -> A,
    {
        self.fold_by(executor, Closures::new(init, fold), combine)
    }

    /// As [`fold`](Self::fold), by a [`Kernel`], whose type has a name.
    ///
    /// # Errors
    /// As [`fold`](Self::fold).
    ///
    /// # Panics
    /// As [`fold`](Self::fold).
    pub fn fold_by<'t, X, K, C>(
        &'t self,
        executor: &X,
        kernel: K,
        mut combine: C,
    ) -> Result<K::Value, Error>
    where
        X: Executor<Folded<&'t T, K>> + ?Sized,
        K: Kernel<T::Output>,
        C: FnMut(K::Value, K::Value) -> K::Value,
    {
        self.plan.check()?;
        if self.plan.item_timeout.is_some() {
            return Err(Error::plan(
                "a fold runs its items in blocks, so none of them can have a timeout of its own; set a deadline, or fold in \
                 the callback of for_each",
            ));
        }
        let count = self.task.count();
        let blocks = Job::new(Folded::all(&self.task, count, kernel));
        let size = blocks.task.block();
        let blocks = blocks.plan(Plan {
            chunks: Chunks::Auto,
            window: self.plan.window.map(|items| items.div_ceil(size)),
            // Blocks are combined in order, and costs are of items: see `fold`.
            unordered: false,
            order: None,
            ..self.plan.clone()
        });
        let mut total = None;
        let done = blocks.for_each(executor, |_, block| {
            total = Some(match total.take() {
                Some(total) => combine(total, block),
                None => block,
            });
        });
        match done {
            Ok(()) => Ok(total.unwrap_or_else(|| blocks.task.kernel.init())),
            Err(error) => Err(self.name_item(executor, blocks, error)),
        }
    }

    /// The error of a fold's blocks as one of its items.
    fn name_item<'t, X, K>(
        &'t self,
        executor: &X,
        blocks: Job<Folded<&'t T, K>>,
        error: Error,
    ) -> Error
    where
        X: Executor<Folded<&'t T, K>> + ?Sized,
        K: Kernel<T::Output>,
    {
        let size = blocks.task.block();
        let mut failure = match error.into_item() {
            Ok(failure) => failure,
            Err(error) => return error.counting_items(size, self.task.count()),
        };
        if let Some(index) = failure.within() {
            return Error::from_item(self.relabelled(failure, index));
        }
        let block = failure.index();
        let Job { task, plan } = blocks;
        let items = task.items_of(block..block + 1);
        if items.len() > 1 && !matches!(failure.cause(), Cause::Panicked { .. }) {
            // The executor saw the block fail, and no more: it is run again, in blocks of one item.
            let again = Folded::of(task.task, items.clone(), 1, task.kernel);
            let again = Job::new(again).plan(plan).for_each(executor, |_, _| {});
            if let Err(Ok(found)) = again.map_err(Error::into_item) {
                let index = items.start + found.index();
                return Error::from_item(self.relabelled(found, index));
            }
        } else if items.len() == 1 {
            return Error::from_item(self.relabelled(failure, items.start));
        }
        failure.set_index(self.task.index_of(items.start));
        Error::from_item(failure)
    }

    fn relabelled(&self, mut failure: ItemError, index: usize) -> ItemError {
        failure.set_index(self.task.index_of(index));
        failure.clear_label();
        failure.set_label(|| catch(|| self.task.label(index)).ok().flatten());
        failure
    }
}
