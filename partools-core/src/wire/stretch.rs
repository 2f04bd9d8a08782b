//! A stretch: places in memory that somebody else reads meanwhile, lent to a worker for the elements of a row.
//!
//! ```text
//!   | header: low half, check | word | word | ..  places of the stretch  .. |
//!        ^ stored behind each element: it tells of all words up to there
//! ```
//! Invariant: at each moment the header tells of whole elements alone, and is true of them. So a worker that dies, or is killed,
//! has told of each output that it had made. Whoever lends it says what stands in the low half; its lowest bits count bytes.

use crate::sync::{AtomicU64, Ordering};

const WORD: usize = size_of::<u64>();
/// Odd, and without a pattern: the golden ratio's bits, and those of the square root of 2.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
const FACTOR: u64 = 0xB504_F333_F9DE_6485;

/// How far a row has come: what its header says. The check must keep up with each word, so it is a sum over the words, each mixed
/// with a salt of its place.
///
/// ```
/// use partools_core::wire::Growth;
/// let (mut growth, mut other) = (Growth::new(5 << 24, 77), Growth::new(5 << 24, 78));
/// growth.add(1);
/// growth.add(2);
/// assert_eq!(growth.header() as u32, 5 << 24 | 16); // 16 bytes
/// other.add(1);
/// other.add(2);
/// assert_ne!(growth.header(), other.header());
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Growth {
    low: u32,
    sum: u64,
    salt: u64,
}

impl Growth {
    /// Of a row without elements, whose header has this low half then: its lowest bits, as many as the longest row needs, are 0. No two
    /// rows that could be taken for each other have the same `seed`.
    #[must_use]
    pub fn new(low: u32, seed: u64) -> Growth {
        Growth {
            low,
            sum: 0,
            salt: mixed(seed ^ FACTOR),
        }
    }

    /// The next word.
    #[inline]
    pub fn add(&mut self, word: u64) {
        self.sum = self.sum.wrapping_add(mixed(word ^ self.salt));
        self.salt = self.salt.wrapping_add(STEP);
        self.low = self.low.wrapping_add(u64::BITS / 8);
    }

    /// The low half of the header.
    #[must_use]
    #[inline]
    pub fn low(&self) -> u32 {
        self.low
    }

    /// The whole header, with the check of all words so far above the low half.
    #[must_use]
    #[inline]
    pub fn header(&self) -> u64 {
        let low = u64::from(self.low);
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

/// Places for the next elements of a row, from an [`Outlet`](super::Outlet) that has them in memory which is read elsewhere.
///
/// ```
/// use partools_core::wire::{Growth, Stretch};
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// let (header, places) = (AtomicU64::new(0), [const { AtomicU64::new(0) }; 3]);
/// let mut growth = Growth::new(0, 1);
/// let mut stretch = Stretch::new(&header, &places, &mut growth);
/// assert!(stretch.put(&7_u64.to_ne_bytes()));
/// assert_eq!(header.load(Ordering::Acquire) as u32, 8); // it is told already
/// assert!(stretch.put(&[1; 9]) && !stretch.put(&[1])); // two words: then it is full
/// drop(stretch);
/// assert_eq!(header.load(Ordering::Acquire), growth.header());
/// ```
#[derive(Debug)]
pub struct Stretch<'a> {
    header: &'a AtomicU64,
    /// Those that are free.
    places: &'a [AtomicU64],
    /// At hand, where nobody else can look: then it stays in registers.
    growth: Growth,
    kept: &'a mut Growth,
}

impl<'a> Stretch<'a> {
    /// `places` lie behind all that `growth` tells of; it moves on with what is put there, when the stretch is dropped.
    #[inline]
    pub fn new(
        header: &'a AtomicU64,
        places: &'a [AtomicU64],
        growth: &'a mut Growth,
    ) -> Stretch<'a> {
        Stretch {
            header,
            places,
            growth: *growth,
            kept: growth,
        }
    }

    /// Lays an element of a row behind the others, filled up to whole words with zeros, and tells of it. False where there is no room for it.
    #[inline]
    pub fn put(&mut self, element: &[u8]) -> bool {
        let words = element.len().div_ceil(WORD);
        let Some((places, rest)) = self.places.split_at_checked(words) else {
            return false;
        };
        let (whole, odd) = element.as_chunks::<WORD>();
        for (place, word) in places.iter().zip(whole) {
            self.put_word(place, *word);
        }
        if let Some(place) = places.get(whole.len()) {
            let mut last = [0; WORD];
            last[..odd.len()].copy_from_slice(odd);
            self.put_word(place, last);
        }
        self.places = rest;
        // All words are there before it says so.
        self.header.store(self.growth.header(), Ordering::Release);
        true
    }

    #[inline]
    fn put_word(&mut self, place: &AtomicU64, word: [u8; WORD]) {
        let word = u64::from_ne_bytes(word);
        place.store(word, Ordering::Relaxed);
        self.growth.add(word);
    }

    /// With as many places as so many words need, or None where there are fewer.
    pub(super) fn cut(mut self, words: usize) -> Option<Self> {
        self.places = self.places.get(..words)?;
        Some(self)
    }
}

impl Drop for Stretch<'_> {
    #[inline]
    fn drop(&mut self) {
        *self.kept = self.growth;
    }
}

#[cfg(all(test, not(partools_model)))]
mod tests {
    use super::*;

    fn header(seed: u64, words: &[u64]) -> u64 {
        let mut growth = Growth::new(5 << 24, seed);
        words.iter().for_each(|&word| growth.add(word));
        growth.header()
    }

    #[test]
    fn the_check_knows_every_bit_its_place_and_the_seed() {
        let words = [0, u64::MAX, 7, 0];
        let mut seen = vec![header(3, &words) >> 32];
        for word in 0..words.len() {
            for bit in 0..64 {
                let mut wrong = words;
                wrong[word] ^= 1 << bit;
                seen.push(header(3, &wrong) >> 32);
            }
        }
        seen.push(header(3, &[u64::MAX, 0, 7, 0]) >> 32);
        seen.push(header(3, &words[..3]) >> 32);
        seen.push(header(4, &words) >> 32);
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all, "two of them have the same check");
    }

    #[test]
    fn a_stretch_that_goes_on_tells_of_what_was_there_before() {
        let header = AtomicU64::new(0);
        let places = [const { AtomicU64::new(0) }; 4];
        let mut growth = Growth::new(0, 9);
        for round in 0..2 {
            let mut stretch = Stretch::new(&header, &places[2 * round..2 * round + 2], &mut growth);
            assert!(stretch.put(&[1; 8]) && stretch.put(&[2; 3]));
            assert!(!stretch.put(&[3]), "it is full");
        }
        let mut all = Growth::new(0, 9);
        for place in &places {
            all.add(place.load(Ordering::Relaxed));
        }
        assert_eq!(header.load(Ordering::Relaxed), all.header());
    }
}
