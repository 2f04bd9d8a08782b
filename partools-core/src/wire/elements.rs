//! Plain outputs, laid into a stretch as they are: what a worker writes where its outputs are read elsewhere while it works. No call
//! of anything virtual is made for an output, and nothing is copied twice.
//!
//! A [`Writer`](crate::Writer) has no bound on what it writes, so the bytes of an output are looked at here without one. Invariant:
//! elements with places are made for plain types alone, whose values are bytes of one number, all of them written.

use super::frame::is_fixed;
use super::stretch::Stretch;
use crate::portable::{Portable, is_plain};
use std::marker::PhantomData;

/// Room for plain outputs in a [`Stretch`].
///
/// ```
/// use partools_core::wire::{Elements, Growth, Stretch};
/// use std::sync::atomic::AtomicU64;
///
/// let (header, places) = (AtomicU64::new(0), [const { AtomicU64::new(0) }; 3]);
/// let mut growth = Growth::new(0, 1);
/// let stretch = Stretch::new(&header, &places, &mut growth);
/// assert_eq!(Elements::<u16>::new(stretch, 3).room(), 3);
/// let stretch = Stretch::new(&header, &places, &mut growth);
/// assert_eq!(Elements::<[u64; 2]>::new(stretch, 2).room(), 0); // that would be four words
/// let stretch = Stretch::new(&header, &places, &mut growth);
/// assert_eq!(Elements::<String>::new(stretch, 1).room(), 0); // it is not plain
/// ```
#[derive(Debug)]
pub struct Elements<'a, O> {
    /// None where O is not plain.
    stretch: Option<Stretch<'a>>,
    room: usize,
    filled: usize,
    outputs: PhantomData<fn(O)>,
}

impl<'a, O> Elements<'a, O> {
    /// Room for so many outputs, or for none: where there are too few places, or the type is not plain.
    #[inline]
    pub fn new(stretch: Stretch<'a>, outputs: usize) -> Self
    where
        O: Portable,
    {
        let is_element = is_fixed::<O>(is_plain::<O>());
        let words = outputs.saturating_mul(Elements::<O>::WORDS);
        match is_element.then(|| stretch.cut(words)).flatten() {
            None => Elements::none(),
            stretch => Elements {
                stretch,
                room: outputs,
                filled: 0,
                outputs: PhantomData,
            },
        }
    }

    /// No room.
    #[must_use]
    pub fn none() -> Self {
        Elements {
            stretch: None,
            room: 0,
            filled: 0,
            outputs: PhantomData,
        }
    }

    /// How many outputs there is room for, from the beginning on.
    #[must_use]
    pub fn room(&self) -> usize {
        self.room
    }

    #[inline(always)]
    pub(crate) fn filled(&self) -> usize {
        self.filled
    }

    /// Lays the next output there. False where there is no room.
    #[inline(always)]
    pub(crate) fn push(&mut self, output: &O) -> bool {
        let Some(stretch) = &mut self.stretch else {
            return false;
        };
        let start = std::ptr::from_ref(output).cast::<u8>();
        // SAFETY: `new` makes a stretch of a plain type alone: as many bytes as its size says, all of them written. They are
        // borrowed as `output` is.
        let element = unsafe { std::slice::from_raw_parts(start, size_of::<O>()) };
        let is_there = stretch.put(element);
        self.filled += usize::from(is_there);
        is_there
    }
}

impl<O> Elements<'_, O> {
    /// How many words an output takes.
    pub(super) const WORDS: usize = size_of::<O>().div_ceil(size_of::<u64>());
}
