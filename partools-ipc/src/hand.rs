//! A worker's part in one map: the chunks that it was given, what it answered, and what its end means.
//!
//! ```text
//!   queue:  [ chunk that is being answered | chunks that wait in the line, and may be withdrawn ]
//! ```
//! Invariant: what a worker says counts as far as it fits the first chunk of its queue, and no further.

mod books;
mod burial;
mod stopping;

pub(crate) use burial::Death;

use crate::pool::Slot;
use crate::seat::{Life, Seat};
use books::{Books, Entered};
use partools_core::wire::{Record, Request};
use partools_core::{Chunk, Portable, Run};
use partools_os::{Exit, Killed, Received};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// So many records, or bytes, are read from one ring before the next one has its turn.
const BURST: usize = 4096;
const BURST_BYTES: usize = 8 << 20;
/// So many chunks it may have before it has answered any, where they are small messages: what they take is not known, and may be
/// less than to wait for the next. Those that wait in vain are withdrawn.
const AT_FIRST: usize = 4;
/// A message of more bytes is sent before others are made, and none waits behind the first one.
const LARGE: usize = 4 << 10;
/// A chunk that takes less is so cheap that the worker would feel the wait for the next one; behind one that takes longer,
/// none waits.
const CHEAP: Duration = Duration::from_micros(500);
const DEAR: Duration = Duration::from_millis(2);
/// A worker that is still at its setup after that is not waited for, where another one could do its work.
const LONG_SETUP: Duration = Duration::from_millis(50);
/// A worker that has not said hello by then never will.
const HELLO_WITHIN: Duration = Duration::from_secs(10);

/// How far the map has come there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Opening,
    Open,
    Closing,
    Closed,
}

/// What reading a ring brought.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Read {
    /// There may be more at once.
    pub(crate) more: bool,
    /// An item was answered.
    pub(crate) progress: bool,
    /// It said anything at all.
    pub(crate) heard: bool,
}

/// A chunk on its way there.
struct Posted<'r, O> {
    ticket: u64,
    chunk: Chunk<'r, O>,
    /// Its first item has begun.
    begun: bool,
    /// It was posted alone, so that what is known of it is exact.
    careful: bool,
}

pub(crate) struct Hand<'r, 'p, O> {
    slot: Slot<'p>,
    pub(crate) seat: Seat,
    stage: Stage,
    queue: VecDeque<Posted<'r, O>>,
    /// How many chunks it may have at a time.
    depth: usize,
    /// When the chunk that is being answered was the first of the queue.
    since: Instant,
    /// When it was given this map.
    taken: Instant,
    /// It has begun with something.
    touched: bool,
    /// What begins with the map makes a state, which has something to drop: that may take its time, or fail.
    has_state: bool,
    /// So many items did it answer.
    answered: usize,
    /// It is to be given no more chunks of this map.
    is_leaving: bool,
    /// Since when it has been at what nobody needs.
    unneeded: Option<Instant>,
    /// Its memory is watched from now on.
    is_weighed: bool,
    killed: Option<Killed>,
    is_corrupt: bool,
    /// What follows in the ring counts no more: the item that was told to stop has ended by itself.
    is_over: bool,
    /// Bytes read from its ring.
    moved: u64,
    timed: bool,
}

impl<'r, 'p, O: Portable> Hand<'r, 'p, O> {
    /// A worker that was sent the opening of the map, which is `timed`, and `has_state`.
    pub(crate) fn new(slot: Slot<'p>, seat: Seat, (timed, has_state): (bool, bool)) -> Self {
        let now = Instant::now();
        let hand = Hand {
            slot,
            seat,
            stage: Stage::Opening,
            queue: VecDeque::new(),
            depth: AT_FIRST,
            since: now,
            taken: now,
            touched: false,
            has_state,
            answered: 0,
            is_leaving: false,
            unneeded: None,
            is_weighed: false,
            killed: None,
            is_corrupt: false,
            is_over: false,
            moved: 0,
            timed,
        };
        // From the beginning on: there may be one of the map before.
        hand.clock().item_ended();
        hand
    }

    pub(crate) fn number(&self) -> usize {
        self.slot.number
    }

    /// Can it be given chunks?
    fn is_sound(&self) -> bool {
        let is_open = matches!(self.stage, Stage::Opening | Stage::Open);
        is_open && self.killed.is_none() && !self.is_leaving
    }

    /// Has it nothing to do?
    pub(crate) fn is_free(&self) -> bool {
        self.is_sound() && self.queue.is_empty()
    }

    /// How many more chunks it may be given.
    pub(crate) fn room(&self) -> usize {
        let first = self.queue.front().map(|posted| posted.ticket);
        match self.is_sound() {
            true => self
                .seat
                .room(first)
                .min(self.depth.saturating_sub(self.queue.len())),
            false => 0,
        }
    }

    /// For how long has it been with this map?
    pub(crate) fn tenure(&self) -> Duration {
        self.taken.elapsed()
    }

    /// Gives it a chunk, as `request` has it.
    pub(crate) fn post(&mut self, mut chunk: Chunk<'r, O>, request: &Request, careful: bool) {
        chunk.given_to(self.number());
        let ticket = self.seat.post(request, careful);
        if request.as_bytes().len() > LARGE {
            self.seat.flush();
            if self.answered == 0 {
                self.depth = 1;
            }
        }
        if self.queue.is_empty() {
            self.since = Instant::now();
        }
        self.queue.push_back(Posted {
            ticket,
            chunk,
            begun: false,
            careful,
        });
    }

    /// Takes back the last chunk that it did not begin, which then can be claimed again. False where there is none.
    pub(crate) fn withdraw(&mut self) -> bool {
        let last = self.queue.back().filter(|posted| !posted.begun);
        let is_free = last.is_some_and(|posted| self.seat.desk.withdraw(posted.ticket));
        if is_free {
            drop(self.queue.pop_back());
        }
        is_free
    }

    /// It has been at its setup for a while, so that what it was given is not begun soon.
    pub(crate) fn is_held_up(&self) -> bool {
        matches!(self.seat.life, Life::SettingUp(since) if since.elapsed() > LONG_SETUP)
    }

    /// So many chunks wait behind the one that it is at.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.len().saturating_sub(1)
    }

    /// Nothing from here on is needed.
    pub(crate) fn publish(&mut self, bound: usize) {
        self.seat.desk.set_bound(bound);
        while self
            .queue
            .back()
            .is_some_and(|p| p.chunk.range().start >= bound)
            && self.withdraw()
        {}
    }

    /// Kills it if it is at something that nobody needs, and has not ended that after a grace. How long it still has.
    pub(crate) fn dismiss(&mut self, bound: usize, grace: Duration) -> Option<Duration> {
        let front = self.queue.front();
        if front.is_none_or(|posted| posted.chunk.position() < bound) {
            self.unneeded = None;
            return None;
        }
        let since = self.unneeded.get_or_insert_with(Instant::now);
        let left = grace.saturating_sub(since.elapsed());
        if left.is_zero() {
            self.kill(Killed::Unneeded);
            return None;
        }
        Some(left)
    }

    /// It is given no more chunks of this map; what waits there goes back.
    pub(crate) fn leave(&mut self) {
        self.is_leaving = true;
        while self.withdraw() {}
    }

    /// It is to leave, and has nothing to do any more.
    pub(crate) fn is_leaving(&self) -> bool {
        self.is_leaving && self.queue.is_empty()
    }

    /// Ends the map there. What it was given must be answered or withdrawn.
    pub(crate) fn close(&mut self) {
        if matches!(self.stage, Stage::Opening | Stage::Open) {
            self.seat.close();
            self.stage = Stage::Closing;
        }
    }

    /// It has let go of the map; or will, having nothing of it to drop, and there is no need to wait for that (`hasty`). Of a map
    /// that `is_stopped`, nobody is given back who is not set up: that may be what stopped it, and would stop the next one.
    pub(crate) fn is_done(&self, hasty: bool, is_stopped: bool) -> bool {
        let drops = self.touched && self.has_state;
        let is_early = hasty && !drops && self.stage == Stage::Closing;
        let is_doubtful = match self.seat.life {
            Life::Unfit => true,
            Life::SettingUp(_) => is_stopped,
            Life::Started => is_stopped && self.seat.has_setup,
            Life::Ready => false,
        };
        let is_early = is_early && !is_doubtful;
        self.killed.is_none() && !self.is_corrupt && (self.stage == Stage::Closed || is_early)
    }

    /// Gives the worker back to the pool.
    pub(crate) fn give_back(mut self) {
        self.seat.flush();
        if self.stage != Stage::Closed {
            self.seat.unconfirmed += 1;
        }
        self.slot.give_back(self.seat);
    }

    // ---- what it says

    /// Reads what has arrived, up to a limit.
    pub(crate) fn read(&mut self, run: &'r Run<O>) -> Read {
        let mut read = Read::default();
        let mut bytes = 0;
        for _ in 0..BURST {
            // What follows a record that cannot be may be about any item.
            if self.is_over || self.is_corrupt {
                return read;
            }
            let seat = &mut self.seat;
            let received = seat.inbox.receive(&seat.ring);
            // Nothing is behind a row that still grows.
            let is_last = matches!(received, Ok(Received::Part { open: true, .. }));
            let sound = match received {
                Ok(Received::Nothing) => return read,
                Ok(Received::Record { kind, payload } | Received::Part { kind, payload, .. }) => {
                    read.heard = true;
                    if kind == Record::Failed as u8 {
                        // What it wrote before that, it wrote before it said so.
                        seat.child.hear();
                    }
                    bytes += payload.len();
                    self.moved += payload.len() as u64;
                    let mut books = Books {
                        stage: &mut self.stage,
                        queue: &mut self.queue,
                        worker: self.slot.number,
                        life: &mut seat.life,
                        has_setup: seat.has_setup,
                        known: &mut seat.known,
                        unconfirmed: &mut seat.unconfirmed,
                        killed: self.killed.as_ref(),
                        touched: &mut self.touched,
                        answered: &mut self.answered,
                        is_over: &mut self.is_over,
                        child: &seat.child,
                    };
                    books.enter(run, kind, payload)
                }
                Err(_) => None,
            };
            match sound {
                Some(Entered::Nothing) => {}
                Some(Entered::Item) => read.progress = true,
                Some(Entered::Chunk) => self.chunk_ended(),
                None => {
                    self.is_corrupt = true;
                    self.kill(Killed::Corrupt);
                    return read;
                }
            }
            if self.is_over {
                // Nobody is to rely on a worker whose code took the notice for itself.
                self.seat.child.kill();
            }
            if is_last {
                return read;
            }
            if bytes > BURST_BYTES {
                break;
            }
        }
        read.more = true;
        read
    }

    /// A chunk was answered: how long it took says how many may wait there.
    fn chunk_ended(&mut self) {
        let now = Instant::now();
        let took = now.duration_since(self.since);
        self.since = now;
        if took < CHEAP {
            self.depth = (2 * self.depth).min(crate::desk::MOST);
        } else if took > DEAR {
            self.depth = 1;
        }
    }

    /// Has it ended?
    pub(crate) fn end(&mut self) -> Option<Exit> {
        self.seat.child.try_reap()
    }
}
