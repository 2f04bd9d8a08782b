//! Rows in the order of their codes, by radix sort: for where almost every row is a group of its own. A table of so many codes
//! lies in no cache, so that each row would wait for memory, and its codes would have to be sorted afterwards.
//!
//! One pass for each byte in which codes differ, the last byte first. Each pass keeps the order of the one before, so rows with
//! equal codes ascend in the end.

use super::dense::small;
use super::room::{collected, filled};
use arrow_buffer::NullBuffer;

/// The codes of the rows that are `kept`, ascending, and those rows. There are fewer than 2^32 rows; the caller has looked.
pub(super) fn ascending(
    values: &[u64],
    last: u64,
    kept: Option<&NullBuffer>,
) -> (Vec<u64>, Vec<u32>) {
    let (mut codes, mut rows): (Vec<u64>, Vec<u32>) = match kept {
        None => (
            collected(values.iter().copied()),
            collected((0..values.len()).map(small)),
        ),
        Some(kept) => kept
            .valid_indices()
            .map(|row| (values[row], small(row)))
            .unzip(),
    };
    let mut codes_to = filled(0_u64, codes.len());
    let mut rows_to = filled(0_u32, rows.len());
    let bytes = (u64::BITS - last.leading_zeros()).div_ceil(8);
    for shift in (0..bytes).map(|byte| byte * 8) {
        let digit = |code: u64| ((code >> shift) & 0xFF) as usize;
        let mut next = [0_usize; 256];
        for &code in &codes {
            next[digit(code)] += 1;
        }
        if next.contains(&codes.len()) {
            continue; // all have the same byte here
        }
        let mut end = 0;
        for next in &mut next {
            end += std::mem::replace(next, end);
        }
        for (&code, &row) in codes.iter().zip(&rows) {
            let to = &mut next[digit(code)];
            codes_to[*to] = code;
            rows_to[*to] = row;
            *to += 1;
        }
        std::mem::swap(&mut codes, &mut codes_to);
        std::mem::swap(&mut rows, &mut rows_to);
    }
    (codes, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_order_of_a_stable_sort() {
        let mut tried = 0;
        for count in [0_u64, 1, 2, 300, 3000] {
            for spread in [1, 7, 256, 70_000, u64::MAX] {
                let value = |row: u64| row.wrapping_mul(0x9E37_79B9_7F4A_7C15) % spread;
                let values: Vec<u64> = (0..count).map(value).collect();
                let last = values.iter().copied().max().unwrap_or(0);
                let not_every_third: NullBuffer = (0..count).map(|row| row % 3 != 1).collect();
                for kept in [None, Some(&not_every_third)] {
                    let mut expected: Vec<(u64, u32)> = (0..small(values.len()))
                        .filter(|&row| kept.is_none_or(|kept| kept.is_valid(row as usize)))
                        .map(|row| (values[row as usize], row))
                        .collect();
                    expected.sort();
                    let (codes, rows) = ascending(&values, last, kept);
                    assert!(codes.into_iter().zip(rows).eq(expected), "{count} {spread}");
                    tried += 1;
                }
            }
        }
        assert_eq!(tried, 5 * 5 * 2);
    }
}
