//! A library function whose caller chooses the executor.
//!
//! The recipe: give the task a name. A closure's type cannot be written down, so a function that builds a map around one
//! cannot say which executors it takes; a struct can stand in the bound. What it implements decides which they are: `Task`
//! alone for threads and forked children, `PortableTask` too for all others.

use partools_core::wire::WireError;
use partools_core::{Attach, Error, Executor, Job, Layout, PortableTask, Span, StartError, Task, Writer};

/// The mean of each row of a table: the task of [`row_means`], for bounds.
#[derive(Debug, Clone, Copy)]
pub struct RowMeans<'t> {
    table: &'t [f64],
    columns: usize,
}

impl Task for RowMeans<'_> {
    type State = ();
    type Output = f64;

    fn count(&self) -> usize {
        self.table.len() / self.columns
    }
    fn start(&self, _worker: usize) -> Result<(), StartError> {
        Ok(())
    }
    fn call_chunk(&self, _: &mut (), span: &Span, out: &mut Writer<'_, f64>) {
        for row in span.range() {
            let numbers = &self.table[row * self.columns..][..self.columns];
            out.push(numbers.iter().sum::<f64>() / self.columns as f64);
        }
    }
}

/// Elsewhere it is the same task, over a table that was mapped there.
impl PortableTask for RowMeans<'_> {
    type Far<'m> = RowMeans<'m>;

    fn pack<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        out.slice(self.table);
        out.value(&self.columns)
    }
    fn unpack<'m>(from: &mut Attach<'m>) -> Result<RowMeans<'m>, WireError> {
        Ok(RowMeans { table: from.slice()?, columns: from.value()? })
    }
}

/// The mean of each row of `table`, which lies row by row, `columns` numbers each; on any executor.
///
/// ```
/// use downstream::{Scoped, row_means};
/// use partools_core::{Loopback, Serial};
/// let table = [1.0, 2.0, 3.0, 10.0, 20.0, 30.0];
/// assert_eq!(row_means(&table, 3, &Serial)?, [2.0, 20.0]);
/// assert_eq!(row_means(&table, 3, &Scoped(2))?, [2.0, 20.0]);
/// assert_eq!(row_means(&table, 3, &Loopback)?, [2.0, 20.0]);
/// # Ok::<(), partools_core::Error>(())
/// ```
///
/// # Errors
/// What kept the executor from running it.
///
/// # Panics
/// Where the table is not a whole number of rows, or `columns` is 0.
pub fn row_means<E>(table: &[f64], columns: usize, on: &E) -> Result<Vec<f64>, Error>
where
    E: for<'t> Executor<RowMeans<'t>> + ?Sized,
{
    let numbers = table.len();
    assert!(numbers.is_multiple_of(columns) && columns > 0, "{numbers} numbers are no rows of {columns}");
    Job::new(RowMeans { table, columns }).run(on)
}
