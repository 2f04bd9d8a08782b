//! From codes to group numbers: distinct codes are numbered as they appear. A direct table where codes are few enough,
//! else an open one by hash. Nothing is sorted but, where wanted, the distinct codes.

use super::order::ascending;
use super::room::{filled, room};
use arrow_buffer::NullBuffer;

/// The number of rows that have no group.
pub(crate) const NONE: u32 = u32::MAX;

/// Rows by the number of their group.
#[derive(Debug)]
pub(crate) struct Dense {
    /// The number of each row's group, [`NONE`] where it has none.
    pub(crate) ids: Vec<u32>,
    /// The code of each group.
    pub(crate) codes: Vec<u64>,
    /// The first row of each group.
    pub(crate) firsts: Vec<u32>,
}

impl Dense {
    /// Numbers the distinct codes of the rows that are `kept`, in the order of their first appearance. There are fewer
    /// than [`NONE`] rows; the caller has looked.
    pub(crate) fn number(values: &[u64], last: u64, kept: Option<&NullBuffer>) -> Self {
        let few = (values.len() as u64)
            .saturating_mul(4)
            .clamp(1 << 12, 1 << 26);
        let mut dense = Dense {
            ids: room(values.len()),
            codes: Vec::new(),
            firsts: Vec::new(),
        };
        match usize::try_from(last) {
            Ok(last) if (last as u64) < few => {
                let mut direct = filled(NONE, last + 1);
                dense.fill(values, kept, |codes, code| {
                    // A code is at most `last`, which fits.
                    #[expect(clippy::cast_possible_truncation, reason = "as above")]
                    let slot = &mut direct[code as usize];
                    take(slot, codes.len())
                });
            }
            _ => {
                let mut table = Table::new();
                dense.fill(values, kept, |codes, code| table.number(code, codes));
            }
        }
        dense
    }

    /// `number` gives a code its number; one that is new gets the count of codes so far.
    #[inline(always)]
    fn fill(
        &mut self,
        values: &[u64],
        kept: Option<&NullBuffer>,
        mut number: impl FnMut(&[u64], u64) -> u32,
    ) {
        for (row, &code) in values.iter().enumerate() {
            if kept.is_some_and(|kept| kept.is_null(row)) {
                self.ids.push(NONE);
                continue;
            }
            let id = number(&self.codes, code);
            if id as usize == self.codes.len() {
                self.codes.push(code);
                self.firsts.push(small(row));
            }
            self.ids.push(id);
        }
    }

    /// The groups in the order of their codes.
    pub(crate) fn by_code(&self) -> Vec<u32> {
        let last = self.codes.iter().copied().max().unwrap_or(0);
        ascending(self.codes.clone(), last, None).0
    }

    /// Numbers the groups anew, by rank of their codes: a code a row, for what is to be packed on. Rows without a group
    /// get any.
    pub(crate) fn ranked(&self) -> Vec<u64> {
        let mut ranks = vec![0_u64; self.codes.len()];
        for (rank, &id) in self.by_code().iter().enumerate() {
            ranks[id as usize] = rank as u64;
        }
        let rank = |&id: &u32| ranks.get(id as usize).copied().unwrap_or(0);
        self.ids.iter().map(rank).collect()
    }
}

/// A row or a group number: there are fewer than [`NONE`].
pub(crate) fn small(index: usize) -> u32 {
    u32::try_from(index).expect("fewer rows than 2^32, which was checked first")
}

#[inline]
fn take(slot: &mut u32, next: usize) -> u32 {
    if *slot == NONE {
        *slot = small(next);
    }
    *slot
}

/// Numbers by code, in open addressing with linear probing, at most half full.
struct Table {
    slots: Vec<(u64, u32)>,
    shift: u32,
    room: usize,
}

impl Table {
    fn new() -> Self {
        Self::with_bits(12)
    }

    fn with_bits(bits: u32) -> Self {
        Table {
            slots: filled((0, NONE), 1 << bits),
            shift: 64 - bits,
            room: 1 << (bits - 1),
        }
    }

    /// The number of `code`, the next one if it is new.
    #[inline]
    fn number(&mut self, code: u64, codes: &[u64]) -> u32 {
        if codes.len() >= self.room {
            self.grow(codes);
        }
        take(&mut self.slot(code).1, codes.len())
    }

    /// Its slot, with the code in it, or the free one where it belongs, which gets the code.
    #[inline]
    fn slot(&mut self, code: u64) -> &mut (u64, u32) {
        let mask = self.slots.len() - 1;
        let mut at = self.start(code);
        loop {
            let (there, id) = self.slots[at];
            if id == NONE || there == code {
                let slot = &mut self.slots[at];
                slot.0 = code;
                return slot;
            }
            at = (at + 1) & mask;
        }
    }

    /// Folded multiplication: the high bits of the product depend on all bits of the code.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the halves of a product")]
    fn start(&self, code: u64) -> usize {
        let product = u128::from(code ^ 0x9E37_79B9_7F4A_7C15) * 0xD6E8_FEB8_6659_FD93_u128;
        ((((product >> 64) as u64) ^ (product as u64)) >> self.shift) as usize
    }

    #[cold]
    fn grow(&mut self, codes: &[u64]) {
        *self = Self::with_bits(64 - self.shift + 2);
        for (id, &code) in codes.iter().enumerate() {
            self.slot(code).1 = small(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[u64], last: u64) {
        let dense = Dense::number(values, last, None);
        let mut seen: Vec<u64> = Vec::new();
        for (row, value) in values.iter().enumerate() {
            let id = seen.iter().position(|v| v == value).unwrap_or_else(|| {
                seen.push(*value);
                assert_eq!(dense.firsts[seen.len() - 1] as usize, row);
                seen.len() - 1
            });
            assert_eq!(dense.ids[row] as usize, id);
        }
        assert_eq!(dense.codes, seen);
    }

    #[test]
    fn codes_are_numbered_as_they_appear_by_table_and_by_hash() {
        let few: Vec<u64> = (0..500).map(|i| (i * 7919) % 97).collect();
        check(&few, 96);
        check(&few, u64::MAX);
        let many: Vec<u64> = (0..9000_u64)
            .map(|i| (i % 4500).wrapping_mul(0x9E37_79B9_7F4A_7C15))
            .collect();
        check(&many, u64::MAX);
        check(&[u64::MAX, 0, u64::MAX, 1 << 63], u64::MAX);
    }

    #[test]
    fn rows_that_are_not_kept_have_no_group() {
        let kept = NullBuffer::from(vec![true, false, true]);
        let dense = Dense::number(&[5, 6, 5], 6, Some(&kept));
        assert_eq!((dense.ids, dense.codes), (vec![0, NONE, 0], vec![5]));
    }

    #[test]
    fn ranks_follow_codes() {
        let dense = Dense::number(&[30, 10, 20, 10], u64::MAX, None);
        assert_eq!(dense.by_code(), [1, 2, 0]);
        assert_eq!(dense.ranked(), [2, 0, 1, 0]);
    }
}
