//! A key column as numbers, one a row: equal keys have equal codes, and the order of codes is the order of keys.
//!
//! ```text
//! integers, dates, times, floats, booleans ──> their distance from the least one
//! texts and bytes of up to 7 bytes         ──> the bytes themselves, and the length (texts.rs)
//! longer ones, and all other types         ──> a table of the distinct ones (the others through Arrow's row format)
//! dictionaries                             ──> the position of the value, equal values being one
//! ```
//! Then grouping is arithmetic on numbers, whatever the types were.

use super::room::collected;
use super::texts::{flat, rows, scattered};
use crate::error::FrameError;
use arrow_array::cast::AsArray;
use arrow_array::types::ArrowPrimitiveType;
use arrow_array::{Array, ArrayRef, downcast_integer_array, downcast_temporal_array};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_schema::DataType;

/// The codes of one column.
#[derive(Debug, Clone)]
pub(crate) struct Codes {
    /// A code a row; anything at missing rows.
    pub(crate) values: Vec<u64>,
    /// No code is larger.
    pub(crate) last: u64,
    /// The rows that have a key; all, if `None`.
    pub(crate) present: Option<NullBuffer>,
}

/// What counts as missing beside nulls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nan {
    /// Not a number is a key as any other, behind all numbers.
    Key,
    /// Not a number is no key.
    Missing,
}

/// Are codes to be in the order of keys, or is it enough that equal keys have equal ones?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Kept,
    Any,
}

pub(crate) fn codes(
    name: &str,
    array: &ArrayRef,
    nan: Nan,
    order: Order,
) -> Result<Codes, FrameError> {
    let array: &dyn Array = array.as_ref();
    let present = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
    downcast_integer_array!(
        array => Ok(integers(array, present)),
        DataType::Float64 => {
            let floats = array.as_primitive::<arrow_array::types::Float64Type>().values();
            let present = without_nan(present, floats, nan, |v| v.is_nan());
            Ok(numbers(floats, present, float, |bits| bits))
        }
        DataType::Float32 => {
            let floats = array.as_primitive::<arrow_array::types::Float32Type>().values();
            let present = without_nan(present, floats, nan, |v| v.is_nan());
            Ok(numbers(floats, present, |v| float(f64::from(v)), |bits| bits))
        }
        DataType::Float16 => {
            let floats = array.as_primitive::<arrow_array::types::Float16Type>().values();
            let present = without_nan(present, floats, nan, |v| v.is_nan());
            Ok(numbers(floats, present, |v| float(f64::from(v)), |bits| bits))
        }
        DataType::Boolean => {
            let values = array.as_boolean().values().iter().map(u64::from).collect();
            Ok(Codes { values, last: 1, present })
        }
        DataType::Utf8 => Ok(flat(array.as_string::<i32>(), present, order)),
        DataType::LargeUtf8 => Ok(flat(array.as_string::<i64>(), present, order)),
        DataType::Utf8View => Ok(scattered(array.as_string_view().iter().map(of_text), present, order)),
        DataType::Binary => Ok(flat(array.as_binary::<i32>(), present, order)),
        DataType::LargeBinary => Ok(flat(array.as_binary::<i64>(), present, order)),
        DataType::BinaryView => Ok(scattered(array.as_binary_view().iter(), present, order)),
        DataType::FixedSizeBinary(_) => Ok(scattered(array.as_fixed_size_binary().iter(), present, order)),
        DataType::Dictionary(_, _) => dictionary(name, array, present),
        DataType::Null => Ok(Codes {
            values: vec![0; array.len()],
            last: 0,
            present: (!array.is_empty()).then(|| NullBuffer::new_null(array.len())),
        }),
        _ => temporal_or_other(name, array, present, order),
    )
}

fn temporal_or_other(
    name: &str,
    array: &dyn Array,
    present: Option<NullBuffer>,
    order: Order,
) -> Result<Codes, FrameError> {
    downcast_temporal_array!(
        array => Ok(integers(array, present)),
        _ => rows(name, array, present, order),
    )
}

fn integers<T>(array: &arrow_array::PrimitiveArray<T>, present: Option<NullBuffer>) -> Codes
where
    T: ArrowPrimitiveType<Native: Ord + Into<i128>>,
{
    // Distances modulo 2^64 are right for every integer of up to 64 bits.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "as above"
    )]
    let bits = |value: T::Native| -> u64 { Into::<i128>::into(value) as u64 };
    numbers(array.values(), present, |v| v, bits)
}

/// Values that are ranked by `rank`, and of which `bits` gives distances.
fn numbers<T: Copy, K: Copy + Ord>(
    values: &[T],
    present: Option<NullBuffer>,
    rank: impl Fn(T) -> K,
    bits: impl Fn(K) -> u64,
) -> Codes {
    let ends = |(least, most): (K, K), next: K| (least.min(next), most.max(next));
    let mut all = values.iter().map(|&v| rank(v));
    let range = match &present {
        None => all.next().map(|first| all.fold((first, first), ends)),
        Some(present) => {
            let mut valid = present.valid_indices().map(|at| rank(values[at]));
            valid.next().map(|first| valid.fold((first, first), ends))
        }
    };
    let Some((least, most)) = range else {
        return Codes {
            values: vec![0; values.len()],
            last: 0,
            present,
        };
    };
    let least = bits(least);
    Codes {
        values: collected(values.iter().map(|&v| bits(rank(v)).wrapping_sub(least))),
        last: bits(most).wrapping_sub(least),
        present,
    }
}

fn of_text(text: Option<&str>) -> Option<&[u8]> {
    text.map(str::as_bytes)
}

/// The bits of a float in an order of unsigned integers: -0.0 is 0.0, and there is one NaN, behind all numbers.
fn float(value: f64) -> u64 {
    let value = if value.is_nan() {
        f64::NAN
    } else {
        value + 0.0
    };
    let bits = value.to_bits();
    match bits >> 63 {
        0 => bits | 1 << 63,
        _ => !bits,
    }
}

fn without_nan<T: Copy>(
    present: Option<NullBuffer>,
    floats: &[T],
    nan: Nan,
    is_nan: impl Fn(T) -> bool,
) -> Option<NullBuffer> {
    if nan == Nan::Key || !floats.iter().any(|&v| is_nan(v)) {
        return present;
    }
    let numbers = NullBuffer::new(BooleanBuffer::collect_bool(floats.len(), |at| {
        !is_nan(floats[at])
    }));
    NullBuffer::union(present.as_ref(), Some(&numbers))
}

/// A category is the first position of its value; the order of categories is that of positions, as in pandas.
fn dictionary(
    name: &str,
    array: &dyn Array,
    present: Option<NullBuffer>,
) -> Result<Codes, FrameError> {
    let dictionary = array.as_any_dictionary();
    if dictionary.values().is_empty() {
        return Ok(Codes {
            values: vec![0; array.len()],
            last: 0,
            present,
        });
    }
    let first = first_positions(name, dictionary.values())?;
    Ok(Codes {
        values: dictionary
            .normalized_keys()
            .into_iter()
            .map(|key| first[key])
            .collect(),
        last: first.len() as u64 - 1,
        present,
    })
}

/// For each value the position of the first one that is equal.
pub(crate) fn first_positions(name: &str, values: &ArrayRef) -> Result<Vec<u64>, FrameError> {
    let codes = codes(name, values, Nan::Key, Order::Any)?;
    let mut first = std::collections::HashMap::new();
    let position = |(at, code)| match &codes.present {
        Some(present) if present.is_null(at) => at as u64, // a value that is null is nobody's category
        _ => *first.entry(code).or_insert(at as u64),
    };
    Ok(codes.values.iter().enumerate().map(position).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn of(array: ArrayRef) -> Vec<u64> {
        codes("k", &array, Nan::Key, Order::Kept)
            .expect("a key")
            .values
    }

    fn in_order(codes: &[u64]) -> bool {
        codes.windows(2).all(|pair| pair[0] < pair[1])
    }

    #[test]
    fn the_order_of_codes_is_the_order_of_integers_to_their_ends() {
        let signed = vec![i64::MIN, -5, -1, 0, 1, i64::MAX];
        assert!(in_order(&of(Arc::new(arrow_array::Int64Array::from(
            signed
        )))));
        let unsigned = vec![0, 1, u64::MAX / 2, u64::MAX];
        assert!(in_order(&of(Arc::new(arrow_array::UInt64Array::from(
            unsigned
        )))));
        assert!(in_order(&of(Arc::new(arrow_array::Int8Array::from(vec![
            -128, -1, 0, 127
        ])))));
    }

    #[test]
    fn the_order_of_codes_is_the_order_of_floats_and_equal_ones_are_one() {
        let floats = [
            f64::NEG_INFINITY,
            -1.5,
            -f64::MIN_POSITIVE,
            0.0,
            1e-300,
            2.0,
            f64::INFINITY,
            f64::NAN,
        ];
        assert!(in_order(&of(Arc::new(arrow_array::Float64Array::from(
            floats.to_vec()
        )))));
        let same = of(Arc::new(arrow_array::Float64Array::from(vec![
            0.0,
            -0.0,
            f64::NAN,
            -f64::NAN,
        ])));
        assert_eq!((same[0], same[2]), (same[1], same[3]));
        assert_ne!(same[0], same[2]);
    }
}
