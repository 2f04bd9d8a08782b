//! The writing end of a ring, which lives in the child.
//!
//! A frame is written into free space first and published after, by one release store to `head`; a producer that dies
//! at any moment leaves only whole frames behind. When there is no room it says which tail it waits for (`wanted`) and
//! sleeps on a futex.
//!
//! No wake-up is lost: the sleeper announces itself, fences, and then looks again; the other side publishes,
//! fences, and then looks for the announcement. One of the two must see the other. A child that overwrote these words
//! may still lose one, so the sleep is also cut short every 100 ms.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::time::Duration;

use super::frame::{self, Header, WORD};
use super::run::{self, Sum};
use super::{Bell, Ring};
use crate::sync::{AtomicU64, fence};
use crate::turnstile::sleep_while;

/// The longest sleep before a blocked producer looks again by itself.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Whether a sleeping consumer must be woken for a record.
///
/// ```
/// use partools_os::{Bell, Inbox, Ring, Urgency, wait_any};
/// use std::time::{Duration, Instant};
///
/// let (ring, bell, mut inbox) = (Ring::new(1 << 16)?, Bell::new()?, Inbox::new());
/// let mut producer = ring.producer(&bell);
/// assert!(!inbox.arm(&ring)); // nothing is there: the consumer goes to sleep
///
/// producer.send(1, b"one of many", Urgency::Lazy);
/// let (begun, nap) = (Instant::now(), Duration::from_millis(10));
/// wait_any(&bell, std::iter::empty(), Some(nap))?;
/// assert!(begun.elapsed() >= nap); // slept on
///
/// producer.send(2, b"the last one", Urgency::Prompt);
/// wait_any(&bell, std::iter::empty(), None)?; // woken
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// It may sleep on until something else wakes it, half of the ring is used, or the producer is about to wait.
    /// Costs neither a fence nor a system call.
    Lazy,
    /// It is woken at once.
    Prompt,
}

/// The writing end of a [`Ring`], from [`Ring::producer`].
///
/// ```
/// use partools_os::{Bell, Inbox, Received, Ring, Urgency};
///
/// let (ring, bell, mut inbox) = (Ring::new(1 << 16)?, Bell::new()?, Inbox::new());
/// let mut producer = ring.producer(&bell);
/// producer.send(0, b"", Urgency::Lazy);
/// producer.send(1, &[7; 1000], Urgency::Prompt);
///
/// assert_eq!(inbox.receive(&ring)?, Received::Record { kind: 0, payload: &[] });
/// assert_eq!(inbox.receive(&ring)?, Received::Record { kind: 1, payload: &[7; 1000] });
/// assert_eq!(inbox.receive(&ring)?, Received::Nothing);
/// producer.settle(); // returns at once: everything was taken out
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Producer<'a> {
    ring: &'a Ring,
    bell: &'a Bell,
    /// Our own `head`. The shared copy is written, never read again.
    head: u64,
    /// The last tail seen: the ring holds at most `head - tail` bytes.
    tail: u64,
    /// The ring's data, at hand.
    data: &'a [AtomicU64],
    run: Run,
}

/// The run that is open behind `head`, or none: then there is no room in it.
#[derive(Debug)]
struct Run {
    kind: u8,
    /// Where the next element goes, in the stream.
    next: u64,
    /// How many words of elements have room behind that.
    room: usize,
    sum: Sum,
}

impl<'a> Producer<'a> {
    pub(super) fn new(ring: &'a Ring, bell: &'a Bell) -> Producer<'a> {
        Producer {
            ring,
            bell,
            head: ring.head().load(Acquire),
            tail: ring.tail().load(Acquire),
            data: ring.data(),
            run: Run::none(),
        }
    }

    /// Writes a record of any length, also an empty one or one that is larger than the ring. Waits while the ring is full.
    ///
    /// `kind` is a number below 64 that arrives beside the payload.
    ///
    /// # Panics
    /// When `kind` is 64 or more, and when the ring's own counters were overwritten.
    pub fn send(&mut self, kind: u8, payload: &[u8], urgency: Urgency) {
        check_kind(kind);
        self.close_run();
        let limit = frame::limit(self.ring.capacity);
        let mut rest = payload;
        while rest.len() > limit {
            let (piece, behind) = rest.split_at(limit);
            self.write(
                Header {
                    length: limit,
                    kind,
                    more: true,
                },
                piece,
            );
            self.nudge(Urgency::Lazy);
            rest = behind;
        }
        self.write(
            Header {
                length: rest.len(),
                kind,
                more: false,
            },
            rest,
        );
        self.nudge(urgency);
    }

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
        if self.run.kind != kind || self.run.room < words {
            return false;
        }
        match <[u8; WORD]>::try_from(element) {
            // Most are: without a loop it takes half of the time.
            Ok(word) => self.run.put(self.data, u64::from_ne_bytes(word)),
            Err(_) => self.put_words(element),
        }
        self.run.publish(self.data, self.head);
        true
    }

    /// Writes an element of any length, for which there is room.
    fn put_words(&mut self, element: &[u8]) {
        let (whole, odd) = element.as_chunks::<WORD>();
        for word in whole {
            self.run.put(self.data, u64::from_ne_bytes(*word));
        }
        if !odd.is_empty() {
            let mut last = [0; WORD];
            last[..odd.len()].copy_from_slice(odd);
            self.run.put(self.data, u64::from_ne_bytes(last));
        }
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
        let room = free.min(limit as u64) as usize / WORD;
        self.run = Run {
            kind,
            next: self.head + WORD as u64,
            room,
            sum: Sum::new(self.ring.epoch, self.head),
        };
        // A run of no elements stands there before anybody is told of it.
        self.run.publish(self.data, self.head);
        self.ring.open().store(self.head + 1, Release);
    }

    /// The most bytes that an element of a run can have.
    pub fn longest_element(&self) -> usize {
        run::limit(self.ring.capacity)
    }

    /// Wakes the consumer, if it sleeps, for what was appended.
    pub fn wake(&mut self) {
        self.nudge(Urgency::Prompt);
    }

    /// The open run becomes a frame as any other.
    fn close_run(&mut self) {
        if self.run.kind != Run::NONE {
            self.head = self.run.next;
            self.ring.head().store(self.head, Release);
            self.run = Run::none();
        }
    }

    /// Waits until the consumer has taken everything out of the ring. The last record may be handed out a moment later.
    ///
    /// # Panics
    /// When the ring's own counters were overwritten.
    pub fn settle(&mut self) {
        self.close_run();
        if self.head != self.tail {
            self.wait_for(self.head);
        }
    }

    /// Puts one frame behind `head` and publishes it.
    fn write(&mut self, header: Header, payload: &[u8]) {
        let words = frame::words(payload.len());
        let bytes = ((1 + words) * WORD) as u64;
        self.make_room(bytes);

        let low = header.encode();
        let sealed = frame::seal(low, self.ring.epoch, self.head, payload);
        self.ring.span(self.head, 1).0[0].store(sealed, Relaxed);
        let (first, second) = self.ring.span(self.head + WORD as u64, words);
        let (whole, odd) = payload.as_chunks::<WORD>();
        let cut = first.len().min(whole.len());
        let mut places = first[cut..].iter().chain(second);
        for (place, word) in first.iter().zip(&whole[..cut]) {
            place.store(u64::from_ne_bytes(*word), Relaxed);
        }
        for (word, place) in whole[cut..].iter().zip(&mut places) {
            place.store(u64::from_ne_bytes(*word), Relaxed);
        }
        if let Some(place) = places.next() {
            let mut last = [0; WORD];
            last[..odd.len()].copy_from_slice(odd);
            place.store(u64::from_ne_bytes(last), Relaxed);
        }
        self.head += bytes;
        self.ring.head().store(self.head, Release);
    }

    /// Waits until so many bytes behind `head` are free.
    fn make_room(&mut self, bytes: u64) {
        let capacity = self.ring.capacity as u64;
        if self.used() + bytes > capacity {
            self.tail = self.look();
            if self.used() + bytes > capacity {
                // Wait for a quarter of the ring at least: waking up for every few bytes is what makes a full ring slow.
                self.wait_for(self.head + bytes.max(capacity / 4) - capacity);
            }
        }
    }

    /// Bytes that may still be unread: at most the capacity.
    fn used(&self) -> u64 {
        self.head - self.tail
    }

    /// The shared tail, if it can be one.
    fn look(&self) -> u64 {
        let tail = self.ring.tail().load(Acquire);
        let used = self.head.wrapping_sub(tail);
        assert!(
            used <= self.ring.capacity as u64,
            "the counters of a ring were overwritten"
        );
        tail
    }

    /// Sleeps until the tail is `wanted` (not 0) or beyond.
    #[cold]
    fn wait_for(&mut self, wanted: u64) {
        loop {
            let wakes = self.ring.room().load(Acquire);
            self.ring.wanted().store(wanted, Relaxed);
            // Said again: where the user's code overwrote it, the reader sees nothing, and both would wait for ever.
            self.ring.head().store(self.head, Release);
            // Both announcements of ours are out before we look at theirs.
            fence(SeqCst);
            self.tail = self.look();
            if self.tail >= wanted {
                self.ring.wanted().store(0, Relaxed);
                return;
            }
            // Whether it says to be asleep or not: that flag may be overwritten too, and we have time.
            self.bell.ring();
            // Woken, timed out, interrupted or refused since `room` moved on: look again in every case.
            sleep_while(self.ring.room(), wakes, LOOK_AGAIN);
        }
    }

    /// After a frame: wakes the consumer if that is due.
    fn nudge(&mut self, urgency: Urgency) {
        if urgency == Urgency::Prompt || self.is_crowded() {
            // The new head is out before we look whether the consumer went to sleep without having seen it.
            fence(SeqCst);
            self.wake_sleeper();
        }
    }

    /// More than half of the ring is used. Looks at the shared tail only where the last one seen says yes.
    fn is_crowded(&mut self) -> bool {
        let half = self.ring.capacity as u64 / 2;
        if self.used() <= half {
            return false;
        }
        self.tail = self.look();
        self.used() > half
    }

    /// Rings the bell if the consumer sleeps; once per sleep, since it takes the flag down.
    fn wake_sleeper(&self) {
        if self.ring.asleep().load(Relaxed) != 0 && self.ring.asleep().swap(0, Relaxed) != 0 {
            self.bell.ring();
        }
    }
}

impl Run {
    /// The kind of no run.
    const NONE: u8 = u8::MAX;

    fn none() -> Run {
        Run {
            kind: Run::NONE,
            next: 0,
            room: 0,
            sum: Sum::new(0, 0),
        }
    }

    /// Writes the next word. There is room.
    #[inline]
    fn put(&mut self, data: &[AtomicU64], word: u64) {
        place(data, self.next).store(word, Relaxed);
        self.sum.add(word);
        self.next += WORD as u64;
        self.room -= 1;
    }

    /// Tells of all that was written, where the run begins at `head`.
    #[inline]
    fn publish(&self, data: &[AtomicU64], head: u64) {
        // At most the limit of a run, which is a usize.
        #[expect(clippy::cast_possible_truncation)]
        let length = (self.next - head) as usize - WORD;
        place(data, head).store(self.sum.header(self.kind, length), Release);
    }
}

/// The word at this position of the stream.
#[inline]
fn place(data: &[AtomicU64], position: u64) -> &AtomicU64 {
    // Less than the length, which is a power of two and a usize.
    #[expect(clippy::cast_possible_truncation)]
    let at = (position / WORD as u64) as usize & (data.len() - 1);
    &data[at]
}

fn check_kind(kind: u8) {
    assert!(
        kind < frame::KINDS,
        "the kind of a record is below {}, and this is {kind}",
        frame::KINDS
    );
}

/// What was appended stays, for another producer goes on behind it.
impl Drop for Producer<'_> {
    fn drop(&mut self) {
        self.close_run();
    }
}
