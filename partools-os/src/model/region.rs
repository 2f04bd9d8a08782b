//! The memory of the model (`tests/ring_model.rs`): shuttle's atomics in a box. Every access to a word is a place
//! where another thread may come between.

use std::io;
use std::iter;

use crate::sync::{AtomicU32, AtomicU64};

/// Words that the threads of a model share.
#[derive(Debug)]
pub struct Region {
    halves: Box<[AtomicU32]>,
    words: Box<[AtomicU64]>,
}

impl Region {
    /// As many halves as asked for, and at least `bytes` bytes of words, all zero.
    ///
    /// # Errors
    /// Never; the real one can be refused by the kernel.
    pub fn with_halves(halves: usize, bytes: usize) -> io::Result<Region> {
        let words = bytes.div_ceil(size_of::<u64>());
        Ok(Region {
            halves: iter::repeat_with(|| AtomicU32::new(0))
                .take(halves)
                .collect(),
            words: iter::repeat_with(|| AtomicU64::new(0))
                .take(words)
                .collect(),
        })
    }

    /// The region as 64-bit words (all of it, but for the halves).
    pub fn words(&self) -> &[AtomicU64] {
        &self.words
    }

    /// The 32-bit words.
    pub fn halves(&self) -> &[AtomicU32] {
        &self.halves
    }
}
