//! The inner loop by itself: from the first item of a map to its last, without what a map costs once
//! (its result's memory, its set-up, its verdict).
//!
//! ```text
//! run ....|first item ======== claims, pieces, settling, items ======== last item|.... result
//! ```

use partools_core::{Span, StartError, Task, Writer};
use std::cell::Cell;
use std::ops::Range;
use std::time::{Duration, Instant};

/// A task that clocks the time from the start of its first item to the end of its last, on one worker.
///
/// ```
/// use partools_bench::{FirstToLast, cheap, cheap_items};
/// use partools_core::{Job, Serial, over};
///
/// let items = cheap_items(10);
/// let job = Job::new(FirstToLast::new(over(&items).map(cheap).task().clone()));
/// assert_eq!(job.run(&Serial)?.len(), 10);
/// assert!(job.task().spent().as_nanos() > 0);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug)]
pub struct FirstToLast<T> {
    task: T,
    begin: Cell<Option<Instant>>,
    spent: Cell<Duration>,
}

impl<T: Task> FirstToLast<T> {
    /// Clocks `task`.
    pub fn new(task: T) -> Self {
        FirstToLast {
            task,
            begin: Cell::new(None),
            spent: Cell::new(Duration::ZERO),
        }
    }

    /// What the last map took, from its first item to its last.
    pub fn spent(&self) -> Duration {
        self.spent.get()
    }
}

impl<T: Task> Task for FirstToLast<T> {
    type State = T::State;
    type Output = T::Output;

    fn count(&self) -> usize {
        self.task.count()
    }

    fn start(&self, worker: usize) -> Result<T::State, StartError> {
        self.task.start(worker)
    }

    #[inline(always)]
    fn call_chunk(&self, state: &mut T::State, span: &Span, out: &mut Writer<'_, T::Output>) {
        let Range { start, end } = span.range();
        if start == 0 {
            self.begin.set(Some(Instant::now()));
        }
        self.task.call_chunk(state, span, out);
        if end == self.count()
            && let Some(begin) = self.begin.take()
        {
            self.spent.set(begin.elapsed());
        }
    }
}
