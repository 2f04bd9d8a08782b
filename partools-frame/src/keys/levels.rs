//! `observed(false)`: every combination of the levels of the key columns is a group, whether or not it occurs. The levels
//! of a dictionary column are its categories, those of any other column its distinct values, as in pandas.

use super::codes::{Codes, first_positions};
use super::dense::{Dense, NONE, small};
use super::grouping::{Grouping, scatter};
use super::pack::Missing;
use crate::error::FrameError;
use crate::frame::Frame;
use arrow_array::cast::AsArray;
use arrow_array::types::ArrowDictionaryKeyType;
use arrow_array::{
    Array, ArrayRef, DictionaryArray, PrimitiveArray, UInt32Array, downcast_integer,
};
use arrow_buffer::ArrowNativeType;
use arrow_schema::DataType;
use std::sync::Arc;

pub(super) fn has_categories(array: &ArrayRef) -> bool {
    matches!(array.data_type(), DataType::Dictionary(_, _))
}

/// A column's levels, in order, and the level of each row ([`NONE`] where it has none).
struct Levels {
    of_rows: Vec<u32>,
    /// A value for each level.
    values: ArrayRef,
}

pub(super) fn group_all(
    columns: &[(&str, &ArrayRef)],
    codes: Vec<Codes>,
    missing: Missing,
    sort: bool,
) -> Result<Grouping<'static>, FrameError> {
    let levels: Vec<Levels> = columns
        .iter()
        .zip(codes)
        .map(|((name, array), codes)| levels(name, array, codes, missing, sort))
        .collect::<Result<_, _>>()?;
    let count = levels
        .iter()
        .try_fold(1_u32, |n, level| {
            n.checked_mul(u32::try_from(level.values.len()).ok()?)
        })
        .filter(|&n| n < NONE);
    let Some(count) = count else {
        let sizes: Vec<String> = levels
            .iter()
            .map(|level| level.values.len().to_string())
            .collect();
        let what = format!(
            "`observed(false)` asks for {} groups, one for each combination of categories",
            sizes.join(" x ")
        );
        return Err(FrameError::too_many(what, u64::from(NONE) - 1));
    };
    let mut ids = vec![0_u32; columns[0].1.len()];
    for level in &levels {
        let radix = small(level.values.len());
        for (id, &at) in ids.iter_mut().zip(&level.of_rows) {
            *id = match *id == NONE || at == NONE {
                true => NONE,
                false => *id * radix + at,
            };
        }
    }
    let order = match sort {
        true => (0..count).collect(),
        false => as_they_appear(&ids, count),
    };
    let (rows, offsets) = scatter(&ids, &order);
    let mut radix = count;
    let mut keys = Vec::new();
    for ((name, _), level) in columns.iter().zip(&levels) {
        let levels = small(level.values.len());
        radix = radix.checked_div(levels).unwrap_or(0);
        let at = order
            .iter()
            .map(|&id| id.checked_div(radix).unwrap_or(0) % levels.max(1));
        let taken =
            arrow_select::take::take(&level.values, &UInt32Array::from_iter_values(at), None);
        let taken = taken.map_err(|e| {
            FrameError::arrow(format!("the keys of {name:?} could not be taken"), e)
        })?;
        keys.push((*name, taken));
    }
    Ok(Grouping {
        rows,
        offsets: offsets.into(),
        keys: Frame::new(keys)?,
    })
}

/// The groups that occur, as they appear; then the others.
fn as_they_appear(ids: &[u32], count: u32) -> Vec<u32> {
    let mut seen = vec![false; count as usize];
    let mut order = Vec::with_capacity(count as usize);
    let occurring = ids.iter().copied().filter(|&id| id != NONE);
    for id in occurring.chain(0..count) {
        if !std::mem::replace(&mut seen[id as usize], true) {
            order.push(id);
        }
    }
    order
}

fn levels(
    name: &str,
    array: &ArrayRef,
    codes: Codes,
    missing: Missing,
    sort: bool,
) -> Result<Levels, FrameError> {
    let has_missing = codes
        .present
        .as_ref()
        .is_some_and(|present| present.null_count() > 0);
    let (mut of_rows, values) = match has_categories(array) {
        true => categories(name, array, &codes)?,
        false => {
            let dense = Dense::number(&codes.values, codes.last, codes.present.as_ref());
            let order = if sort {
                dense.by_code()
            } else {
                (0..small(dense.codes.len())).collect()
            };
            let mut rank = vec![0; order.len()];
            for (at, &id) in order.iter().enumerate() {
                rank[id as usize] = small(at);
            }
            let of_rows = dense
                .ids
                .iter()
                .map(|&id| if id == NONE { NONE } else { rank[id as usize] });
            let firsts = order.iter().map(|&id| dense.firsts[id as usize]);
            let taken =
                arrow_select::take::take(array, &UInt32Array::from_iter_values(firsts), None);
            let taken = taken.map_err(|e| {
                FrameError::arrow(format!("the levels of {name:?} could not be taken"), e)
            })?;
            (of_rows.collect::<Vec<u32>>(), taken)
        }
    };
    if !has_missing || missing == Missing::Dropped {
        return Ok(Levels { of_rows, values });
    }
    let null = small(values.len());
    for at in of_rows.iter_mut().filter(|at| **at == NONE) {
        *at = null;
    }
    let missing = arrow_array::new_null_array(values.data_type(), 1);
    let values = arrow_select::concat::concat(&[values.as_ref(), missing.as_ref()])
        .map_err(|e| FrameError::arrow(format!("a null could not be added to {name:?}"), e))?;
    Ok(Levels { of_rows, values })
}

/// The categories of a dictionary column: the values of the dictionary, equal ones once, nulls not at all.
fn categories(
    name: &str,
    array: &ArrayRef,
    codes: &Codes,
) -> Result<(Vec<u32>, ArrayRef), FrameError> {
    let dictionary = array.as_any_dictionary();
    let values = dictionary.values();
    let positions: Vec<u32> = match values.is_empty() {
        true => Vec::new(),
        false => first_positions(name, values)?
            .into_iter()
            .enumerate()
            .filter(|(at, first)| *at as u64 == *first && values.is_valid(*at))
            .map(|(at, _)| small(at))
            .collect(),
    };
    let mut level = vec![NONE; values.len().max(1)];
    for (at, &position) in positions.iter().enumerate() {
        level[position as usize] = small(at);
    }
    let of_rows = codes.values.iter().enumerate().map(|(row, &code)| {
        let valid = codes
            .present
            .as_ref()
            .is_none_or(|present| present.is_valid(row));
        match usize::try_from(code) {
            Ok(code) if valid => level[code],
            _ => NONE,
        }
    });
    let of_rows = of_rows.collect();
    let DataType::Dictionary(key, _) = array.data_type() else {
        return Ok((of_rows, Arc::clone(array)));
    };
    macro_rules! keyed {
        ($key:ty) => {
            with_keys::<$key>(&positions, values)
        };
    }
    let levels = downcast_integer!(
        key.as_ref() => (keyed),
        other => return Err(FrameError::wrong_type(name, other, "integers as keys of a dictionary")),
    );
    Ok((of_rows, levels))
}

fn with_keys<K: ArrowDictionaryKeyType>(positions: &[u32], values: &ArrayRef) -> ArrayRef {
    let keys = positions.iter().map(|&at| K::Native::usize_as(at as usize));
    let keys = PrimitiveArray::<K>::from_iter_values(keys);
    Arc::new(DictionaryArray::new(keys, Arc::clone(values)))
}
