//! One place for a child: the memory that both sides see, what the child is working on as far as the parent knows, and what
//! is done to it while it lives. What its end means is in `seat/burial.rs`, how it outlives a run in `seat/bench.rs`.
//!
//! A seat is kept when its child is gone: the next one has the same ring, renewed.

mod bench;
mod burial;

pub(crate) use bench::Bench;
pub(crate) use burial::Death;

use crate::board::Board;
use crate::books::{Books, Stage};
use crate::panic_note::PanicNote;
use crate::record;
use partools_core::{Chunk, Portable, Run};
use partools_os::{Access, Child, Inbox, Received, Region, Ring, SpawnOptions, spawn};
use partools_os::{Clock, Flight, Killed, Late, Patience};
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

/// The size of a ring: large enough that the parent need not wake often, small enough to stay in cache.
const RING: usize = 1 << 20;
/// So many records, or bytes, are read from one ring before the next one has its turn.
const BURST: usize = 4096;
const BURST_BYTES: usize = 8 << 20;

pub(crate) struct Seat<'r, O> {
    ring: Option<Ring>,
    inbox: Inbox,
    /// When the item in flight began; only where the plan has an item timeout.
    clock: Option<Region>,
    /// Only where a panic ends the child.
    panic_note: Option<PanicNote>,
    child: Option<Child>,
    books: Books<'r, O>,
    /// The child is careful: the parent's books are exact.
    careful: bool,
    killed: Option<Killed>,
    /// The ring holds what no sound child could have written.
    is_corrupt: bool,
    /// What follows in the ring counts no more: the item that was told to stop has ended by itself.
    is_over: bool,
    /// So many children of this seat were killed by somebody else before their state was made.
    lost_starts: usize,
    /// The child before the next one died, or was stopped at its item.
    is_again: bool,
    /// Bytes read from the child's ring.
    moved: u64,
}

/// What reading a ring brought.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Read {
    /// There may be more at once.
    pub(crate) more: bool,
    /// A claim arrived, or what came of one.
    pub(crate) work: bool,
    /// An output or a failure arrived.
    pub(crate) progress: bool,
}

impl<O> Seat<'_, O> {
    /// Has it a child that is at work?
    pub(crate) fn is_taken(&self) -> bool {
        self.child.is_some() && self.books.stage != Stage::Resting
    }

    /// Was it killed for its memory, and is not gone yet?
    pub(crate) fn is_dying_of_memory(&self) -> bool {
        self.child.is_some() && matches!(self.killed, Some(Killed::Memory(_)))
    }

    /// The child, unless we stopped it.
    pub(crate) fn living(&mut self) -> Option<&mut Child> {
        self.child.as_mut().filter(|_| self.killed.is_none())
    }

    /// The item in flight by the clock, where there is one.
    pub(crate) fn flight(&self) -> Option<Flight> {
        self.clock()?.look()
    }

    /// When the item in flight began, where that is noted.
    fn clock(&self) -> Option<Clock<'_>> {
        let clock = self.clock.as_ref();
        clock.map(|region| Clock::new(region.words(), false))
    }

    /// Has it not come to its first claim yet?
    pub(crate) fn is_starting(&self) -> bool {
        self.child.is_some() && matches!(self.books.stage, Stage::Born | Stage::Starting)
    }

    /// Is the child done with all that it claimed, as far as is known?
    pub(crate) fn is_idle(&self) -> bool {
        let Books {
            stage,
            chunk,
            dealt,
            ..
        } = &self.books;
        *stage == Stage::Working && chunk.is_none() && dealt.is_empty()
    }

    /// Does it work on what nobody needs?
    pub(crate) fn is_stray(&self) -> bool {
        self.child.is_some() && self.books.is_stray
    }

    /// So many claims of children that sat here were not admitted.
    pub(crate) fn strays(&self) -> usize {
        self.books.strays
    }

    /// No child that sat here was admitted to an item from this index on.
    pub(crate) fn reach(&self) -> usize {
        self.books.reach
    }

    pub(crate) fn child(&self) -> Option<&Child> {
        self.child.as_ref()
    }

    /// The descriptors by which we watch and hear the child.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = RawFd> {
        let child = self.child.as_ref();
        let both = [child.and_then(Child::pidfd), child.and_then(Child::stderr)];
        both.into_iter().flatten().map(|fd| fd.as_raw_fd())
    }
}

impl<'r, O: Portable> Seat<'r, O> {
    /// For worker `number`, whose times are since `base`.
    pub(crate) fn empty(number: usize, base: Instant) -> Self {
        Seat {
            ring: None,
            inbox: Inbox::new(),
            clock: None,
            panic_note: None,
            child: None,
            books: Books::new(number, base),
            careful: false,
            killed: None,
            is_corrupt: false,
            is_over: false,
            lost_starts: 0,
            is_again: false,
            moved: 0,
        }
    }

    /// Does the child take the place of one that died?
    pub(crate) fn is_again(&self) -> bool {
        self.is_again
    }

    /// The item in flight, as far as is known.
    pub(crate) fn position(&self) -> Option<usize> {
        let chunk = self.books.chunk.as_ref()?;
        (self.child.is_some() && !chunk.is_full()).then(|| chunk.position())
    }

    /// Makes the shared memory ready for a new child.
    pub(crate) fn prepare(&mut self, with_clock: bool) -> io::Result<()> {
        match &mut self.ring {
            Some(ring) => ring.renew(&mut self.inbox),
            None => {
                self.ring = Some(Ring::new(RING)?);
                self.panic_note = PanicNote::new()?;
            }
        }
        if let Some(note) = &self.panic_note {
            note.clear();
        }
        if with_clock && self.clock.is_none() {
            self.clock = Some(Region::new(Clock::BYTES)?);
        }
        if let Some(clock) = self.clock() {
            clock.item_ended();
        }
        // From its birth on: the parent may sleep before it looks at this ring for the first time.
        self.arm();
        Ok(())
    }

    /// Forks a child that runs `body`.
    pub(crate) fn spawn(
        &mut self,
        board: &Board,
        options: &SpawnOptions,
        (dealt, careful): (VecDeque<Chunk<'r, O>>, bool),
        also: &[(&Region, Access)],
        body: impl FnOnce(&Ring, Option<&Region>) -> i32,
    ) -> io::Result<()> {
        let Some(ring) = &self.ring else {
            return Err(io::Error::other("a seat without a ring"));
        };
        let mut lent = board.lent().to_vec();
        lent.push((ring.region(), Access::ReadWrite));
        lent.extend(self.clock.as_ref().map(|clock| (clock, Access::ReadWrite)));
        lent.extend(self.panic_note.as_ref().map(PanicNote::lent));
        lent.extend_from_slice(also);
        // SAFETY: `host::look` found no other thread, or the user has vouched for those that live
        // (`Fork::tolerate_threads`); likewise for writable shared memory. The body touches the board, its ring, its
        // clock, its panic note and what is lent beside, all lent, and owns no descriptor.
        let child = unsafe {
            spawn(&lent, board.gate(), options, || {
                if let Some(note) = &self.panic_note {
                    note.listen();
                }
                body(ring, self.clock.as_ref())
            })
        }?;
        self.child = Some(child);
        self.books.open(dealt);
        self.careful = careful;
        self.killed = None;
        self.is_corrupt = false;
        self.is_over = false;
        Ok(())
    }

    /// From now on, what the child sends promptly rings the bell. What waits already is read next.
    pub(crate) fn arm(&mut self) {
        if let Some(ring) = &self.ring {
            let _unread = self.inbox.arm(ring);
        }
    }

    /// Empties the pipe of its standard error, lest it is held up.
    pub(crate) fn hear(&mut self) {
        self.child.iter_mut().for_each(Child::hear);
    }

    /// Reads what has arrived, up to a limit.
    pub(crate) fn read(&mut self, run: &'r Run<O>) -> Read {
        let mut read = Read::default();
        let mut bytes = 0;
        let Some(ring) = self.ring.as_ref().filter(|_| !self.is_over) else {
            return read;
        };
        for _ in 0..BURST {
            match self.inbox.receive(ring) {
                Ok(Received::Nothing) => return read,
                Ok(Received::Record { kind, .. })
                    if ends_late_item(self.killed.as_ref(), &self.books, kind) =>
                {
                    self.is_over = true;
                    // Nobody is to rely on a worker whose code took the notice for itself.
                    self.child.iter().for_each(Child::kill);
                    return read;
                }
                Ok(Received::Record { kind, payload }) => {
                    if kind == record::FAILED {
                        // What it wrote before that, it wrote before it said so.
                        hear(self.child.as_mut(), &mut self.books);
                    }
                    read.progress |= matches!(kind, record::OUTPUT | record::FAILED);
                    read.work |= read.progress || kind == record::CLAIM;
                    bytes += payload.len();
                    self.moved += payload.len() as u64;
                    if self.books.enter(run, kind, payload).is_some() {
                        if bytes > BURST_BYTES {
                            break;
                        }
                        continue;
                    }
                }
                Ok(Received::Part {
                    kind,
                    payload,
                    open,
                }) => {
                    (read.progress, read.work) = (true, true);
                    bytes += payload.len();
                    self.moved += payload.len() as u64;
                    if self.books.enter(run, kind, payload).is_some() {
                        if open {
                            return read;
                        }
                        if bytes > BURST_BYTES {
                            break;
                        }
                        continue;
                    }
                }
                Err(_) => {}
            }
            self.is_corrupt = true;
            self.kill(Killed::Corrupt);
            return read;
        }
        read.more = true;
        read
    }

    pub(crate) fn kill(&mut self, why: Killed) {
        if let Some(child) = &self.child {
            match &self.killed {
                None => {
                    child.kill();
                    self.killed = Some(why);
                }
                // It has had a notice, and now there is no time for its grace.
                Some(Killed::Late(_)) => child.kill(),
                Some(_) => {}
            }
        }
    }

    /// Kills the child, since what it works on is not needed.
    pub(crate) fn dismiss(&mut self) {
        self.kill(Killed::Unneeded);
    }

    /// Tells the child to stop if its item takes too long, and kills it when it was told and its grace is over. How long
    /// until that is due, where it may be.
    pub(crate) fn stop_if_late(&mut self, patience: &Patience) -> Option<Duration> {
        let child = self.child.as_ref()?;
        match &self.killed {
            Some(Killed::Late(late)) => return late.enforce(child),
            Some(_) => return None,
            None => {}
        }
        let clock = self.clock()?;
        let (flight, now) = (clock.look()?, clock.now());
        if flight.begun() > now {
            // No sound child writes a time to come. It would never be late.
            self.kill(Killed::Corrupt);
            return None;
        }
        match patience.judge(child, flight, now) {
            Ok(left) => Some(left),
            Err(late) => {
                let left = late.enforce(child);
                self.killed = Some(Killed::Late(late));
                left
            }
        }
    }
}

/// Takes in what the child wrote to standard error, where that is captured.
fn hear<O: Portable>(child: Option<&mut Child>, books: &mut Books<'_, O>) {
    if let Some(child) = child {
        child.hear();
        books.words = child.last_words();
    }
}

/// Is this the record by which the item ends that was told to stop?
fn ends_late_item<O: Portable>(killed: Option<&Killed>, books: &Books<'_, O>, kind: u8) -> bool {
    let is_late = |late: &Late| {
        let chunk = books.chunk.as_ref();
        chunk.is_some_and(|chunk| !chunk.is_full() && late.is_item(chunk.position()))
    };
    match killed {
        Some(Killed::Late(late)) => {
            matches!(kind, record::OUTPUT | record::FAILED | record::AGAIN) && is_late(late)
        }
        _ => false,
    }
}
