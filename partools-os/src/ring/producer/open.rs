//! The run that is open behind `head`: elements are appended to it, by the producer or by whom it lends places to. It is closed before a
//! frame of another form is written.

use std::sync::atomic::Ordering::{Relaxed, Release};

use partools_core::wire::{Growth, Stretch};

use super::super::frame::{self, WORD};
use super::super::run;
use super::{Producer, Urgency, check_kind};
use crate::sync::AtomicU64;

/// The run that is open behind `head`, or none: then there is no room in it.
#[derive(Debug)]
pub(super) struct Run {
    kind: u8,
    /// How many bytes of elements have room in it in all.
    limit: usize,
    growth: Growth,
}

impl<'a> Producer<'a> {
    /// Appends an element to the run of this kind that is open. It is filled up to whole words with zeros. The reader finds it
    /// when it looks; it is not woken. False where no run of the kind is open, or it has no room: then [`open_run`](Self::open_run)
    /// makes some.
    ///
    /// Some words by some plain stores: for small things in large numbers, where a record of its own for each is what costs.
    ///
    /// ```
    /// use partools_os::{Bell, Inbox, Received, Ring, Urgency};
    ///
    /// let (ring, bell, mut inbox) = (Ring::new(4096)?, Bell::new()?, Inbox::new());
    /// let mut producer = ring.producer(&bell);
    /// for element in [b"one", b"two"] {
    ///     if !producer.append(7, element) {
    ///         producer.open_run(7, element.len());
    ///         assert!(producer.append(7, element));
    ///     }
    /// }
    /// let Received::Part { kind: 7, payload, open: true } = inbox.receive(&ring)? else { unreachable!() };
    /// assert_eq!(payload, b"one\0\0\0\0\0two\0\0\0\0\0");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn append(&mut self, kind: u8, element: &[u8]) -> bool {
        let words = frame::words(element.len());
        if self.run.kind != kind || self.run.room() < words {
            return false;
        }
        let (whole, odd) = element.as_chunks::<WORD>();
        for word in whole {
            self.put_word(*word);
        }
        if !odd.is_empty() {
            let mut last = [0; WORD];
            last[..odd.len()].copy_from_slice(odd);
            self.put_word(last);
        }
        self.run.publish(self.data, self.head);
        true
    }

    /// Writes the next word of the open run.
    #[inline]
    fn put_word(&mut self, word: [u8; WORD]) {
        let word = u64::from_ne_bytes(word);
        place(self.data, self.run.end(self.head)).store(word, Relaxed);
        self.run.growth.add(word);
    }

    /// For how many elements, of so many `words` each, a stretch can be [lent](Self::lend): so many at most, and 1 at least. Opens a run where
    /// none of this kind is open that has room, as [`open_run`](Self::open_run) does.
    ///
    /// # Panics
    /// As [`open_run`](Self::open_run).
    pub fn room(&mut self, kind: u8, words: usize, most: usize) -> usize {
        // Where the ring's memory begins anew amid the next element, a run without elements fills it up: its header is a word.
        while self.run.kind != kind || self.places().len() < words {
            self.open_run(kind, words * WORD);
        }
        (self.places().len() / words.max(1)).clamp(1, most.max(1))
    }

    /// Lends places for elements of the open run. They are [appended](Self::append) there as they are put, by nothing but stores: for those
    /// who have many of them. None where no run of the kind is open; [`room`](Self::room) sees to one.
    ///
    /// ```
    /// use partools_os::{Bell, Inbox, Received, Ring, Urgency};
    ///
    /// let (ring, bell, mut inbox) = (Ring::new(4096)?, Bell::new()?, Inbox::new());
    /// let mut producer = ring.producer(&bell);
    /// assert_eq!(producer.room(7, 1, 100), 100);
    /// let mut stretch = producer.lend(7).expect("it has room");
    /// stretch.put(b"one");
    /// let Received::Part { kind: 7, payload, open: true } = inbox.receive(&ring)? else { unreachable!() };
    /// assert_eq!(payload, b"one\0\0\0\0\0"); // there already
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lend(&mut self, kind: u8) -> Option<Stretch<'_>> {
        if self.run.kind != kind {
            return None;
        }
        let places = self.places();
        let header = place(self.data, self.head);
        Some(Stretch::new(header, places, &mut self.run.growth))
    }

    /// The places behind the open run that belong to it, up to where the ring's memory begins anew.
    fn places(&self) -> &'a [AtomicU64] {
        let next = index(self.data, self.run.end(self.head));
        let behind = &self.data[next..];
        &behind[..self.run.room().min(behind.len())]
    }

    /// Opens a run, with room for an element of so many bytes at least. Waits while the ring is full.
    ///
    /// # Panics
    /// As [`send`](Self::send), and where the element is longer than [`longest_element`](Self::longest_element).
    #[cold]
    pub fn open_run(&mut self, kind: u8, bytes: usize) {
        check_kind(kind);
        let limit = run::limit(self.ring.capacity);
        assert!(
            bytes <= limit,
            "an element of {bytes} bytes, where a run takes {limit}"
        );
        self.close_run();
        self.nudge(Urgency::Lazy);
        self.make_room(((1 + frame::words(bytes)) * WORD) as u64);
        let free = self.ring.capacity as u64 - self.used() - WORD as u64;
        // At most the limit of a run, which is a usize.
        #[expect(clippy::cast_possible_truncation)]
        let limit = free.min(limit as u64) as usize;
        self.run = Run {
            kind,
            limit,
            growth: run::begin(kind, self.ring.epoch, self.head),
        };
        // A run of no elements stands there before anybody is told of it.
        self.run.publish(self.data, self.head);
        self.ring.open().store(self.head + 1, Release);
    }

    /// The most bytes that an element of a run can have.
    pub fn longest_element(&self) -> usize {
        run::limit(self.ring.capacity)
    }

    /// The open run becomes a frame as any other.
    pub(super) fn close_run(&mut self) {
        if self.run.kind != Run::NONE {
            self.head = self.run.end(self.head);
            self.ring.head().store(self.head, Release);
            self.run = Run::none();
        }
    }
}

impl Run {
    /// The kind of no run.
    const NONE: u8 = u8::MAX;

    pub(super) fn none() -> Run {
        Run {
            kind: Run::NONE,
            limit: 0,
            growth: run::begin(0, 0, 0),
        }
    }

    /// For how many more words there is room.
    #[inline]
    fn room(&self) -> usize {
        (self.limit - run::length(&self.growth)) / WORD
    }

    /// Where its next element goes in the stream, if it begins at `head`.
    #[inline]
    fn end(&self, head: u64) -> u64 {
        head + (WORD + run::length(&self.growth)) as u64
    }

    /// Tells of all that was written, where the run begins at `head`.
    #[inline]
    fn publish(&self, data: &[AtomicU64], head: u64) {
        place(data, head).store(self.growth.header(), Release);
    }
}

/// The word at this position of the stream.
#[inline]
fn place(data: &[AtomicU64], position: u64) -> &AtomicU64 {
    &data[index(data, position)]
}

/// Where that is.
#[inline]
fn index(data: &[AtomicU64], position: u64) -> usize {
    // Less than the length, which is a power of two and a usize.
    #[expect(clippy::cast_possible_truncation)]
    let at = (position / WORD as u64) as usize & (data.len() - 1);
    at
}
