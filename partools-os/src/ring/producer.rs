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
use super::{Bell, Ring};
use crate::sync::{AtomicU64, fence};
use crate::turnstile::sleep_while;
use open::Run;

mod open;

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

    /// Wakes the consumer, if it sleeps, for what was appended.
    pub fn wake(&mut self) {
        self.nudge(Urgency::Prompt);
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
