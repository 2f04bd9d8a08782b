//! One value of an output column: what it is kept as on its way, and the column that many make.

use arrow_array::types::*;
use arrow_array::{ArrayRef, BooleanArray, PrimitiveArray, StringArray};
use std::sync::Arc;

/// A value of an output column: a number, a boolean or a text, or an `Option` of one for null.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no value of a column",
    note = "values are i8 to u64, usize, f32, f64, bool, String and &'static str, and `Option`s of them for null"
)]
pub trait Value: Sized {
    /// What it is kept as on its way to the column.
    type Stored;
    /// On its way.
    fn store(self) -> Self::Stored;
    /// The column of many.
    fn array(values: Vec<Self::Stored>) -> ArrayRef;
}

macro_rules! numbers {
    ($($type:ty => $stored:ty, $arrow:ty;)*) => {$(
        impl Value for $type {
            type Stored = $stored;
            fn store(self) -> $stored {
                self as $stored
            }
            fn array(values: Vec<$stored>) -> ArrayRef {
                Arc::new(PrimitiveArray::<$arrow>::from_iter_values(values))
            }
        }
        impl Value for Option<$type> {
            type Stored = Option<$stored>;
            fn store(self) -> Option<$stored> {
                self.map(|value| value as $stored)
            }
            fn array(values: Vec<Option<$stored>>) -> ArrayRef {
                Arc::new(PrimitiveArray::<$arrow>::from_iter(values))
            }
        }
    )*};
}
numbers! {
    f64 => f64, Float64Type;
    f32 => f32, Float32Type;
    i64 => i64, Int64Type;
    i32 => i32, Int32Type;
    i16 => i16, Int16Type;
    i8 => i8, Int8Type;
    u64 => u64, UInt64Type;
    usize => u64, UInt64Type;
    u32 => u32, UInt32Type;
    u16 => u16, UInt16Type;
    u8 => u8, UInt8Type;
}

macro_rules! others {
    ($($type:ty => $stored:ty, $array:ty, |$value:ident| $store:expr;)*) => {$(
        impl Value for $type {
            type Stored = $stored;
            fn store(self) -> $stored {
                let $value = self;
                $store
            }
            fn array(values: Vec<$stored>) -> ArrayRef {
                Arc::new(<$array>::from(values))
            }
        }
        impl Value for Option<$type> {
            type Stored = Option<$stored>;
            fn store(self) -> Option<$stored> {
                self.map(|$value| $store)
            }
            fn array(values: Vec<Option<$stored>>) -> ArrayRef {
                Arc::new(<$array>::from(values))
            }
        }
    )*};
}
others! {
    bool => bool, BooleanArray, |value| value;
    String => String, StringArray, |value| value;
    &'static str => String, StringArray, |value| value.to_owned();
}
