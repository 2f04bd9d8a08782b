//! Several columns of codes as one: a number in a mixed radix, the first column the highest digit, so that the order of
//! packed codes is the lexicographic one. Where 64 bits do not suffice, what is packed so far is replaced by its rank.

use super::codes::Codes;
use super::dense::Dense;
use arrow_buffer::NullBuffer;

/// One code a row, for all key columns together.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) values: Vec<u64>,
    pub(crate) last: u64,
    /// The rows that have a group; all, if `None`.
    pub(crate) kept: Option<NullBuffer>,
}

/// What becomes of rows where a key is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// They are in no group.
    Dropped,
    /// To be missing is a key of its own, behind the others.
    Key,
}

/// Packs `columns`, of which there is at least one.
pub(crate) fn pack(columns: Vec<Codes>, missing: Missing) -> Packed {
    let mut kept: Option<NullBuffer> = None;
    let mut packed: Option<(Vec<u64>, u64)> = None;
    for column in columns {
        let (values, last) = match missing {
            Missing::Key => missing_last(column),
            Missing::Dropped => {
                kept = NullBuffer::union(kept.as_ref(), column.present.as_ref());
                (column.values, column.last)
            }
        };
        packed = Some(match packed {
            None => (values, last),
            Some(high) => join(high, (values, last), kept.as_ref()),
        });
    }
    let (values, last) = packed.unwrap_or_default();
    Packed { values, last, kept }
}

/// A column where missing rows have a code too, the largest.
fn missing_last(mut column: Codes) -> (Vec<u64>, u64) {
    let Some(present) = column.present.filter(|present| present.null_count() > 0) else {
        return (column.values, column.last);
    };
    if column.last == u64::MAX {
        let dense = Dense::number(&column.values, column.last, Some(&present));
        column.values = dense.ranked();
        column.last = dense.codes.len() as u64;
    }
    let last = column.last + 1;
    for (row, value) in column.values.iter_mut().enumerate() {
        if present.is_null(row) {
            *value = last;
        }
    }
    (column.values, last)
}

type Digits = (Vec<u64>, u64);

fn join(high: Digits, low: Digits, kept: Option<&NullBuffer>) -> Digits {
    if let Some(last) = fits(high.1, low.1) {
        return (multiply(high.0, &low.0, low.1), last);
    }
    // The digit with the greater range gains most by being ranked; two ranks always fit.
    let (high, low) = match high.1 >= low.1 {
        true => (ranked(high, kept), low),
        false => (high, ranked(low, kept)),
    };
    match fits(high.1, low.1) {
        Some(last) => (multiply(high.0, &low.0, low.1), last),
        None => {
            let (high, low) = (ranked(high, kept), ranked(low, kept));
            let last = fits(high.1, low.1).unwrap_or(u64::MAX);
            (multiply(high.0, &low.0, low.1), last)
        }
    }
}

/// The largest joint code, where it fits.
fn fits(high: u64, low: u64) -> Option<u64> {
    high.checked_mul(low.checked_add(1)?)?.checked_add(low)
}

fn multiply(mut high: Vec<u64>, low: &[u64], last: u64) -> Vec<u64> {
    // At rows that are missing the digits are anything, and so is the product.
    for (high, low) in high.iter_mut().zip(low) {
        *high = high.wrapping_mul(last.wrapping_add(1)).wrapping_add(*low);
    }
    high
}

fn ranked((values, last): Digits, kept: Option<&NullBuffer>) -> Digits {
    let dense = Dense::number(&values, last, kept);
    let last = (dense.codes.len() as u64).saturating_sub(1);
    (dense.ranked(), last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[u64], last: u64) -> Codes {
        Codes {
            values: values.to_vec(),
            last,
            present: None,
        }
    }

    #[test]
    fn the_order_is_lexicographic_whether_or_not_it_fits() {
        for last in [9, u64::MAX >> 32, u64::MAX] {
            let a = [0, 0, 1, 1, last];
            let b = [3, last, 0, 3, 0];
            let packed = pack(
                vec![column(&a, last), column(&b, last), column(&a, last)],
                Missing::Dropped,
            );
            assert!(
                packed.values.windows(2).all(|pair| pair[0] < pair[1]),
                "{last}: {packed:?}"
            );
        }
    }

    #[test]
    fn missing_is_a_key_behind_the_others_even_of_a_full_range() {
        for last in [9, u64::MAX] {
            let mut column = column(&[last, 0, 7], last);
            column.present = Some(NullBuffer::from(vec![true, true, false]));
            let packed = pack(vec![column], Missing::Key);
            assert!(packed.values[1] < packed.values[0] && packed.values[0] < packed.values[2]);
        }
    }
}
