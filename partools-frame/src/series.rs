//! `series_apply`: a function of each value of an array. The column that its results make has a row for each value.

mod task;
mod values;

use crate::error::FrameError;
use arrow_array::ArrayRef;
use partools_core::{Executor, Failed, Job, NoShared, Plan, Shared, ViewOf, With};
use std::marker::PhantomData;
pub use task::{CallValue, FarSeries, OfValue, OfValueShared, SeriesTask};
pub use values::{LendValue, Mapped, Nulls, OwnNulls, PortableValues, Values};

/// Calls `f` with each value of `array`; nulls are handed on without a call (see [`Nulls`] for a closure that is to see
/// them). Workers elsewhere have a decoded copy of the array each.
///
/// ```
/// use arrow_array::{Float64Array, StringArray};
/// use partools_core::Serial;
/// use partools_frame::series_apply;
/// let delays = Float64Array::from(vec![Some(9.0), None, Some(-4.0)]);
/// let roots = series_apply(&delays, |x| if x < 0.0 { None } else { Some(x.sqrt()) }).run(&Serial)?;
/// assert_eq!(roots.as_ref(), &Float64Array::from(vec![Some(3.0), None, None]) as &dyn arrow_array::Array);
///
/// let error = series_apply(&StringArray::from(vec!["1", "x"]), |text| Ok(text.parse::<i64>()?)).run(&Serial).unwrap_err();
/// assert_eq!(error.to_string(), "row 1: invalid digit found in string");
/// # Ok::<(), partools_frame::FrameError>(())
/// ```
pub fn series_apply<A: Values, F, R: Mapped>(
    array: &A,
    f: F,
) -> SeriesApply<'_, A, NoShared, OfValue<F, R>>
where
    F: for<'a> Fn(<A as LendValue<'a>>::Value) -> R,
{
    SeriesApply {
        array,
        shared: NoShared,
        call: OfValue(f, PhantomData),
        plan: Plan::new(),
    }
}

/// As [`series_apply`], with a shared argument: `f(value, shared)`.
///
/// ```
/// use arrow_array::{Int64Array, UInt32Array};
/// use partools_core::Serial;
/// use partools_frame::series_apply_shared;
/// let table = [10, 20, 30];
/// let at = UInt32Array::from(vec![2, 0]);
/// let looked_up = series_apply_shared(&at, table.as_slice(), |at, table| table[at as usize]).run(&Serial)?;
/// assert_eq!(looked_up.as_ref(), &arrow_array::Int32Array::from(vec![30, 10]) as &dyn arrow_array::Array);
/// # Ok::<(), partools_frame::FrameError>(())
/// ```
pub fn series_apply_shared<A: Values, S: Shared, F, R: Mapped>(
    array: &A,
    shared: S,
    f: F,
) -> SeriesApply<'_, A, With<S>, OfValueShared<F, R>>
where
    F: for<'a, 'v> Fn(<A as LendValue<'a>>::Value, ViewOf<'v, S>) -> R,
{
    SeriesApply {
        array,
        shared: With(shared),
        call: OfValueShared(f, PhantomData),
        plan: Plan::new(),
    }
}

/// A closure over the values of an array, ready to run. Made by [`series_apply`].
#[derive(Debug, Clone)]
#[must_use = "nothing runs before an ending such as run"]
pub struct SeriesApply<'s, A, S, K> {
    array: &'s A,
    shared: S,
    call: K,
    plan: Plan,
}

impl<A: Values, S: Shared, K: CallValue<A, S>> SeriesApply<'_, A, S, K> {
    /// Runs under `plan`; a row is an item.
    pub fn plan(mut self, plan: Plan) -> Self {
        self.plan = plan;
        self
    }

    /// Runs it on `executor`: the column of the results.
    ///
    /// # Errors
    /// The failure of the first row that fails, or what kept the map from running.
    pub fn run<'t, E>(&'t self, executor: &E) -> Result<ArrayRef, FrameError>
    where
        E: Executor<SeriesTask<'t, A, S, K>> + ?Sized,
    {
        let task = SeriesTask {
            array: self.array,
            shared: &self.shared,
            call: &self.call,
        };
        let parts = Job::new(task).plan(self.plan.clone()).run_ok(executor);
        match parts {
            Ok(parts) => Ok(K::Returned::column(parts)),
            Err(Failed::Item { index, error }) => Err(FrameError::options(format!(
                "row {index}: {}",
                error.into_text()
            ))),
            Err(Failed::Map(error)) => Err(error.into()),
        }
    }
}
