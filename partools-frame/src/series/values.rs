//! What a series is made of: arrays that lend values, and results that make a column.

use crate::cross;
use crate::group_error::GroupError;
use crate::value::Value;
use arrow_array::types::ArrowPrimitiveType;
use arrow_array::{
    Array, ArrayRef, BooleanArray, GenericStringArray, OffsetSizeTrait, PrimitiveArray,
    RecordBatch, StringViewArray,
};
use partools_core::wire::WireError;
use partools_core::{Attach, Layout};
use std::sync::Arc;

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

/// [`Values`] that workers elsewhere can have: each gets a decoded copy of the whole array.
pub trait PortableValues: Values {
    /// What they are there. It lends what is lent here.
    type Far: Values;

    /// Lays them out.
    ///
    /// # Errors
    /// Where Arrow cannot encode them.
    fn lay(&self, out: &mut Layout<'_>) -> Result<(), WireError>;

    /// Finds them again.
    ///
    /// # Errors
    /// Where something else was laid.
    fn attach(from: &mut Attach<'_>) -> Result<Self::Far, WireError>;
}

impl<A: Values + Array + Clone + 'static> PortableValues for A {
    type Far = A;

    fn lay(&self, out: &mut Layout<'_>) -> Result<(), WireError> {
        let column: ArrayRef = Arc::new(self.clone());
        let lost = |e| WireError::new(format!("an array that cannot be sent: {e}"));
        let batch = RecordBatch::try_from_iter([("", column)]).map_err(lost)?;
        out.gathered(&cross::to_bytes(&batch).map_err(lost)?);
        Ok(())
    }
    fn attach(from: &mut Attach<'_>) -> Result<A, WireError> {
        let bytes: &[u8] = from.slice()?;
        let batch = cross::from_bytes(bytes)
            .map_err(|e| WireError::new(format!("an array that is none: {e}")))?;
        let column = batch.columns().first();
        let array = column.and_then(|column| column.as_any().downcast_ref::<A>());
        array
            .cloned()
            .ok_or_else(|| WireError::new("an array of another type"))
    }
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

/// [`Nulls`] on the far side, which has an array of its own.
#[derive(Debug)]
pub struct OwnNulls<A>(A);

impl<'a, A: LendValue<'a>> LendValue<'a> for OwnNulls<A> {
    type Value = Option<<A as LendValue<'a>>::Value>;
}
impl<A: Values> Values for OwnNulls<A> {
    fn rows(&self) -> usize {
        self.0.rows()
    }
    fn at(&self, row: usize) -> Option<<Self as LendValue<'_>>::Value> {
        Some(self.0.at(row))
    }
}
impl<A: PortableValues> PortableValues for Nulls<'_, A> {
    type Far = OwnNulls<A::Far>;

    fn lay(&self, out: &mut Layout<'_>) -> Result<(), WireError> {
        self.0.lay(out)
    }
    fn attach(from: &mut Attach<'_>) -> Result<Self::Far, WireError> {
        A::attach(from).map(OwnNulls)
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
