//! How many prefixes of words occur more than three times in a document: mpire's second benchmark, document by document.
//! Hash maps and small allocations.

use crate::work::Work;
use std::collections::HashMap;

/// Letters of a word.
const LETTERS: usize = 20;

/// A document is an item: words of 20 letters, without spaces between them.
pub(crate) struct Words;

impl Words {
    pub(crate) fn document(number: usize, words: usize) -> String {
        let letter = |k: usize| {
            let drawn = ((k * 7919 + number * 104_729) as u64 * 48_271) % ((1 << 31) - 1);
            char::from(b'a' + (drawn / 256 % 26) as u8)
        };
        (0..words * LETTERS).map(letter).collect()
    }
}

impl Work for Words {
    type Item = String;
    type Shared = u8;
    type Output = (u64, u64);

    const SHARES: bool = false;

    /// How many prefixes there are, and how many of them more than three times.
    fn call(document: &String, _: &[u8]) -> (u64, u64) {
        let mut counts: HashMap<&str, u32> = HashMap::new();
        for at in (0..document.len()).step_by(LETTERS) {
            for end in at + 1..at + LETTERS {
                *counts.entry(&document[at..end]).or_default() += 1;
            }
        }
        let popular = counts.values().filter(|count| **count > 3).count();
        (counts.len() as u64, popular as u64)
    }

    fn digest(output: &(u64, u64)) -> u64 {
        output.0 * 1000 + output.1
    }
}
