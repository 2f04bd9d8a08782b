//! Rows in the order of their codes, by the standard library's sort: for where almost every row is a group of its own. A table of
//! so many codes lies in no cache, so that each row would wait for memory, and its codes would have to be sorted afterwards.
//!
//! A row and its code mostly fit into one word together, and the words are sorted where the codes were. So little memory is taken,
//! and no two are equal: rows with equal codes ascend.

use super::dense::small;
use super::room::room;
use arrow_buffer::NullBuffer;

/// The rows that are `kept` in the order of their codes, and where in there each run of equal codes begins, and the last one
/// ends. No code of such a row is larger than `last`. There are fewer than 2^32 rows; the caller has looked.
pub(super) fn ascending(
    mut codes: Vec<u64>,
    last: u64,
    kept: Option<&NullBuffer>,
) -> (Vec<u32>, Vec<u32>) {
    let is_kept = |row: usize| kept.is_none_or(|kept| kept.is_valid(row));
    let bits = u64::BITS - (codes.len() as u64).leading_zeros();
    if last.leading_zeros() < bits {
        let mut pairs: Vec<(u64, u32)> = room(codes.len());
        let all = codes.into_iter().zip(0_u32..);
        pairs.extend(all.filter(|&(_, row)| is_kept(row as usize)));
        pairs.sort_unstable();
        return in_runs(pairs.len(), pairs.into_iter());
    }
    for (row, code) in codes.iter_mut().enumerate() {
        *code = *code << bits | row as u64;
    }
    if kept.is_some() {
        let mut rows = 0..;
        codes.retain(|_| rows.next().is_some_and(is_kept));
    }
    codes.sort_unstable();
    let row_of = (1_u64 << bits) - 1;
    let apart = |word: u64| {
        #[expect(clippy::cast_possible_truncation, reason = "a row")]
        let row = (word & row_of) as u32;
        (word >> bits, row)
    };
    in_runs(codes.len(), codes.into_iter().map(apart))
}

/// Codes that ascend, with their rows: those rows, and where each run of equal codes begins.
fn in_runs(count: usize, sorted: impl Iterator<Item = (u64, u32)>) -> (Vec<u32>, Vec<u32>) {
    let mut rows = room(count);
    let (mut offsets, mut before) = (Vec::new(), None);
    for (code, row) in sorted {
        if before.replace(code) != Some(code) {
            offsets.push(small(rows.len()));
        }
        rows.push(row);
    }
    offsets.push(small(rows.len()));
    (rows, offsets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_order_of_a_stable_sort() {
        let mut tried = 0;
        for count in [0_u64, 1, 2, 300, 3000] {
            // The last ones leave no room for a row beside a code.
            for spread in [1, 7, 256, 70_000, 1 << 52, 1 << 53, u64::MAX] {
                let not_every_third: NullBuffer = (0..count).map(|row| row % 3 != 1).collect();
                for kept in [None, Some(&not_every_third)] {
                    let is_kept = |row: u32| kept.is_none_or(|kept| kept.is_valid(row as usize));
                    let value = |row: u64| match row % 3 == 1 && kept.is_some() {
                        true => u64::MAX - row,
                        false => row.wrapping_mul(0x9E37_79B9_7F4A_7C15) % spread,
                    };
                    let codes: Vec<u64> = (0..count).map(value).collect();
                    let mut expected: Vec<u32> = (0..small(codes.len())).collect();
                    expected.retain(|&row| is_kept(row));
                    let code = |row: &u32| codes[*row as usize];
                    expected.sort_by_key(code);
                    let starts = expected.chunk_by(|a, b| code(a) == code(b));
                    let mut ends = vec![0];
                    for run in starts {
                        ends.push(ends[ends.len() - 1] + small(run.len()));
                    }
                    let (rows, offsets) = ascending(codes.clone(), spread - 1, kept);
                    assert_eq!((rows, offsets), (expected, ends), "{count} {spread}");
                    tried += 1;
                }
            }
        }
        assert_eq!(tried, 5 * 7 * 2);
    }
}
