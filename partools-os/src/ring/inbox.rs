//! The reading end of a ring, which lives in the parent and trusts nobody.
//!
//! Everything that decides anything is private: the position, what was seen of `head`, the record so far. From the
//! ring come only a head (read once per look and checked against the position), a header word (read once, checked
//! against that head and the frame limit) and payload words (copied out, then checked against the header).
//!
//! Invariants: memory grows by bytes that really arrived; one call looks at `head` once and reads at most what was
//! promised by then, so it ends; after [`Corrupt`] nothing is read any more.

use std::fmt;
use std::mem;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

use partools_core::wire::Growth;

use super::Ring;
use super::frame::{self, Header, WORD};
use super::run;
use crate::sync::fence;
use crate::turnstile::change_and_wake;

/// A buffer that a giant record left behind is cut back to this many words (64 MiB); below it is recycled as it is.
const KEPT_WORDS: usize = (64 << 20) / WORD;

/// The reader's state of one [`Ring`]: plain data, to be kept beside it.
///
/// Use it with the ring that it began with, and no other inbox with that ring.
///
/// ```
/// use partools_os::{Bell, Inbox, Received, Ring, Urgency, wait_any};
///
/// let (ring, bell, mut inbox) = (Ring::new(4096)?, Bell::new()?, Inbox::new());
/// let length = std::thread::scope(|scope| {
///     // 25 times the ring: the producer waits whenever it is full.
///     scope.spawn(|| ring.producer(&bell).send(7, &[1; 100_000], Urgency::Prompt));
///     loop {
///         if let Received::Record { payload, .. } = inbox.receive(&ring)? {
///             return Ok::<_, Box<dyn std::error::Error>>(payload.len());
///         }
///         // Arm, look once more, and sleep only where nothing waits.
///         if !inbox.arm(&ring) {
///             wait_any(&bell, std::iter::empty(), None)?;
///         }
///         inbox.disarm(&ring);
///     }
/// })?;
/// assert_eq!(length, 100_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Inbox {
    /// Everything before this was taken out.
    tail: u64,
    /// The tail that the producer was told.
    told: u64,
    /// The last head seen: `tail <= seen <= tail + capacity`.
    seen: u64,
    /// The record that is being put together, or was handed out last. Frames but the last are whole words.
    words: Vec<u64>,
    /// How many bytes of `words` are payload.
    bytes: usize,
    /// The kind of a record of which only a part has arrived.
    unfinished: Option<u8>,
    /// The run at `tail`, as far as its elements were handed out.
    run: Option<Growth>,
    corrupt: Option<Corrupt>,
    /// The tail in the ring was not what we had put there.
    lost_tail: bool,
}

/// What [`Inbox::receive`] found.
///
/// ```
/// use partools_os::{Bell, Inbox, Received, Ring, Urgency};
///
/// let (ring, bell, mut inbox) = (Ring::new(4096)?, Bell::new()?, Inbox::new());
/// assert_eq!(inbox.receive(&ring)?, Received::Nothing);
/// ring.producer(&bell).send(3, b"word", Urgency::Lazy);
/// assert_eq!(inbox.receive(&ring)?, Received::Record { kind: 3, payload: b"word" });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, PartialEq, Eq)]
pub enum Received<'a> {
    /// A whole record, as it was sent. It starts at a multiple of 8 bytes, in memory of our own.
    Record {
        /// The number that was sent with it, below 64.
        kind: u8,
        /// Valid until the next call.
        payload: &'a [u8],
    },
    /// Whole elements of a run, one or more, in the order in which they were appended, each filled up to whole words with
    /// zeros. It starts at a multiple of 8 bytes, in memory of our own.
    Part {
        /// The number of the run, below 64.
        kind: u8,
        /// Valid until the next call.
        payload: &'a [u8],
        /// The run still grows, so nothing is behind it. Who reads on at once follows the producer step by step, which costs
        /// both more than it brings.
        open: bool,
    },
    /// No whole record is there at the moment (a part of one may be).
    Nothing,
}

/// What lies in the buffer now.
enum Taken {
    Record(u8),
    Part { kind: u8, open: bool },
}

/// What stands in the ring was not written by a [`Producer`](crate::Producer), or was overwritten since.
///
/// ```
/// use partools_os::{Bell, Inbox, Ring, Urgency};
/// use std::sync::atomic::Ordering::Relaxed;
///
/// let (ring, bell, mut inbox) = (Ring::new(4096)?, Bell::new()?, Inbox::new());
/// ring.producer(&bell).send(1, b"an honest record", Urgency::Lazy);
/// for word in ring.region().words() {
///     word.store(u64::MAX, Relaxed); // what a crashing child may do
/// }
/// let corrupt = inbox.receive(&ring).expect_err("it was overwritten");
/// assert!(corrupt.to_string().starts_with("the ring of a worker was overwritten: a head that cannot be"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corrupt {
    what: &'static str,
    position: u64,
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the ring of a worker was overwritten: {} at byte {} of its stream",
            self.what, self.position
        )
    }
}

impl std::error::Error for Corrupt {}

impl Inbox {
    /// An inbox for a ring from which nothing was read yet.
    pub fn new() -> Inbox {
        Inbox::default()
    }

    /// Takes the next record out of the ring. Never waits.
    ///
    /// # Errors
    /// [`Corrupt`] when the writer broke the ring; this inbox then says so for ever (until [`Ring::renew`]).
    pub fn receive(&mut self, ring: &Ring) -> Result<Received<'_>, Corrupt> {
        if let Some(corrupt) = &self.corrupt {
            return Err(corrupt.clone());
        }
        let taken = self.take_record(ring);
        if matches!(taken, Ok(Some(Taken::Part { open: true, .. }))) {
            self.tell(ring);
        }
        match taken {
            Ok(Some(taken)) => {
                let payload = &bytemuck::cast_slice(&self.words)[..self.bytes];
                Ok(match taken {
                    Taken::Record(kind) => Received::Record { kind, payload },
                    Taken::Part { kind, open } => Received::Part {
                        kind,
                        payload,
                        open,
                    },
                })
            }
            Ok(None) => {
                self.tell(ring);
                Ok(Received::Nothing)
            }
            Err(what) => Err(self
                .corrupt
                .insert(Corrupt {
                    what,
                    position: self.tail,
                })
                .clone()),
        }
    }

    /// Says that the reader is about to sleep until the bell rings; until then, or until [`disarm`](Inbox::disarm), a
    /// record that is sent promptly rings it. True if something waits unread.
    ///
    /// Arm first, then read, then sleep: what is sent promptly behind the reading ends the sleep, and what is sent
    /// lazily may wait.
    pub fn arm(&mut self, ring: &Ring) -> bool {
        ring.asleep().store(1, Relaxed);
        // Our flag is out before we look at `head`; the producer puts `head` out before it looks at the flag.
        fence(SeqCst);
        let has_more = || {
            let header = ring.span(self.tail, 1).0[0].load(Relaxed);
            let taken = self.run.as_ref().map_or(0, run::length);
            self.is_open(ring) && run::parse(header).is_none_or(|(_, length)| length != taken)
        };
        self.corrupt.is_none() && (ring.head().load(Acquire) != self.tail || has_more())
    }

    /// Says that the reader is awake: bells need not be rung for it.
    pub fn disarm(&mut self, ring: &Ring) {
        ring.asleep().store(0, Relaxed);
    }

    /// Whether a record has arrived in part. Once its producer is gone, the rest will never come.
    ///
    /// ```
    /// use partools_os::{Bell, Inbox, Received, Ring, Urgency};
    ///
    /// let (ring, bell, mut inbox) = (Ring::new(4096)?, Bell::new()?, Inbox::new());
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| ring.producer(&bell).send(1, &[0; 100_000], Urgency::Lazy));
    ///     while !inbox.is_amid_record() {
    ///         assert_eq!(inbox.receive(&ring)?, Received::Nothing); // not a whole one
    ///     }
    ///     while inbox.receive(&ring)? == Received::Nothing {}
    ///     assert!(!inbox.is_amid_record());
    ///     Ok::<(), partools_os::Corrupt>(())
    /// })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_amid_record(&self) -> bool {
        self.unfinished.is_some()
    }

    /// Whether the tail in the ring, by which the producer knows how full it is, was always the one that was put there.
    /// A producer that finds it changed cannot go on, and that is not the fault of what it was sending.
    ///
    /// ```
    /// use partools_os::{Inbox, Ring};
    /// use std::sync::atomic::Ordering::Relaxed;
    ///
    /// let (ring, inbox) = (Ring::new(4096)?, Inbox::new());
    /// assert!(inbox.is_intact(&ring));
    /// for word in ring.region().words() {
    ///     word.store(7, Relaxed); // a child's stray pointer
    /// }
    /// assert!(!inbox.is_intact(&ring));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn is_intact(&self, ring: &Ring) -> bool {
        !self.lost_tail && ring.tail().load(Relaxed) == self.told
    }

    /// Back to the beginning of a stream, with the buffer kept.
    pub(super) fn restart(&mut self) {
        *self = Inbox {
            words: mem::take(&mut self.words),
            ..Inbox::new()
        };
    }

    /// Does an open run begin at our tail?
    fn is_open(&self, ring: &Ring) -> bool {
        ring.open().load(Acquire) == self.tail.wrapping_add(1)
    }

    /// What now lies in `words`, or None while it is not all there.
    fn take_record(&mut self, ring: &Ring) -> Result<Option<Taken>, &'static str> {
        if self.unfinished.is_none() {
            self.words.clear();
            self.words.shrink_to(self.words.capacity().min(KEPT_WORDS));
            self.bytes = 0;
        }
        // `Nothing` must come from a look in this very call: the reader may go to sleep on it.
        let mut looked = false;
        loop {
            if self.tail == self.seen && !mem::replace(&mut looked, true) {
                self.seen = self.look(ring)?;
            }
            if self.tail == self.seen {
                return match self.unfinished.is_none() && self.is_open(ring) {
                    true => self.take_open(ring),
                    false => Ok(None),
                };
            }
            if self.unfinished.is_none()
                && let Some(kind) = self.take_closed(ring)?
            {
                if self.bytes > 0 {
                    return Ok(Some(Taken::Part { kind, open: false }));
                }
                continue;
            }
            let header = self.take_frame(ring)?;
            self.unfinished = header.more.then_some(header.kind);
            if self.tail - self.told >= ring.capacity as u64 / 8 {
                self.tell(ring);
            }
            if !header.more {
                return Ok(Some(Taken::Record(header.kind)));
            }
        }
    }

    /// Reads `head`, once.
    fn look(&self, ring: &Ring) -> Result<u64, &'static str> {
        let head = ring.head().load(Acquire);
        let ahead = head.wrapping_sub(self.tail);
        if ahead > ring.capacity as u64 || !ahead.is_multiple_of(WORD as u64) {
            return Err("a head that cannot be");
        }
        Ok(head)
    }

    /// Appends the next frame's payload to the record. At least one word lies before `seen`.
    fn take_frame(&mut self, ring: &Ring) -> Result<Header, &'static str> {
        let sealed = ring.span(self.tail, 1).0[0].load(Relaxed);
        let header = Header::decode(frame::low_half(sealed));
        let limit = frame::limit(ring.capacity);
        let words = frame::words(header.length);
        let whole = ((1 + words) * WORD) as u64;
        if header.length > limit {
            return Err("a frame that is too long");
        }
        if whole > self.seen - self.tail {
            return Err("a frame that ends behind the head");
        }
        if header.more && header.length != limit {
            return Err("a short frame amid a record");
        }
        if self.unfinished.is_some_and(|kind| kind != header.kind) {
            return Err("a record of two kinds");
        }

        // `words` holds whole frames of whole words so far: this one begins right behind them.
        let before = self.words.len();
        self.words
            .try_reserve(words)
            .map_err(|_| "a record that memory cannot hold")?;
        let (first, second) = ring.span(self.tail + WORD as u64, words);
        self.words
            .extend(first.iter().map(|word| word.load(Relaxed)));
        self.words
            .extend(second.iter().map(|word| word.load(Relaxed)));
        let payload = &bytemuck::cast_slice::<u64, u8>(&self.words[before..])[..header.length];
        if !frame::is_sealed(sealed, ring.epoch, self.tail, payload) {
            return Err("a frame whose check fails");
        }
        self.bytes += header.length;
        self.tail += whole;
        Ok(header)
    }

    /// What was appended since to the open run at `tail`; None where nothing was.
    fn take_open(&mut self, ring: &Ring) -> Result<Option<Taken>, &'static str> {
        let header = ring.span(self.tail, 1).0[0].load(Acquire);
        let (kind, length) = run::parse(header).ok_or("an open run that is none")?;
        self.run = Some(self.take_elements(ring, header, kind, length)?);
        let open = true;
        Ok((self.bytes > 0).then_some(Taken::Part { kind, open }))
    }

    /// The rest of the run at `tail`, which was closed; None where there is none. At least one word lies before `seen`.
    fn take_closed(&mut self, ring: &Ring) -> Result<Option<u8>, &'static str> {
        let header = ring.span(self.tail, 1).0[0].load(Relaxed);
        let Some((kind, length)) = run::parse(header) else {
            return match self.run {
                Some(_) => Err("a run that became something else"),
                None => Ok(None),
            };
        };
        let whole = (WORD + length) as u64;
        if whole > self.seen - self.tail {
            return Err("a run that ends behind the head");
        }
        self.take_elements(ring, header, kind, length)?;
        self.run = None;
        self.tail += whole;
        if self.tail - self.told >= ring.capacity as u64 / 8 {
            self.tell(ring);
        }
        Ok(Some(kind))
    }

    /// Copies out what is new of the run at `tail`, and checks it: the sum of all of it.
    fn take_elements(
        &mut self,
        ring: &Ring,
        header: u64,
        kind: u8,
        length: usize,
    ) -> Result<Growth, &'static str> {
        let begun = || run::begin(kind, ring.epoch, self.tail);
        let mut run = self.run.unwrap_or_else(begun);
        let taken = run::length(&run);
        if length > run::limit(ring.capacity) {
            return Err("a run that is too long");
        }
        let new = length
            .checked_sub(taken)
            .ok_or("a run that became shorter")?;
        let from = self.tail + (WORD + taken) as u64;
        let (first, second) = ring.span(from, new / WORD);
        for places in [first, second] {
            self.words.extend(places.iter().map(|place| {
                let word = place.load(Relaxed);
                run.add(word);
                word
            }));
        }
        self.bytes = new;
        match run.header() == header {
            true => Ok(run),
            false => Err("a run whose check fails"),
        }
    }

    /// Publishes the tail, and wakes the producer if this is what it waits for.
    fn tell(&mut self, ring: &Ring) {
        if self.told == self.tail {
            return;
        }
        self.lost_tail = !self.is_intact(ring);
        self.told = self.tail;
        ring.tail().store(self.tail, Release);
        // The tail is out before we look whether the producer went to sleep without having seen it.
        fence(SeqCst);
        let wanted = ring.wanted().load(Relaxed);
        // Exchanged, not stored: the producer may have gone on and announced another wish.
        if wanted != 0
            && self.tail >= wanted
            && ring
                .wanted()
                .compare_exchange(wanted, 0, Relaxed, Relaxed)
                .is_ok()
        {
            change_and_wake(ring.room());
        }
    }
}
