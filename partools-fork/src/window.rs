//! The items of a window of a stream, encoded, where children can read them that were forked for an earlier one.
//!
//! ```text
//!   words: | first, count, largest | item | item, each from a whole word on | ...  free  ... | ends, the first one last |
//! ```
//! The parent writes a window while no child works, and children only read: the memory is lent to them so.

use partools_core::{Cause, Persistent, decode, encode};
use partools_os::{Access, Region};
use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

const WORD: usize = size_of::<u64>();
/// Words in front of the first item.
const HEAD: usize = 3;
/// Memory is taken as it is touched, so that this much costs nothing; more is made where a window needs it.
const AT_FIRST: usize = 64 << 20;
/// Beside an end: what is there is a [`Cause`] why there is no item.
const UNSENT: u64 = 1 << 63;

/// One window at a time.
pub(crate) struct Window {
    region: Region,
}

/// What children must know of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// The index in the stream of its first item.
    pub(crate) first: usize,
    /// As of [`Schedule::extent`](partools_core::Schedule::extent).
    pub(crate) schedule: [usize; 2],
}

impl Window {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Window {
            region: Region::new(AT_FIRST)?,
        })
    }

    /// What to lend to a child.
    pub(crate) fn lent(&self) -> (&Region, Access) {
        (&self.region, Access::ReadOnly)
    }

    /// Writes the items of this window, and takes other memory where they do not fit: then children that were lent this one
    /// cannot read them. True where that is so; and how many bytes were written.
    pub(crate) fn fill<S, O>(
        &mut self,
        near: &dyn Persistent<State = S, Output = O>,
        schedule: [usize; 2],
    ) -> io::Result<(bool, u64)> {
        let mut filling = Filling {
            region: &mut self.region,
            next: HEAD,
            items: 0,
            is_new: false,
        };
        let mut written = Ok(());
        near.pack(&mut |item| {
            if written.is_ok() {
                written = filling.add(item);
            }
        });
        written?;
        let (is_new, words) = (filling.is_new, filling.next);
        let head = [near.first(), schedule[0], schedule[1]];
        for (word, number) in self.region.words().iter().zip(head) {
            word.store(number as u64, Relaxed);
        }
        Ok((is_new, (words * WORD) as u64))
    }

    // ---- in a child

    pub(crate) fn extent(&self) -> Extent {
        let words = self.region.words();
        let [first, count, largest] = [0, 1, 2].map(|at| number(&words[at]));
        Extent {
            first,
            schedule: [count, largest],
        }
    }

    /// Writes the bytes of the item at `position` into `bytes`, or says why there is none.
    pub(crate) fn fetch(&self, position: usize, bytes: &mut Vec<u8>) -> Option<Cause> {
        let words = self.region.words();
        let last = words.len() - 1;
        let begin = match position {
            0 => HEAD,
            _ => end(words[last - position + 1].load(Relaxed)).div_ceil(WORD),
        };
        let mark = words[last - position].load(Relaxed);
        let length = end(mark) - begin * WORD;
        bytes.clear();
        bytes.reserve(length.next_multiple_of(WORD));
        for word in &words[begin..begin + length.div_ceil(WORD)] {
            bytes.extend_from_slice(&word.load(Relaxed).to_ne_bytes());
        }
        bytes.truncate(length);
        match mark & UNSENT {
            0 => None,
            _ => Some(decode(bytes).unwrap_or(Cause::NoOutput)),
        }
    }
}

/// Where an item ends, in bytes.
fn end(mark: u64) -> usize {
    usize::try_from(mark & !UNSENT).unwrap_or(usize::MAX)
}

fn number(word: &AtomicU64) -> usize {
    usize::try_from(word.load(Relaxed)).unwrap_or(usize::MAX)
}

/// A window that is being written.
struct Filling<'w> {
    region: &'w mut Region,
    /// The next free word.
    next: usize,
    items: usize,
    /// The region is another one than it was.
    is_new: bool,
}

impl Filling<'_> {
    fn add(&mut self, item: Result<&[u8], Cause>) -> io::Result<()> {
        let mut scratch = Vec::new();
        match item {
            Ok(bytes) => self.write(bytes, 0),
            Err(cause) => self.write(encode(&cause, &mut scratch).unwrap_or_default(), UNSENT),
        }
    }

    fn write(&mut self, bytes: &[u8], mark: u64) -> io::Result<()> {
        let needed = self.next + bytes.len().div_ceil(WORD) + self.items + 1;
        if needed > self.region.words().len() {
            self.grow(needed)?;
        }
        let words = self.region.words();
        let (whole, rest) = bytes.as_chunks::<WORD>();
        for (word, bytes) in words[self.next..].iter().zip(whole) {
            word.store(u64::from_ne_bytes(*bytes), Relaxed);
        }
        let end = self.next * WORD + bytes.len();
        self.next += whole.len();
        if !rest.is_empty() {
            let mut last = [0; WORD];
            last[..rest.len()].copy_from_slice(rest);
            words[self.next].store(u64::from_ne_bytes(last), Relaxed);
            self.next += 1;
        }
        words[words.len() - 1 - self.items].store(end as u64 | mark, Relaxed);
        self.items += 1;
        Ok(())
    }

    /// Goes on in a region for at least so many words.
    #[cold]
    fn grow(&mut self, needed: usize) -> io::Result<()> {
        let larger = Region::new((2 * self.region.len()).max(needed.saturating_mul(2 * WORD)))?;
        let (from, to) = (self.region.words(), larger.words());
        let copy = |from: &[AtomicU64], to: &[AtomicU64]| {
            for (from, to) in from.iter().zip(to) {
                to.store(from.load(Relaxed), Relaxed);
            }
        };
        copy(&from[..self.next], to);
        copy(
            &from[from.len() - self.items..],
            &to[to.len() - self.items..],
        );
        *self.region = larger;
        self.is_new = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes these into memory of so many bytes; what is read then, and whether other memory was taken.
    fn there_and_back(bytes: usize, items: &[Result<Vec<u8>, Cause>]) -> (Vec<Vec<u8>>, bool) {
        let mut window = Window {
            region: Region::new(bytes).expect("a region"),
        };
        let mut filling = Filling {
            region: &mut window.region,
            next: HEAD,
            items: 0,
            is_new: false,
        };
        for item in items {
            let item = item.as_ref().map(Vec::as_slice).map_err(Cause::clone);
            filling.add(item).expect("room");
        }
        let is_new = filling.is_new;
        let mut read = Vec::new();
        for (position, item) in items.iter().enumerate() {
            let mut bytes = vec![9; 3];
            let why = window.fetch(position, &mut bytes);
            assert_eq!(why, item.as_ref().err().cloned());
            read.push(bytes);
        }
        (read, is_new)
    }

    #[test]
    fn items_of_every_length_are_read_as_they_were() {
        let items: Vec<Vec<u8>> = (0..40).map(|length| vec![length; length.into()]).collect();
        let sent: Vec<_> = items.iter().cloned().map(Ok).collect();
        assert_eq!(there_and_back(1 << 20, &sent), (items, false));
    }

    #[test]
    fn what_does_not_fit_goes_into_other_memory_all_of_it() {
        let items: Vec<Vec<u8>> = (0..100).map(|n| vec![n; 1000]).collect();
        let sent: Vec<_> = items.iter().cloned().map(Ok).collect();
        assert_eq!(there_and_back(4096, &sent), (items, true));
    }

    #[test]
    fn what_was_not_sent_says_why_and_those_beside_it_are_whole() {
        let sent = [Ok(vec![1; 9]), Err(Cause::NoOutput), Ok(vec![2; 5])];
        let (read, _) = there_and_back(4096, &sent);
        assert_eq!((&read[0], &read[2]), (&vec![1; 9], &vec![2; 5]));
    }
}
