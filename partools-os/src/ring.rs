//! A byte ring in shared memory: one process writes records, another one reads them.
//!
//! ```text
//!   halves: asleep | room          words: head | tail | wanted | open | ... page ... | data: capacity bytes
//!                                          data:  ......[frame][frame][frame].......
//!                                                       ^ tail               ^ head
//! ```
//!
//! `head` and `tail` count bytes from the ring's beginning and never wrap; a place in the data is a count modulo the
//! capacity. The producer alone writes `head` (after each whole frame), the consumer alone writes `tail`. Behind `head` a frame may
//! stand that still grows: a run of small elements (`run.rs`).
//!
//! Invariant: the consumer believes nothing. The writer may be a crashing child that scribbles over all of this, so the
//! consumer keeps its own copy of every number it relies on, reads each shared number once, and checks it; and it
//! copies a frame out before it verifies the frame's check and uses it. All shared memory here is reached through
//! relaxed 64-bit atomics (see `region.rs`), so a racing scribbler means wrong bytes, which the check finds, and
//! not undefined behaviour. Copying through the atomics, word by word, costs next to nothing: 30 GB/s in the cache where
//! `memcpy` has 37 and the check 23, and between processes all are bound by the memory (2026-11: 8-byte sends 18 ns;
//! 100 x 8 MB at 4.2 GB/s through 1 MiB). So there is no raw copy, and not one line of unsafe code, in a ring.

use std::io;
use std::sync::atomic::Ordering::Relaxed;

use crate::bell::Bell;
use crate::region::Region;
use crate::sync::{AtomicU32, AtomicU64};

mod frame;
mod inbox;
mod producer;
mod run;
#[cfg(not(partools_model))]
mod shared;
#[cfg(all(test, not(partools_model)))]
mod tests;

pub use inbox::{Corrupt, Inbox, Received};
pub use producer::{Producer, Urgency};

const SMALLEST: usize = 4096;
/// Where the data begins: one page behind the region's start, whatever the kernel's page size.
const HEADER_BYTES: usize = 4096;

/// Halves, in lines of their own (16 halves each).
const HALVES: usize = 32;
const ASLEEP: usize = 0;
const ROOM: usize = 16;
/// Words, each in a pair of lines of its own (16 words).
const HEAD: usize = 0;
const TAIL: usize = 16;
const WANTED: usize = 32;
const OPEN: usize = 48;
const DATA: usize = (HEADER_BYTES - HALVES * size_of::<u32>()) / size_of::<u64>();

/// A single-producer, single-consumer byte ring between two processes.
///
/// The parent makes it, lends its [`region`](Ring::region) to a child, and reads with an [`Inbox`]; the child writes
/// with a [`Producer`].
///
/// ```
/// use partools_os::{Bell, Inbox, Received, Ring, Urgency};
/// let (ring, bell, mut inbox) = (Ring::new(1 << 16)?, Bell::new()?, Inbox::new());
/// ring.producer(&bell).send(3, b"some bytes", Urgency::Lazy);
/// match inbox.receive(&ring)? {
///     Received::Record { kind, payload } => assert_eq!((kind, payload), (3, b"some bytes".as_slice())),
///     Received::Part { .. } | Received::Nothing => unreachable!(),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Ring {
    region: Region,
    /// Bytes of data: a power of two.
    capacity: usize,
    /// How often the ring was renewed. Part of every check, and never in shared memory.
    epoch: u64,
}

impl Ring {
    /// Makes an empty ring of at least `capacity` bytes: a power of two, and 4 KiB or more.
    ///
    /// Any record fits into any ring; a large one just passes through it in pieces.
    ///
    /// ```
    /// assert_eq!(partools_os::Ring::new(5000)?.capacity(), 8192);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the capacity overflows, or the kernel has no memory or address space left.
    pub fn new(capacity: usize) -> io::Result<Ring> {
        let capacity = whole_capacity(capacity)?;
        Ok(Ring {
            region: Region::with_halves(HALVES, behind_halves(capacity))?,
            capacity,
            epoch: 0,
        })
    }

    /// The memory to lend to the child that writes.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// How many bytes of frames fit.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The writing end, for the child; it goes on where the last one stopped.
    ///
    /// One at a time: two at once mix up their frames, which the reader answers with [`Corrupt`].
    pub fn producer<'a>(&'a self, bell: &'a Bell) -> Producer<'a> {
        Producer::new(self, bell)
    }

    /// Empties the ring for another producer, when the one before it is gone (also amid a record, or after [`Corrupt`]).
    /// The pages stay mapped and warm, and nothing that the old producer left behind passes a check again.
    ///
    /// ```
    /// use partools_os::{Bell, Inbox, Received, Ring, Urgency};
    ///
    /// let (mut ring, bell, mut inbox) = (Ring::new(1 << 16)?, Bell::new()?, Inbox::new());
    /// ring.producer(&bell).send(1, b"from one that crashed", Urgency::Lazy);
    /// ring.renew(&mut inbox);
    /// ring.producer(&bell).send(2, b"from the next one", Urgency::Lazy);
    /// assert_eq!(inbox.receive(&ring)?, Received::Record { kind: 2, payload: b"from the next one" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn renew(&mut self, inbox: &mut Inbox) {
        self.epoch += 1;
        for half in self.region.halves() {
            half.store(0, Relaxed);
        }
        for word in &self.region.words()[..DATA] {
            word.store(0, Relaxed);
        }
        inbox.restart();
    }

    fn head(&self) -> &AtomicU64 {
        &self.region.words()[HEAD]
    }

    fn tail(&self) -> &AtomicU64 {
        &self.region.words()[TAIL]
    }

    /// The tail at which a blocked producer wants to be woken; 0 when nobody waits.
    fn wanted(&self) -> &AtomicU64 {
        &self.region.words()[WANTED]
    }

    /// Where the run began that was opened last, plus 1; 0 before the first one.
    fn open(&self) -> &AtomicU64 {
        &self.region.words()[OPEN]
    }

    /// The words of the data: a power of two.
    #[inline]
    fn data(&self) -> &[AtomicU64] {
        &self.region.words()[DATA..DATA + self.capacity / size_of::<u64>()]
    }

    /// Not zero while the consumer sleeps, or is about to.
    fn asleep(&self) -> &AtomicU32 {
        &self.region.halves()[ASLEEP]
    }

    /// The futex that a blocked producer sleeps on: counts the wake-ups.
    fn room(&self) -> &AtomicU32 {
        &self.region.halves()[ROOM]
    }

    /// `count` words of data from stream position `position` on (a multiple of 8), in two pieces where the data area
    /// ends. `count` is at most the capacity.
    fn span(&self, position: u64, count: usize) -> (&[AtomicU64], &[AtomicU64]) {
        let data = self.data();
        // The remainder is less than the capacity, which is a usize.
        #[expect(clippy::cast_possible_truncation)]
        let place = (position % self.capacity as u64) as usize / size_of::<u64>();
        let behind = &data[place..];
        let first = count.min(behind.len());
        (&behind[..first], &data[..count - first])
    }
}

/// The next power of two, 4 KiB at least.
fn whole_capacity(capacity: usize) -> io::Result<usize> {
    capacity
        .max(SMALLEST)
        .checked_next_power_of_two()
        .filter(|&capacity| capacity <= usize::MAX / 4)
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "the capacity of a ring overflows",
            )
        })
}

/// How many bytes of words a ring has.
fn behind_halves(capacity: usize) -> usize {
    capacity + HEADER_BYTES - HALVES * size_of::<u32>()
}
