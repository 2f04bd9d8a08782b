//! A run: a frame that grows while it can be read, so that what is appended to it costs little more than its own words.
//!
//! ```text
//!   word `open`: where it begins, plus 1
//!   | header: its length and check so far | element | element | ...
//! ```
//! An element is whole words. It is written behind those before it, and then the header is, at once, by one store: at each moment
//! the header tells of whole elements alone, and a producer that dies leaves all that it had appended. `head` stays where the run
//! begins until the run is closed: then it is a frame as any other.
//!
//! The check must keep up with every element, so it is a sum over the words, each mixed with a salt of its place.

use super::frame::{Header, KINDS, WORD, low_half};

/// Kinds of runs have this bit beside their number.
pub(super) const GROWS: u8 = KINDS;
/// The most bytes of elements, whatever the capacity: they stay in the first-level cache until they are read, or nearly.
const LONGEST: usize = 32 * 1024;

/// Odd, and without a pattern: the golden ratio's bits, and those of the square root of 2.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
const FACTOR: u64 = 0xB504_F333_F9DE_6485;

/// The most bytes of elements in a run in a ring of this capacity.
pub(super) fn limit(capacity: usize) -> usize {
    (capacity / 4).min(LONGEST)
}

/// The check of the words so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sum {
    sum: u64,
    salt: u64,
}

impl Sum {
    /// Of a run without elements that begins at `position`.
    pub(super) fn new(epoch: u64, position: u64) -> Sum {
        let seed = epoch.wrapping_mul(STEP) ^ position.rotate_left(32);
        Sum {
            sum: 0,
            salt: mixed(seed ^ FACTOR),
        }
    }

    /// The next word.
    #[inline]
    pub(super) fn add(&mut self, word: u64) {
        self.sum = self.sum.wrapping_add(mixed(word ^ self.salt));
        self.salt = self.salt.wrapping_add(STEP);
    }

    /// The whole header word of a run of this kind, whose elements so far have `length` bytes.
    #[inline]
    pub(super) fn header(&self, kind: u8, length: usize) -> u64 {
        let header = Header {
            length,
            kind: kind | GROWS,
            more: false,
        };
        let low = u64::from(header.encode());
        // The salt has moved on with each word, so the seed and the length are in the check too.
        let check = mixed(self.sum ^ self.salt ^ low);
        check & !u64::from(u32::MAX) | low
    }
}

/// Both halves of the product, folded: every bit of the word reaches every bit.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the two halves are what is wanted"
)]
fn mixed(word: u64) -> u64 {
    let product = u128::from(word) * u128::from(FACTOR);
    product as u64 ^ (product >> 64) as u64
}

/// Is a header word that of a run? Its kind's number and its length then.
pub(super) fn parse(sealed: u64) -> Option<(u8, usize)> {
    let header = Header::decode(low_half(sealed));
    let is_run = header.kind & GROWS != 0 && !header.more;
    let is_whole = header.length.is_multiple_of(WORD);
    (is_run && is_whole).then_some((header.kind & !GROWS, header.length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(epoch: u64, position: u64, words: &[u64]) -> u64 {
        let mut sum = Sum::new(epoch, position);
        words.iter().for_each(|&word| sum.add(word));
        sum.header(5, words.len() * WORD)
    }

    #[test]
    fn a_header_says_kind_and_length() {
        assert_eq!(parse(header(3, 64, &[1, 2, 3])), Some((5, 24)));
        assert_eq!(parse(header(3, 64, &[])), Some((5, 0)));
        // One of another form, and zeroed memory.
        assert_eq!(
            parse(u64::from(
                Header {
                    length: 8,
                    kind: 5,
                    more: false
                }
                .encode()
            )),
            None
        );
        assert_eq!(parse(0), None);
    }

    #[test]
    fn the_check_knows_every_bit_its_place_and_the_run() {
        let words = [0, u64::MAX, 7, 0];
        let right = header(3, 64, &words);
        let mut seen = vec![right >> 32];
        for word in 0..words.len() {
            for bit in 0..64 {
                let mut wrong = words;
                wrong[word] ^= 1 << bit;
                seen.push(header(3, 64, &wrong) >> 32);
            }
        }
        seen.push(header(3, 64, &[u64::MAX, 0, 7, 0]) >> 32);
        seen.push(header(3, 64, &words[..3]) >> 32);
        seen.push(header(4, 64, &words) >> 32);
        seen.push(header(3, 72, &words) >> 32);
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all, "two of them have the same check");
    }
}
