//! One aggregate of one group, and the column that the answers of all groups make. Missing values (null, or not a number)
//! are left out.

use super::Kind;
use crate::error::FrameError;
use crate::group::Group;
use crate::group_error::GroupError;
use crate::keys::{Dense, Nan, Order, codes, small};
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, PrimitiveArray, UInt32Array};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What an aggregate says of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// The value that stands in this row of the frame.
    Row(u32),
    /// A float.
    Float(f64),
    /// A signed sum.
    Signed(i64),
    /// A count, or an unsigned sum.
    Unsigned(u64),
    /// Yes or no.
    Bool(bool),
}

/// The types that sums are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Numbers {
    Float,
    Signed,
    Unsigned,
}

fn numbers(of: &DataType) -> Option<Numbers> {
    match of {
        DataType::Float64 | DataType::Float32 => Some(Numbers::Float),
        of if of.is_signed_integer() => Some(Numbers::Signed),
        DataType::Boolean => Some(Numbers::Unsigned),
        of if of.is_unsigned_integer() => Some(Numbers::Unsigned),
        _ => None,
    }
}

/// Refuses a column that the aggregate has no meaning for, and a share of values that is none.
pub(super) fn check(kind: Kind, name: &str, array: &ArrayRef) -> Result<(), FrameError> {
    if let Kind::Quantile(q) = kind
        && !(0.0..=1.0).contains(&q)
    {
        return Err(FrameError::options(format!(
            "the quantile {q} of {name:?} is not from 0 to 1"
        )));
    }
    match kind {
        Kind::Count | Kind::First | Kind::Last => Ok(()),
        Kind::Min | Kind::Max | Kind::NUnique => {
            codes(name, &array.slice(0, 0), Nan::Missing, Order::Kept).map(drop)
        }
        _ if numbers(array.data_type()).is_some() => Ok(()),
        _ => {
            let expected = format!("integers, floats or booleans for `{}`", kind.name());
            Err(FrameError::wrong_type(name, array.data_type(), expected))
        }
    }
}

pub(super) fn answer(
    kind: Kind,
    name: &str,
    group: &Group<'_>,
) -> Result<Option<Answer>, GroupError> {
    let float = |value: Option<f64>| Ok(value.map(Answer::Float));
    match kind {
        Kind::Count => Ok(Some(Answer::Unsigned(present(name, group)?.count() as u64))),
        Kind::First => Ok(present(name, group)?.next().map(Answer::Row)),
        Kind::Last => Ok(present(name, group)?.last().map(Answer::Row)),
        Kind::Min => least(name, group, false),
        Kind::Max => least(name, group, true),
        Kind::NUnique => {
            let array = group.array(name)?;
            let codes = codes(name, &array, Nan::Missing, Order::Any)?;
            let distinct = Dense::number(&codes.values, codes.last, codes.present.as_ref());
            Ok(Some(Answer::Unsigned(distinct.codes.len() as u64)))
        }
        Kind::Sum => sum(name, group).map(Some),
        Kind::Mean => float(mean(&floats(name, group)?)),
        Kind::Var => float(variance(&floats(name, group)?)),
        Kind::Std => float(variance(&floats(name, group)?).map(f64::sqrt)),
        Kind::Median => float(quantile(floats(name, group)?, 0.5)),
        Kind::Quantile(q) => float(quantile(floats(name, group)?, q)),
        Kind::Any => Ok(Some(Answer::Bool(
            floats(name, group)?.iter().any(|&v| v != 0.0),
        ))),
        Kind::All => Ok(Some(Answer::Bool(
            floats(name, group)?.iter().all(|&v| v != 0.0),
        ))),
    }
}

/// The rows of the group where the column has a value.
fn present<'g>(
    name: &str,
    group: &Group<'g>,
) -> Result<impl Iterator<Item = u32> + use<'g>, FrameError> {
    let array = group.whole(name)?;
    let nan = |row: usize| match array.data_type() {
        DataType::Float64 => arrow_array::cast::AsArray::as_primitive::<Float64Type>(array)
            .value(row)
            .is_nan(),
        DataType::Float32 => {
            arrow_array::cast::AsArray::as_primitive::<arrow_array::types::Float32Type>(array)
                .value(row)
                .is_nan()
        }
        _ => false,
    };
    Ok(group
        .rows()
        .filter(move |&row| array.is_valid(row) && !nan(row))
        .map(small))
}

/// The row of the least value, or of the largest; of equal ones the first.
fn least(name: &str, group: &Group<'_>, largest: bool) -> Result<Option<Answer>, GroupError> {
    let codes = codes(name, &group.array(name)?, Nan::Missing, Order::Kept)?;
    let is_present = |at: usize| {
        codes
            .present
            .as_ref()
            .is_none_or(|present: &NullBuffer| present.is_valid(at))
    };
    let values = codes
        .values
        .iter()
        .enumerate()
        .filter(|(at, _)| is_present(*at));
    let best = values.min_by_key(|(_, code)| if largest { u64::MAX - **code } else { **code });
    Ok(best
        .and_then(|(at, _)| group.rows().nth(at))
        .map(|row| Answer::Row(small(row))))
}

/// A number, as what aggregates reckon with.
trait Number: Copy {
    fn float(self) -> f64;
    /// `None` of floats, which are summed as what they are.
    fn whole(self) -> Option<i128>;
}

macro_rules! whole {
    ($($type:ty)*) => {$(
        impl Number for $type {
            fn float(self) -> f64 {
                self as f64
            }
            fn whole(self) -> Option<i128> {
                Some(i128::from(self))
            }
        }
    )*};
}
whole!(i64 i32 i16 i8 u64 u32 u16 u8);

impl Number for f64 {
    fn float(self) -> f64 {
        self
    }
    fn whole(self) -> Option<i128> {
        None
    }
}
impl Number for f32 {
    fn float(self) -> f64 {
        f64::from(self)
    }
    fn whole(self) -> Option<i128> {
        None
    }
}

/// The numbers of a group by their type: `$then` sees a slice of those that are not null.
macro_rules! by_type {
    ($name:expr, $group:expr, $values:ident => $then:expr) => {{
        let array = $group.whole($name)?;
        match array.data_type() {
            DataType::Float64 => {
                let $values = $group.valid::<f64>($name)?;
                $then
            }
            DataType::Float32 => {
                let $values = $group.valid::<f32>($name)?;
                $then
            }
            DataType::Int64 => {
                let $values = $group.valid::<i64>($name)?;
                $then
            }
            DataType::Int32 => {
                let $values = $group.valid::<i32>($name)?;
                $then
            }
            DataType::Int16 => {
                let $values = $group.valid::<i16>($name)?;
                $then
            }
            DataType::Int8 => {
                let $values = $group.valid::<i8>($name)?;
                $then
            }
            DataType::UInt64 => {
                let $values = $group.valid::<u64>($name)?;
                $then
            }
            DataType::UInt32 => {
                let $values = $group.valid::<u32>($name)?;
                $then
            }
            DataType::UInt16 => {
                let $values = $group.valid::<u16>($name)?;
                $then
            }
            DataType::UInt8 => {
                let $values = $group.valid::<u8>($name)?;
                $then
            }
            DataType::Boolean => {
                let bits = $group.valid::<bool>($name)?;
                let bits: Vec<u8> = bits.iter().map(|&bit| u8::from(bit)).collect();
                let $values = bits.as_slice();
                $then
            }
            other => Err(FrameError::wrong_type(
                $name,
                other,
                "integers, floats or booleans",
            ))?,
        }
    }};
}

/// The numbers of a group as floats, without those that are none.
fn floats(name: &str, group: &Group<'_>) -> Result<Vec<f64>, GroupError> {
    Ok(
        by_type!(name, group, values => values.iter().map(|&v| v.float()).filter(|v| !v.is_nan()).collect()),
    )
}

fn sum(name: &str, group: &Group<'_>) -> Result<Answer, GroupError> {
    let overflow = |_| {
        GroupError::new(format!(
            "the sum of {name:?} does not fit 64 bits; sum it as floats, by `apply`"
        ))
    };
    match numbers(group.whole(name)?.data_type()) {
        Some(Numbers::Float) | None => Ok(Answer::Float(floats(name, group)?.iter().sum())),
        Some(kind) => {
            let sum: i128 =
                by_type!(name, group, values => values.iter().filter_map(|&v| v.whole()).sum());
            match kind {
                Numbers::Unsigned => Ok(Answer::Unsigned(u64::try_from(sum).map_err(overflow)?)),
                _ => Ok(Answer::Signed(i64::try_from(sum).map_err(overflow)?)),
            }
        }
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// In two passes, so that nothing large is taken from something large.
fn variance(values: &[f64]) -> Option<f64> {
    let mean = mean(values).filter(|_| values.len() > 1)?;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some(squares / (values.len() - 1) as f64)
}

fn quantile(mut values: Vec<f64>, q: f64) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let place = q * (values.len() - 1) as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 0 to the number of values"
    )]
    let below = place.floor() as usize;
    let (_, low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let low = *low;
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    let share = place - place.floor();
    // An infinite value is not mixed with its neighbour by nothing.
    Some(if share == 0.0 {
        low
    } else {
        low + (high - low) * share
    })
}

/// The column that the answers of all groups make.
pub(super) fn column(
    kind: Kind,
    of: &ArrayRef,
    answers: impl Iterator<Item = Option<Answer>>,
) -> Result<ArrayRef, FrameError> {
    macro_rules! of {
        ($variant:ident) => {
            answers.map(|answer| match answer {
                Some(Answer::$variant(value)) => Some(value),
                _ => None,
            })
        };
    }
    Ok(match (kind, numbers(of.data_type())) {
        (Kind::Min | Kind::Max | Kind::First | Kind::Last, _) => {
            let rows: UInt32Array = of!(Row).collect();
            arrow_select::take::take(of, &rows, None)
                .map_err(|e| FrameError::arrow("rows could not be taken", e))?
        }
        (Kind::Any | Kind::All, _) => Arc::new(of!(Bool).collect::<BooleanArray>()),
        (Kind::Count | Kind::NUnique, _) | (Kind::Sum, Some(Numbers::Unsigned)) => {
            Arc::new(PrimitiveArray::<UInt64Type>::from_iter(of!(Unsigned)))
        }
        (Kind::Sum, Some(Numbers::Signed)) => {
            Arc::new(PrimitiveArray::<Int64Type>::from_iter(of!(Signed)))
        }
        _ => Arc::new(PrimitiveArray::<Float64Type>::from_iter(of!(Float))),
    })
}
