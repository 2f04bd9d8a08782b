//! `series_apply`: a function of each value of an array. The column that its results make has a row for each value.

use crate::error::FrameError;
use crate::group_error::GroupError;
use crate::value::Value;
use arrow_array::types::ArrowPrimitiveType;
use arrow_array::{
    Array, ArrayRef, BooleanArray, GenericStringArray, OffsetSizeTrait, PrimitiveArray,
    StringViewArray,
};
use partools_core::{
    Executor, Failed, Job, NoShared, Plan, Shared, Span, StartError, Task, ViewOf, With, Writer,
};
use std::marker::PhantomData;

/// The values that an array lends for `'a`. The second parameter is never named.
pub trait LendValue<'a, Bound = &'a Self> {
    /// One value.
    type Value;
}

/// An array whose values a closure can be called with: of numbers, dates and times, booleans, or texts.
pub trait Values: for<'a> LendValue<'a> {
    /// How many rows it has.
    fn rows(&self) -> usize;
    /// The value of a row; `None` where the closure is not to be called and the result is null.
    fn at(&self, row: usize) -> Option<<Self as LendValue<'_>>::Value>;
}

/// An array whose nulls the closure sees: it is called with an `Option` for every row.
///
/// ```
/// use arrow_array::{Float64Array, Int64Array};
/// use partools_core::Serial;
/// use partools_frame::{Nulls, series_apply};
/// let array = Int64Array::from(vec![Some(1), None]);
/// let filled = series_apply(&Nulls(&array), |x| x.unwrap_or(-1) as f64).run(&Serial)?;
/// assert_eq!(filled.as_ref(), &Float64Array::from(vec![1.0, -1.0]) as &dyn arrow_array::Array);
/// # Ok::<(), partools_frame::FrameError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Nulls<'n, A>(pub &'n A);

macro_rules! values {
    ($([$($generics:tt)*] $array:ty => $value:ty;)*) => {$(
        impl<'a, $($generics)*> LendValue<'a> for $array {
            type Value = $value;
        }
        impl<$($generics)*> Values for $array {
            fn rows(&self) -> usize {
                self.len()
            }
            fn at(&self, row: usize) -> Option<<Self as LendValue<'_>>::Value> {
                self.is_valid(row).then(|| self.value(row))
            }
        }
    )*};
}
values! {
    [T: ArrowPrimitiveType] PrimitiveArray<T> => T::Native;
    [] BooleanArray => bool;
    [O: OffsetSizeTrait] GenericStringArray<O> => &'a str;
    [] StringViewArray => &'a str;
}

impl<'a, A: LendValue<'a>> LendValue<'a> for Nulls<'_, A> {
    type Value = Option<<A as LendValue<'a>>::Value>;
}
impl<A: Values> Values for Nulls<'_, A> {
    fn rows(&self) -> usize {
        self.0.rows()
    }
    fn at(&self, row: usize) -> Option<<Self as LendValue<'_>>::Value> {
        Some(self.0.at(row))
    }
}

/// What a closure may return for a value: a [`Value`] that is not null, an `Option` of one, or a `Result` of either.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no result for a value of a series",
    note = "a closure returns a number, a bool or a text, an Option of one (None is null), or a Result of either with a GroupError"
)]
pub trait Mapped {
    /// What travels from the worker.
    type Part;
    /// What is to travel; `None` is null.
    ///
    /// # Errors
    /// The row's failure.
    fn into_part(self) -> Result<Option<Self::Part>, GroupError>;
    /// The column of all rows.
    fn column(parts: Vec<Option<Self::Part>>) -> ArrayRef;
}

macro_rules! mapped {
    ($($type:ty)*) => {$(
        impl Mapped for $type {
            type Part = <$type as Value>::Stored;
            fn into_part(self) -> Result<Option<Self::Part>, GroupError> {
                Ok(Some(self.store()))
            }
            fn column(parts: Vec<Option<Self::Part>>) -> ArrayRef {
                <Option<$type> as Value>::array(parts)
            }
        }
    )*};
}
mapped!(f64 f32 i64 i32 i16 i8 u64 usize u32 u16 u8 bool String &'static str);

impl<R: Mapped> Mapped for Option<R> {
    type Part = R::Part;
    fn into_part(self) -> Result<Option<R::Part>, GroupError> {
        self.map_or(Ok(None), R::into_part)
    }
    fn column(parts: Vec<Option<R::Part>>) -> ArrayRef {
        R::column(parts)
    }
}
impl<R: Mapped> Mapped for Result<R, GroupError> {
    type Part = R::Part;
    fn into_part(self) -> Result<Option<R::Part>, GroupError> {
        self.and_then(R::into_part)
    }
    fn column(parts: Vec<Option<R::Part>>) -> ArrayRef {
        R::column(parts)
    }
}

/// What is called for each value.
pub trait CallValue<A: Values, S: Shared> {
    /// What it returns.
    type Returned: Mapped;
    /// Calls it.
    fn call(&self, value: <A as LendValue<'_>>::Value, shared: &S) -> Self::Returned;
}

/// A closure over a value alone.
#[derive(Debug, Clone, Copy)]
pub struct OfValue<F, R>(F, PhantomData<fn() -> R>);

/// A closure over a value and the shared argument.
#[derive(Debug, Clone, Copy)]
pub struct OfValueShared<F, R>(F, PhantomData<fn() -> R>);

impl<A: Values, F, R: Mapped> CallValue<A, NoShared> for OfValue<F, R>
where
    F: for<'a> Fn(<A as LendValue<'a>>::Value) -> R,
{
    type Returned = R;
    fn call(&self, value: <A as LendValue<'_>>::Value, _: &NoShared) -> R {
        (self.0)(value)
    }
}

impl<A: Values, S: Shared, F, R: Mapped> CallValue<A, With<S>> for OfValueShared<F, R>
where
    F: for<'a, 'v> Fn(<A as LendValue<'a>>::Value, ViewOf<'v, S>) -> R,
{
    type Returned = R;
    fn call(&self, value: <A as LendValue<'_>>::Value, shared: &With<S>) -> R {
        (self.0)(value, shared.view())
    }
}

/// Calls `f` with each value of `array`; nulls are handed on without a call (see [`Nulls`] for a closure that is to see
/// them). Workers that have no memory in common with this process are not supported.
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

/// A map over the values of an array; what an executor is asked to run.
#[derive(Debug)]
pub struct SeriesTask<'t, A, S, K> {
    array: &'t A,
    shared: &'t S,
    call: &'t K,
}

impl<A: Values, S: Shared, K: CallValue<A, S>> Task for SeriesTask<'_, A, S, K> {
    type State = ();
    type Output = Result<Option<<K::Returned as Mapped>::Part>, GroupError>;

    fn count(&self) -> usize {
        self.array.rows()
    }
    fn start(&self, _: usize) -> Result<(), StartError> {
        Ok(())
    }
    #[inline(always)]
    fn call_chunk(&self, (): &mut (), span: &Span, out: &mut Writer<'_, Self::Output>) {
        for row in span.range() {
            out.push(match self.array.at(row) {
                Some(value) => self.call.call(value, self.shared).into_part(),
                None => Ok(None),
            });
        }
    }
    fn label(&self, index: usize) -> Option<String> {
        Some(format!("row {index}"))
    }
}
