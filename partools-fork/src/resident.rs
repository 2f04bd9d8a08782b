//! The life of a child that lives from window to window of a stream: a round for each, which is all that the
//! [life of another](crate::worker) is; then it rests, until it is called to the next.
//!
//! ```text
//!   born ─> round: STARTING READY (CLAIM ..)* FINISHING REST ─> asleep ─> round: .. REST ─> ... ─> killed while it rests
//!                                                    END ─> gone: it has served long enough, or cannot go on
//! ```
//! What it has of its birth is the task and what all windows have in common; items, their number and how they are cut come
//! from the parent.

use crate::record;
use crate::sheet::Sheet;
use crate::window::Window;
use crate::worker::{Post, Worker};
use partools_core::{Cause, Persistent, Portable, Span, StartError, Task, Writer};
use partools_core::{enter_worker_process, wire::Encoder};
use partools_os::{Producer, Urgency};
use std::cell::Cell;

/// A window as the parent sees it.
pub(crate) type Near<'a, T> =
    &'a dyn Persistent<State = <T as Task>::State, Output = <T as Task>::Output>;

/// What a child that will live on is born with.
pub(crate) struct Resident<'a, T: Task> {
    /// For its first round.
    pub(crate) worker: Worker<'a, T>,
    pub(crate) near: Near<'a, T>,
    pub(crate) window: &'a Window,
    pub(crate) sheet: &'a Sheet,
}

impl<T: Task> Resident<'_, T>
where
    T::Output: Portable,
{
    /// The life of the child; its exit code.
    pub(crate) fn live(self, producer: Producer<'_>) -> i32 {
        enter_worker_process();
        let unread = Cell::new(None);
        let mut post = self.worker.post(producer);
        post.unread = Some(&unread);
        let seat = self.worker.number;
        let mut round = self.sheet.round(seat);
        while self.round(&mut post, &unread) {
            post.send(record::REST, &[], Urgency::Prompt);
            self.sheet.wait(seat, round);
            round = self.sheet.round(seat);
        }
        post.send(record::END, &[], Urgency::Prompt);
        0
    }

    /// A round. False where it was the last.
    fn round(&self, post: &mut Post<'_, T::Output>, unread: &Cell<Option<Cause>>) -> bool {
        let extent = self.window.extent();
        let (careful, deals) = self.sheet.read(self.worker.number);
        post.careful = careful;
        post.encoder = Encoder::new(!careful && post.clock.is_none());
        (post.at, post.end) = (0, 0);
        let task = Sent {
            task: self.worker.task,
            near: self.near,
            window: self.window,
            first: extent.first,
            count: extent.schedule[0],
            unread,
        };
        let schedule = self.worker.schedule.with_extent(extent.schedule);
        let worker = Worker {
            task: &task,
            schedule: &schedule,
            deals: &deals,
            careful,
            run: self.worker.run,
            number: self.worker.number,
            board: self.worker.board,
            base: self.worker.base,
            clock: self.worker.clock,
            limits: self.worker.limits,
            may_flush: self.worker.may_flush,
        };
        // Called too late to do anything: no state need be made.
        if deals.is_empty() && !worker.may_claim() {
            return true;
        }
        let is_well = worker.serve(post);
        is_well && !post.wear.is_worn_out()
    }
}

/// The task, on items that were sent.
struct Sent<'a, T: Task> {
    task: &'a T,
    near: Near<'a, T>,
    window: &'a Window,
    first: usize,
    count: usize,
    /// Why the item that comes next could not be read.
    unread: &'a Cell<Option<Cause>>,
}

impl<T: Task> Task for Sent<'_, T> {
    type State = T::State;
    type Output = T::Output;

    fn count(&self) -> usize {
        self.count
    }
    fn start(&self, worker: usize) -> Result<T::State, StartError> {
        self.task.start(worker)
    }
    fn call_chunk(&self, state: &mut T::State, span: &Span, out: &mut Writer<'_, T::Output>) {
        self.unread.set(None);
        let fetch = &mut |position, bytes: &mut Vec<u8>| self.window.fetch(position, bytes);
        self.unread
            .set(self.near.call(state, span, self.first, fetch, out));
    }
}
