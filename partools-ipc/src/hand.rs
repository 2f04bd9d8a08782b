//! A worker's part in one map: the chunks that it was given, what it answered, and what its end means.
//!
//! ```text
//!   queue:  [ chunk that is being answered | chunks that wait in the line, and may be withdrawn ]
//! ```
//! Invariant: what a worker says counts as far as it fits the first chunk of its queue, and no further.

use crate::message::{CLOSED, HELLO, OPENED, REFUSED};
use crate::pool::Slot;
use crate::seat::Seat;
use partools_core::wire::{Record, Request, accept};
use partools_core::{
    Cause, Chunk, Error, Event, ItemError, Portable, Run, WorkerError, decode, encode,
};
use partools_os::{Child, Clock, Exit, Flight, Killed, Late, Patience, Received, signal_name};
use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// So many records, or bytes, are read from one ring before the next one has its turn.
const BURST: usize = 4096;
const BURST_BYTES: usize = 8 << 20;
/// A chunk that takes less is so cheap that the worker would feel the wait for the next one; behind one that takes longer,
/// none waits.
const CHEAP: Duration = Duration::from_micros(500);
const DEAR: Duration = Duration::from_millis(2);
/// A worker that has not said hello by then never will.
const HELLO_WITHIN: Duration = Duration::from_secs(10);
const OVERWROTE: &str = "overwrote the memory through which its worker reports";

/// How far the map has come there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Opening,
    Open,
    Closing,
    Closed,
}

/// What a worker's end means for the map.
#[derive(Debug)]
pub(crate) enum Death {
    /// By itself, or because there was no more use for it.
    Clean,
    /// The item in flight is known and was blamed.
    Blamed,
    /// It was killed because there was too little memory for all of them.
    Crowded,
    /// No item was in flight.
    BetweenItems,
    /// Which item was in flight is not known for sure.
    Doubtful,
    /// Somebody else killed it before it served.
    Slain,
    /// It never came to serve: why, as far as that is known.
    Stillborn(String),
}

/// What reading a ring brought.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Read {
    /// There may be more at once.
    pub(crate) more: bool,
    /// An item was answered.
    pub(crate) progress: bool,
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
    /// It has begun with something, so that it has a state to drop.
    touched: bool,
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
    /// A worker that was sent the opening of the map.
    pub(crate) fn new(slot: Slot<'p>, seat: Seat, timed: bool) -> Self {
        let now = Instant::now();
        let hand = Hand {
            slot,
            seat,
            stage: Stage::Opening,
            queue: VecDeque::new(),
            depth: 1,
            since: now,
            taken: now,
            touched: false,
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

    /// Chunks wait behind the one that it is at.
    pub(crate) fn has_waiting(&self) -> bool {
        self.queue.len() > 1
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

    /// It has let go of the map; or will, having begun nothing of it, and there is no need to wait for that (`hasty`).
    pub(crate) fn is_done(&self, hasty: bool) -> bool {
        let is_early = hasty && !self.touched && self.stage == Stage::Closing;
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
            let sound = match seat.inbox.receive(&seat.ring) {
                Ok(Received::Nothing) => return read,
                Ok(Received::Record { kind, payload }) => {
                    if kind == Record::Failed as u8 {
                        // What it wrote before that, it wrote before it said so.
                        seat.child.hear();
                    }
                    bytes += payload.len();
                    self.moved += payload.len() as u64;
                    let mut books = Books {
                        stage: &mut self.stage,
                        queue: &mut self.queue,
                        is_there: &mut seat.is_there,
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

    // ---- how it is stopped, and ends

    pub(crate) fn kill(&mut self, why: Killed) {
        match &self.killed {
            None => {
                self.seat.child.kill();
                self.killed = Some(why);
            }
            // It has had a notice, and now there is no time for its grace.
            Some(Killed::Late(_)) => self.seat.child.kill(),
            Some(_) => {}
        }
    }

    /// The worker, unless it was stopped or has not yet begun; it is weighed when it begins.
    pub(crate) fn weighed(&mut self) -> Option<&mut Child> {
        if self.killed.is_some() || self.stage == Stage::Opening {
            return None;
        }
        if !std::mem::replace(&mut self.is_weighed, true) {
            self.seat.child.weigh();
        }
        Some(&mut self.seat.child)
    }

    pub(crate) fn is_dying_of_memory(&self) -> bool {
        matches!(self.killed, Some(Killed::Memory(_)))
    }

    fn clock(&self) -> Clock<'_> {
        Clock::new(self.seat.desk.clock(), false)
    }

    /// The item in flight by the clock, where that is kept.
    pub(crate) fn flight(&self) -> Option<Flight> {
        self.clock().look().filter(|_| self.timed)
    }

    /// Kills a worker that was started and never said hello. How long until that is due, where it may be.
    pub(crate) fn await_hello(&mut self) -> Option<Duration> {
        let left = HELLO_WITHIN.saturating_sub(self.seat.born.elapsed());
        if self.seat.is_there {
            return None;
        }
        if left.is_zero() {
            self.seat.child.kill();
        }
        Some(left.max(Duration::from_millis(1)))
    }

    /// Tells it to stop if its item takes too long, and kills it when it was told and its grace is over. How long until that is
    /// due, where it may be.
    pub(crate) fn stop_if_late(&mut self, patience: &Patience) -> Option<Duration> {
        match &self.killed {
            Some(Killed::Late(late)) => return late.enforce(&self.seat.child),
            Some(_) => return None,
            None => {}
        }
        let (flight, now) = (self.flight()?, self.clock().now());
        if flight.begun() > now {
            // No sound worker writes a time to come. It would never be late.
            self.kill(Killed::Corrupt);
            return None;
        }
        match patience.judge(&self.seat.child, flight, now) {
            Ok(left) => Some(left),
            Err(late) => {
                let left = late.enforce(&self.seat.child);
                self.killed = Some(Killed::Late(late));
                left
            }
        }
    }

    /// Has it ended?
    pub(crate) fn end(&mut self) -> Option<Exit> {
        self.seat.child.try_reap()
    }

    /// It has ended: settles its books. Its chunks go back to the run, or their item in flight is blamed.
    pub(crate) fn bury(
        mut self,
        run: &'r Run<O>,
        exit: Exit,
        pardoned: &mut BTreeSet<usize>,
    ) -> Death {
        self.seat.child.hear();
        while !self.is_corrupt && self.read(run).more {}
        // One that trips over its own ring may do so long after the item that overwrote it.
        self.is_corrupt |= !self.seat.inbox.is_intact(&self.seat.ring);
        let front = self.queue.pop_front();
        self.queue.clear();
        self.tell_end(run, exit, front.as_ref());
        if matches!(self.killed, Some(Killed::Unneeded)) || run.is_stopped() {
            if let Some(posted) = front.filter(|posted| posted.begun) {
                posted.chunk.stopped();
            }
            return Death::Clean;
        }
        if !self.seat.is_there && !self.is_corrupt {
            // Somebody else killed it, unless it was we who had waited long enough.
            let is_victim = is_kill(exit) && self.seat.born.elapsed() < HELLO_WITHIN;
            return match is_victim {
                true => Death::Slain,
                false => Death::Stillborn(self.why_stillborn(exit)),
            };
        }
        // SIGKILL is nobody's own fault: it comes from the system when memory runs out, or from an operator.
        let from_outside =
            is_kill(exit) && !matches!(self.killed, Some(Killed::Corrupt | Killed::Memory(_)));
        if matches!(&self.killed, Some(Killed::Memory(hog)) if hog.is_crowded_out()) {
            return Death::Crowded;
        }
        match (self.stage, front) {
            // Its outputs are all there.
            (Stage::Closed, _) => Death::Clean,
            (Stage::Closing, _) if from_outside || !self.touched => Death::Clean,
            (Stage::Closing, _) => {
                let (number, ended) = (self.number(), self.ended(exit));
                let what = format!("dropping the state of worker {number}: its process {ended}");
                run.abort(WorkerError::task(what));
                Death::Clean
            }
            (_, Some(posted)) if self.is_corrupt && !(posted.careful && posted.begun) => {
                Death::Doubtful
            }
            (_, Some(posted)) if posted.begun && !posted.chunk.is_full() => {
                self.blame(posted.chunk, exit, pardoned)
            }
            _ if self.is_corrupt => Death::Doubtful,
            // It took its first request, and has begun no item: it died while making its state.
            (Stage::Open, Some(posted))
                if !self.touched && self.seat.desk.is_taken(posted.ticket) && !from_outside =>
            {
                let why = format!("its process {}", self.ended(exit));
                run.abort(WorkerError::start(self.number(), why.into()));
                Death::Clean
            }
            // Nobody had asked for anything for so long that it went, and then somebody did.
            (Stage::Opening, _) if exit == Exit::Code(0) => Death::Clean,
            _ => Death::BetweenItems,
        }
    }

    fn why_stillborn(&self, exit: Exit) -> String {
        let words = self.seat.line.last_words();
        let ended = match self.seat.born.elapsed() >= HELLO_WITHIN {
            true => format!("did not answer within {HELLO_WITHIN:?}"),
            false => self.ended(exit),
        };
        match words.is_empty() {
            true => ended,
            false => format!("{ended}: {words}"),
        }
    }

    /// Tells observers how it ended.
    fn tell_end(&mut self, run: &Run<O>, exit: Exit, front: Option<&Posted<'r, O>>) {
        if !run.is_observed() {
            return;
        }
        let worker = self.number();
        let at = front.filter(|posted| posted.begun && !posted.chunk.is_full());
        let item = at.map(|posted| run.item_at(posted.chunk.position()));
        run.note(Event::Moved {
            bytes: std::mem::take(&mut self.moved),
            worker: Some(worker),
        });
        let is_unneeded = matches!(self.killed, Some(Killed::Unneeded));
        let why = format!("its process {}", self.ended(exit));
        run.note(match &self.killed {
            _ if is_unneeded || run.is_stopped() => Event::WorkerEnded { worker },
            Some(Killed::Late(late)) => Event::WorkerStopped {
                worker,
                item,
                why: late.why(),
            },
            Some(Killed::Memory(hog)) => Event::WorkerStopped {
                worker,
                item,
                why: hog.why(),
            },
            _ => Event::WorkerDied {
                worker,
                item,
                why: &why,
            },
        });
    }

    /// As in "its process ...".
    fn ended(&self, exit: Exit) -> String {
        match (&self.killed, exit) {
            (Some(Killed::Corrupt), _) => OVERWROTE.to_owned(),
            (Some(Killed::Memory(hog)), _) => {
                format!("was killed: {} ({})", hog.why(), hog.excess().bound)
            }
            (_, Exit::Code(code)) => format!("ended with exit code {code}"),
            (_, Exit::Signal { .. }) => format!("was {exit}"),
            (_, Exit::Unknown) => "was lost, and its cause with it".to_owned(),
        }
    }

    /// It died with an item in flight.
    fn blame(&self, chunk: Chunk<'r, O>, exit: Exit, pardoned: &mut BTreeSet<usize>) -> Death {
        let at = chunk.position();
        let cause = match &self.killed {
            // It was on its way to the next item when the notice reached it: that one is innocent.
            Some(Killed::Late(late)) if !late.is_item(at) => return Death::BetweenItems,
            Some(Killed::Late(late)) => late.cause(Some(self.clock())),
            Some(Killed::Memory(hog)) if !hog.is_item(at) => return Death::BetweenItems,
            // Those before it may have left the memory behind: once it is called again, by a fresh worker.
            Some(Killed::Memory(_)) if self.answered > 0 && pardoned.insert(at) => {
                return Death::Clean;
            }
            Some(Killed::Memory(hog)) => hog.excess().cause(),
            Some(Killed::Corrupt) if is_kill(exit) || exit == Exit::Unknown => Cause::Lost {
                why: format!("it {OVERWROTE}"),
            },
            _ => Cause::from(exit),
        };
        chunk.lost_saying(cause, self.seat.child.last_words());
        Death::Blamed
    }
}

/// What one record brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entered {
    Nothing,
    Item,
    /// A chunk is answered.
    Chunk,
}

/// What a record changes.
struct Books<'h, 'r, O> {
    stage: &'h mut Stage,
    queue: &'h mut VecDeque<Posted<'r, O>>,
    is_there: &'h mut bool,
    unconfirmed: &'h mut usize,
    killed: Option<&'h Killed>,
    touched: &'h mut bool,
    answered: &'h mut usize,
    is_over: &'h mut bool,
    child: &'h Child,
}

impl<O: Portable> Books<'_, '_, O> {
    /// Enters one record. `None` where a sound worker could not have sent it.
    fn enter(&mut self, run: &Run<O>, kind: u8, payload: &[u8]) -> Option<Entered> {
        match kind {
            HELLO => *self.is_there = true,
            // Of a map that began nothing there: nobody waited for this.
            OPENED | REFUSED if *self.unconfirmed > 0 => {}
            CLOSED if *self.unconfirmed > 0 => *self.unconfirmed -= 1,
            OPENED => *self.stage = (*self.stage).max_open(),
            REFUSED => run.abort(Error::executor(format!(
                "a worker process cannot serve this map: {}",
                String::from_utf8_lossy(payload)
            ))),
            CLOSED => {
                if !payload.is_empty() {
                    run.abort(Error::executor(String::from_utf8_lossy(payload)));
                }
                *self.stage = Stage::Closed;
            }
            _ => return self.record(run, Record::from_byte(kind)?, payload),
        }
        Some(Entered::Nothing)
    }

    /// A record of an answer.
    fn record(&mut self, run: &Run<O>, record: Record, payload: &[u8]) -> Option<Entered> {
        let posted = self.queue.front_mut()?;
        let is_item = matches!(record, Record::Output | Record::Failed);
        if posted.begun == (record == Record::Begin) {
            return None;
        }
        let is_late = |late: &Late| late.is_item(posted.chunk.position());
        if is_item && matches!(self.killed, Some(Killed::Late(late)) if is_late(late)) {
            *self.is_over = true;
            return Some(Entered::Nothing);
        }
        let told = match record {
            Record::Failed => with_words(payload, self.child),
            _ => None,
        };
        let payload = told.as_deref().unwrap_or(payload);
        match accept(record, payload, &mut posted.chunk) {
            Ok(false) if is_item => {
                *self.answered += 1;
                Some(Entered::Item)
            }
            Ok(false) => {
                // Its beginning was about the items that it was asked for.
                (posted.begun, *self.touched) = (true, true);
                Some(Entered::Nothing)
            }
            Ok(true) => {
                drop(self.queue.pop_front());
                Some(Entered::Chunk)
            }
            Err(why) if record == Record::Broken => {
                run.abort(why);
                drop(self.queue.pop_front());
                Some(Entered::Chunk)
            }
            Err(_) => None,
        }
    }
}

/// The failure of an item with what its worker wrote to standard error, where that is captured.
fn with_words(payload: &[u8], child: &Child) -> Option<Vec<u8>> {
    let words = child.last_words()?;
    let failure = decode::<ItemError>(payload).ok()?.with_stderr(&words);
    let mut scratch = Vec::new();
    let told = encode(&failure, &mut scratch);
    told.ok().map(<[u8]>::to_vec)
}

impl Stage {
    /// Open, unless it is being closed already.
    fn max_open(self) -> Stage {
        match self {
            Stage::Opening => Stage::Open,
            later => later,
        }
    }
}

/// Was it the signal that we kill with?
fn is_kill(exit: Exit) -> bool {
    matches!(exit, Exit::Signal { number, .. } if signal_name(number) == Some("SIGKILL"))
}
