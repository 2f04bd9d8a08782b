//! The types of values that a column can be read as: the number behind an integer, a float, a date, a time; and booleans.

use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use std::ops::Range;

/// A type that a column's values can be read as: `i8` to `u64`, `f32`, `f64`, `bool`.
///
/// Dates, times, timestamps and durations are read as the integers they are: a `Date32` as `i32`, a timestamp as `i64`.
/// Nothing is converted: an `Int64` column is not read as `f64`.
#[diagnostic::on_unimplemented(
    message = "a column cannot be read as `{Self}`",
    note = "columns are read as i8 to u64, f32, f64 or bool; texts by `texts`, and any other type as an Arrow array by `array`"
)]
pub trait Cell: Copy + 'static + sealed::Sealed {
    /// Its name in messages.
    #[doc(hidden)]
    const NAME: &'static str;

    /// Appends the values at `rows`; false where the array has another type.
    #[doc(hidden)]
    fn gather(array: &ArrayRef, rows: &[u32], out: &mut Vec<Self>) -> bool;

    /// Appends the values of a range of rows; false where the array has another type.
    #[doc(hidden)]
    fn gather_range(array: &ArrayRef, rows: Range<usize>, out: &mut Vec<Self>) -> bool;

    /// The values where they lie, if they lie in a row.
    #[doc(hidden)]
    fn lent(array: &ArrayRef) -> Option<&[Self]>;

    /// Can such a column be read as this?
    #[doc(hidden)]
    fn reads(array: &ArrayRef) -> bool;
}

/// A [`Cell`] whose columns are slices of memory: all but `bool`.
pub trait Element: Cell {
    /// The values, whatever stands at nulls; `None` where the array has another type.
    #[doc(hidden)]
    fn slice_of(array: &ArrayRef) -> Option<&[Self]>;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! elements {
    ($($type:ty: $name:literal, $($arrow:ty)+;)*) => {$(
        impl sealed::Sealed for $type {}
        impl Cell for $type {
            const NAME: &'static str = $name;
            fn gather(array: &ArrayRef, rows: &[u32], out: &mut Vec<Self>) -> bool {
                let Some(values) = Self::slice_of(array) else { return false };
                out.extend(rows.iter().map(|&row| values[row as usize]));
                true
            }
            fn gather_range(array: &ArrayRef, rows: Range<usize>, out: &mut Vec<Self>) -> bool {
                let Some(values) = Self::slice_of(array) else { return false };
                out.extend_from_slice(&values[rows]);
                true
            }
            fn lent(array: &ArrayRef) -> Option<&[Self]> {
                Self::slice_of(array)
            }
            fn reads(array: &ArrayRef) -> bool {
                Self::slice_of(array).is_some()
            }
        }
        impl Element for $type {
            fn slice_of(array: &ArrayRef) -> Option<&[Self]> {
                $(if let Some(array) = array.as_primitive_opt::<$arrow>() {
                    return Some(array.values());
                })+
                None
            }
        }
    )*};
}
elements! {
    f64: "Float64", Float64Type;
    i64: "Int64, or a date, time or duration of 64 bits", Int64Type TimestampNanosecondType TimestampMicrosecondType
        TimestampMillisecondType TimestampSecondType Date64Type Time64NanosecondType Time64MicrosecondType
        DurationNanosecondType DurationMicrosecondType DurationMillisecondType DurationSecondType;
    i32: "Int32, or a date or time of 32 bits", Int32Type Date32Type Time32SecondType Time32MillisecondType;
    f32: "Float32", Float32Type;
    u64: "UInt64", UInt64Type;
    u32: "UInt32", UInt32Type;
    i16: "Int16", Int16Type;
    u16: "UInt16", UInt16Type;
    i8: "Int8", Int8Type;
    u8: "UInt8", UInt8Type;
}

impl sealed::Sealed for bool {}
impl Cell for bool {
    const NAME: &'static str = "Boolean";
    fn gather(array: &ArrayRef, rows: &[u32], out: &mut Vec<bool>) -> bool {
        let Some(array) = array.as_boolean_opt() else {
            return false;
        };
        out.extend(rows.iter().map(|&row| array.value(row as usize)));
        true
    }
    fn gather_range(array: &ArrayRef, rows: Range<usize>, out: &mut Vec<bool>) -> bool {
        let Some(array) = array.as_boolean_opt() else {
            return false;
        };
        out.extend(rows.map(|row| array.value(row)));
        true
    }
    fn lent(_: &ArrayRef) -> Option<&[bool]> {
        None
    }
    fn reads(array: &ArrayRef) -> bool {
        array.as_boolean_opt().is_some()
    }
}
