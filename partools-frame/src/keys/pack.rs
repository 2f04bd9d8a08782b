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

impl Packed {
    /// Is almost every row a group of its own? As far as some of them tell.
    pub(crate) fn are_almost_distinct(&self) -> bool {
        if self.values.len() < MANY {
            return false;
        }
        let start = self.values.len() / 2;
        let kept = self.kept.as_ref().map(|kept| kept.slice(start, PROBE));
        let missing = kept.as_ref().map_or(0, NullBuffer::null_count);
        let few = Dense::number(&self.values[start..start + PROBE], self.last, kept.as_ref());
        let (seen, distinct) = (PROBE - missing, few.codes.len());
        // Of a few rows of many groups as many are in a group with another one as pairs are equal: n^2 / 2 / groups.
        seen * seen / 2 / (seen - distinct).max(1) * ALMOST >= self.values.len()
    }
}

/// Fewer rows than these have a table that lies in a cache.
const MANY: usize = 1 << 18;
/// So many rows tell how many groups there may be.
const PROBE: usize = 1 << 14;
/// Groups of fewer rows than these are almost rows.
const ALMOST: usize = 4;

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
    let columns = where_they_fit(columns);
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

/// Columns whose codes fit 64 bits together, where ranks can make them do so. To rank a column costs little next to ranking
/// several that are packed already, of which there may be as many as rows. The greatest range gains most.
fn where_they_fit(mut columns: Vec<Codes>) -> Vec<Codes> {
    let mut ranked = vec![false; columns.len()];
    let fit = |columns: &[Codes]| {
        let mut ranges = columns.iter().map(|column| column.last.checked_add(2));
        ranges
            .try_fold(1_u64, |all, range| all.checked_mul(range?))
            .is_some()
    };
    while columns.len() > 1 && !fit(&columns) {
        let of_others = |&at: &usize| !ranked[at] && columns[at].last > 0;
        let Some(at) = (0..columns.len())
            .filter(of_others)
            .max_by_key(|&at| columns[at].last)
        else {
            break;
        };
        let column = &mut columns[at];
        let dense = Dense::number(&column.values, column.last, column.present.as_ref());
        column.values = dense.ranked();
        column.last = (dense.codes.len() as u64).saturating_sub(1);
        ranked[at] = true;
    }
    columns
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
    fn single_columns_are_ranked_where_they_do_not_fit_together() {
        let wide = |values: &[u64]| column(values, u64::MAX >> 4);
        let columns = vec![
            wide(&[5, 5, 1 << 50]),
            wide(&[9, 1 << 40, 0]),
            wide(&[3, 3, 3]),
        ];
        let packed = pack(columns, Missing::Dropped);
        // As many as had to be: the first one is as it was.
        assert_eq!(packed.values, [5 * 3 + 1, 5 * 3 + 2, (1 << 50) * 3]);
        assert_eq!(packed.last, (u64::MAX >> 4) * 3 + 2);
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
