//! The child's side: the core's worker loop, claims from the shared counter, and outputs that go to the ring.
//!
//! Everything here runs in a forked child with one thread. It takes no lock of the parent's, and it never returns to
//! the parent's code: the process ends behind [`Worker::live`].

use crate::board::Board;
use crate::notes;
use crate::record;
use partools_core::wire::{Elements, Encoded, Encoder};
use partools_core::{Cause, Worker as Loop};
use partools_core::{
    Error, ItemError, Portable, Run, Schedule, Sink, Task, WorkerError, encode,
    enter_worker_process,
};
use partools_os::Clock;
use partools_os::{Limits, Producer, Urgency, Wear, flush_streams};
use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// A chunk that the parent hands to a child at its birth.
pub(crate) struct Deal {
    pub(crate) range: Range<usize>,
    pub(crate) attempt: u32,
}

/// What a child is born with.
pub(crate) struct Worker<'a, T: Task> {
    pub(crate) task: &'a T,
    pub(crate) run: &'a Run<T::Output>,
    /// How items are cut into chunks.
    pub(crate) schedule: &'a Schedule,
    pub(crate) number: usize,
    pub(crate) board: &'a Board,
    /// What times are told from.
    pub(crate) base: Instant,
    pub(crate) deals: &'a [Deal],
    pub(crate) clock: Option<Clock<'a>>,
    /// The child says when an item begins, and waits until the parent has read that, and what came of it: slow, but what
    /// the parent knows is then exact even if the child overwrites its ring.
    pub(crate) careful: bool,
    pub(crate) limits: &'a Limits,
    /// Flushing the standard streams takes locks, which a thread of the parent may have held at the fork.
    pub(crate) may_flush: bool,
}

impl<'a, T: Task> Worker<'a, T>
where
    T::Output: Portable,
{
    /// The life of the child; its exit code.
    pub(crate) fn live(self, producer: Producer<'_>) -> i32 {
        enter_worker_process();
        let mut post = self.post(producer);
        self.serve(&mut post);
        post.send(record::END, &[], Urgency::Prompt);
        0
    }

    pub(crate) fn post<'p>(&self, producer: Producer<'p>) -> Post<'p, T::Output>
    where
        'a: 'p,
    {
        Post {
            run: self.run,
            board: self.board,
            producer,
            clock: self.clock,
            encoder: Encoder::new(!self.careful && self.clock.is_none()),
            at: 0,
            end: 0,
            is_awaited: self.run.is_streaming() || self.run.is_kept(),
            careful: self.careful,
            wear: Wear::new(self.limits),
            unread: None,
        }
    }

    /// From the making of the state to its end. False where it could not go on.
    pub(crate) fn serve(&self, post: &mut Post<'_, T::Output>) -> bool {
        let worked = self.work(post);
        if let Err(error) = &worked {
            post.say(record::BROKEN, error);
        }
        if self.may_flush {
            flush_streams();
        }
        worked.is_ok()
    }

    /// Is there anything left to claim, now or when the window moves?
    pub(crate) fn may_claim(&self) -> bool {
        let next = usize::try_from(self.board.counter().load(Relaxed)).unwrap_or(usize::MAX);
        next < self.board.bound()
    }

    fn work(&self, post: &mut Post<'_, T::Output>) -> Result<(), WorkerError> {
        let mut worker = Loop::new(self.task, self.number, self.run.plan());
        let at_birth = notes::dirty_at_birth(self.run);
        post.send(record::STARTING, &[], Urgency::Lazy);
        worker.start()?;
        post.send(record::READY, &[], Urgency::Lazy);
        for deal in self.deals {
            worker.begin();
            self.answer(&mut worker, &deal.range, deal.attempt, post)?;
        }
        worker.begin();
        let mut reached = 0;
        while !post.wear.is_worn_out()
            && let Some(range) = self.claim(&mut worker, reached)
        {
            reached = range.end;
            self.answer(&mut worker, &range, 0, post)?;
        }
        if let Some(bytes) = at_birth.and_then(notes::dirtied) {
            post.send(record::DIRTIED, &bytes, Urgency::Lazy);
        }
        // The last chunk may have ended before its last item, which was the next to begin.
        post.rest();
        post.send(record::FINISHING, &[], Urgency::Lazy);
        worker.finish()
    }

    /// Works on a chunk, as far as a worker does in its life, and says how long it took where somebody looks on. What it
    /// leaves goes back to the parent.
    fn answer(
        &self,
        worker: &mut Loop<&T>,
        range: &Range<usize>,
        attempt: u32,
        post: &mut Post<'_, T::Output>,
    ) -> Result<(), WorkerError> {
        if post.wear.is_worn_out() {
            return Ok(());
        }
        // The claim is told whole, so that the parent knows what comes back.
        post.begin(range);
        let most = post.wear.items_left();
        let range = range.start..range.end.min(range.start.saturating_add(most));
        let begun = self.run.is_observed().then(Instant::now);
        worker.run(range.clone(), attempt, post)?;
        if let Some(begun) = begun {
            let slowest = worker.take_slowest();
            let worked = notes::worked(range.start..post.at, begun, self.base, slowest);
            post.send(record::WORKED, &worked, Urgency::Lazy);
        }
        Ok(())
    }

    /// Claims the next chunk, behind `reached`; sleeps while the window is full. A counter that went back was overwritten:
    /// the child goes home, rather than do all again (and overwrite it again, if it was the one).
    fn claim(&self, worker: &mut Loop<&T>, reached: usize) -> Option<Range<usize>> {
        let board = self.board;
        let next = || usize::try_from(board.counter().load(Relaxed)).unwrap_or(usize::MAX);
        loop {
            if let Some(range) = self
                .schedule
                .claim(board.counter(), board.limit(), worker.pace())
            {
                return Some(range).filter(|range| range.start >= reached);
            }
            if next() >= board.bound() {
                return None;
            }
            board.wait_until(|| next() < board.limit() || next() >= board.bound());
            worker.begin();
        }
    }
}

/// Sends outputs and failures to the parent.
pub(crate) struct Post<'a, O> {
    run: &'a Run<O>,
    board: &'a Board,
    producer: Producer<'a>,
    pub(crate) clock: Option<Clock<'a>>,
    pub(crate) encoder: Encoder,
    /// The items of the chunk that are not answered yet.
    pub(crate) at: usize,
    pub(crate) end: usize,
    /// Somebody waits for what is finished, however much there is of it.
    is_awaited: bool,
    pub(crate) careful: bool,
    /// Whether this worker should end and be replaced.
    pub(crate) wear: Wear,
    /// Where items are sent: why the next one could not be read, where that is all that is wrong with it.
    pub(crate) unread: Option<&'a Cell<Option<Cause>>>,
}

impl<O: Portable> Post<'_, O> {
    /// Sends a record. A careful child then waits until it is read, since the user's code may overwrite it; it need not
    /// where nothing is at stake yet. (That the wait succeeds also shows that the ring was whole.)
    ///
    /// A ring that was overwritten cannot be trusted to tell even that, so the child ends here, at once: unwinding
    /// would look like a panic of the item.
    pub(crate) fn send(&mut self, kind: u8, payload: &[u8], urgency: Urgency) {
        let producer = &mut self.producer;
        let before_items = matches!(kind, record::STARTING | record::READY | record::CLAIM);
        let settles = self.careful && !before_items;
        let sending = AssertUnwindSafe(|| {
            producer.send(
                kind,
                payload,
                if settles { Urgency::Prompt } else { urgency },
            );
            if settles {
                producer.settle();
            }
        });
        if catch_unwind(sending).is_err() {
            std::process::abort();
        }
    }

    /// Sends something of the core's own types, at once.
    fn say<V: Portable>(&mut self, kind: u8, value: &V) {
        let mut scratch = Vec::new();
        let bytes = encode(value, &mut scratch).unwrap_or_default();
        self.send(kind, bytes, Urgency::Prompt);
    }

    /// A chunk begins.
    fn begin(&mut self, range: &Range<usize>) {
        (self.at, self.end) = (range.start, range.end);
        self.send(record::CLAIM, &record::claim(range), Urgency::Lazy);
        self.item_begins();
    }

    fn item_begins(&mut self) {
        if self.careful {
            self.send(record::ITEM, &[], Urgency::Prompt);
        }
        if let Some(clock) = self.clock {
            clock.item_begins(self.at);
        }
    }

    /// No item is in flight any more, nor will be for now.
    fn rest(&self) {
        if let Some(clock) = self.clock {
            clock.item_ended();
        }
    }

    /// Appends an output to the row that is open, or to a new one.
    #[inline]
    fn append(&mut self, element: &[u8]) {
        if !self.producer.append(record::ROW, element) {
            self.open_row(element);
        }
    }

    #[cold]
    fn open_row(&mut self, element: &[u8]) {
        let producer = &mut self.producer;
        let opening = AssertUnwindSafe(|| {
            producer.open_run(record::ROW, element.len());
            producer.append(record::ROW, element)
        });
        if !matches!(catch_unwind(opening), Ok(true)) {
            std::process::abort();
        }
    }

    /// Is the parent to be woken for this output, behind which the next item is that at `at`?
    fn is_urgent(&self, output: &O) -> bool {
        self.at >= self.end && self.is_awaited || self.run.is_last_needed(output)
    }

    /// An item that could not be read made no output, which says less.
    fn with_reason(&self, error: ItemError) -> ItemError {
        match self.unread.and_then(Cell::take) {
            Some(cause) => ItemError::new(error.index(), error.attempt(), cause),
            None => error,
        }
    }

    /// Runs `send` between the end of one item and the beginning of the next.
    fn between_items(&mut self, send: impl FnOnce(&mut Self)) {
        self.rest();
        self.wear.did(1);
        self.at += 1;
        send(self);
        if self.at < self.end {
            self.item_begins();
        }
    }
}

impl<O: Portable> Sink<O> for Post<'_, O> {
    #[inline]
    fn push(&mut self, output: O) {
        if let Some(element) = self.encoder.element(&output) {
            // The short way. No clock, and nobody careful, who would have to know where items begin and end.
            self.wear.did(1);
            self.at += 1;
            self.append(element);
            if self.is_urgent(&output) {
                self.producer.wake();
            }
            return;
        }
        let mut encoder = std::mem::take(&mut self.encoder);
        self.between_items(|post| match encoder.encode(&output) {
            Ok(Encoded::Element(element)) => {
                post.append(element);
                if post.is_urgent(&output) {
                    post.producer.wake();
                }
            }
            Ok(Encoded::Record(bytes)) => {
                let urgency = match post.is_urgent(&output) {
                    true => Urgency::Prompt,
                    false => Urgency::Lazy,
                };
                post.send(record::OUTPUT, bytes, urgency);
            }
            Err(error) => post.say(
                record::FAILED,
                &ItemError::new(0, 0, Cause::NotPortable(error)),
            ),
        });
        self.encoder = encoder;
        if std::mem::needs_drop::<O>()
            // The output is with the parent now; what its copy here does when it is dropped changes nothing.
            && let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(output)))
        {
            std::mem::forget(payload);
        }
    }

    fn room(&mut self, items: usize) -> Option<usize> {
        let words = self.encoder.words::<O>()?;
        let producer = &mut self.producer;
        let opening = AssertUnwindSafe(|| producer.room(record::ROW, words, items));
        match catch_unwind(opening) {
            Ok(room) => Some(room),
            Err(_) => std::process::abort(),
        }
    }

    fn lend(&mut self, items: usize) -> Elements<'_, O> {
        match self.producer.lend(record::ROW) {
            Some(stretch) => Elements::new(stretch, items),
            None => Elements::none(),
        }
    }

    /// None of them was the last one needed: only an `Err` is, which is not plain.
    fn took(&mut self, items: usize) {
        self.wear.did(items);
        self.at += items;
        if self.at >= self.end && self.is_awaited {
            self.producer.wake();
        }
    }

    fn fail(&mut self, error: ItemError) {
        let error = self.with_reason(error);
        self.between_items(|post| post.say(record::FAILED, &error));
    }

    fn retried(&mut self, error: &ItemError) {
        if self.run.is_observed() {
            match self.unread.and_then(Cell::take) {
                Some(cause) => {
                    let error = ItemError::new(error.index(), error.attempt(), cause);
                    self.say(record::RETRIED, &error);
                }
                None => self.say(record::RETRIED, error),
            }
        }
    }

    fn needed(&self) -> usize {
        match self.wear.is_worn_out() {
            true => 0,
            false => self.board.bound(),
        }
    }

    fn rests(&mut self, attempt: u32) {
        self.rest();
        self.send(record::AGAIN, &attempt.to_ne_bytes(), Urgency::Lazy);
    }

    fn goes_on(&mut self) {
        self.item_begins();
    }
}

/// What the parent makes of a [`record::BROKEN`].
pub(crate) fn broken(payload: &[u8]) -> Error {
    match partools_core::decode::<WorkerError>(payload) {
        Ok(error) => error.into(),
        Err(error) => Error::executor(format!("a worker could not go on, nor say why: {error}")),
    }
}
