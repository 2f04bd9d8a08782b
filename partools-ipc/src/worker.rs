//! The far side: this executable, started again by [`Ipc`](crate::Ipc), serving one map after the other.
//!
//! ```text
//!   hello ── setup ── for each map: attach, unpack, answer requests, drop all of it ── until the line is cut, or nobody asks
//! ```
//! The items run on the main thread; the one other thread waits for the end of the parent (`partools_os::again`).

use crate::desk::{Desk, Ticket};
use crate::harden;
use crate::message::{CAREFUL, CLOSE, CLOSED, HELLO, OPEN, OPENED, Opening};
use crate::message::{READY, REFUSED, RELEASE, REQUEST, UNFIT};
use crate::segments::{Kept, Segments};
use crate::welcome::Welcome;
use partools_core::wire::{Outlet, Record, Server, Stretch};
use partools_os::image::Image;
use partools_os::{Attached, Bell, Clock, FarLine, Message, Producer, Ring, Urgency};
use partools_os::{again, flush_streams};
use std::cell::Cell;
use std::error::Error;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// Marks a worker process. It is the function that `main` calls, as a program that forgets it is told so by this name.
pub(crate) const MARK: &str = "partools::init";
/// Outputs of a chunk that takes long are told to the parent this often, also where nobody waits for them yet.
const TELL: Duration = Duration::from_millis(2);

/// Serves and never returns, where this process was started as a worker by [`Ipc`](crate::Ipc); elsewhere it returns at once, and
/// costs a look at the arguments of the program. To be called first in `main`, before there are threads or a runtime.
///
/// ```standalone_crate
/// use partools_core::over;
/// use partools_ipc::Ipc;
///
/// fn main() -> Result<(), partools_core::Error> {
///     partools_ipc::init();
///     let squares = over(0..100).map(|i| i * i).run(&Ipc::new().workers(2))?;
///     assert_eq!(squares[9], 81);
///     Ok(())
/// }
/// ```
pub fn init() {
    again::linked(MARK, serve);
}

fn serve(line: &mut FarLine, number: usize) -> Result<(), Box<dyn Error>> {
    let Some(Message { payload, files, .. }) = line.receive(None)? else {
        return Ok(());
    };
    let welcome = Welcome::from_bytes(&payload)?;
    Image::this()?.check(&welcome.identity)?;
    let [ring, desk, bell] =
        <[_; 3]>::try_from(files).map_err(|_| "a welcome without its memory")?;
    let (ring, desk, bell) = (
        Ring::attach(ring)?,
        Desk::attach(desk)?,
        Bell::attach(bell)?,
    );
    let mut worker = Worker {
        worker: number,
        line,
        desk: &desk,
        producer: ring.producer(&bell),
        kept: Kept::new(),
    };
    worker.send(HELLO, &[]);
    if welcome.has_setup() {
        let called = welcome
            .setup
            .as_ref()
            .map_or(Ok(()), |setup| setup.run(number));
        let done = called.and_then(|()| harden::enforce(&welcome.harden));
        flush_streams();
        match done {
            Ok(()) => worker.send(READY, &[]),
            Err(why) => {
                worker.send(UNFIT, why.as_bytes());
                return Err(why.into());
            }
        }
    }
    match worker.live(welcome.idle) {
        // The pool was dropped, or its process is gone.
        Err(why) if why.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        lived => Ok(lived?),
    }
}

struct Worker<'w> {
    worker: usize,
    line: &'w mut FarLine,
    desk: &'w Desk,
    producer: Producer<'w>,
    kept: Kept,
}

impl Worker<'_> {
    fn send(&mut self, kind: u8, payload: &[u8]) {
        put(&mut self.producer, kind, payload, Urgency::Prompt);
    }

    /// Until nobody asks for anything for so long.
    fn live(&mut self, idle: Option<Duration>) -> io::Result<()> {
        while let Some(message) = self.line.receive(idle)? {
            match message.kind {
                OPEN => self.serve_map(message)?,
                // Of a map that was refused.
                CLOSE => self.send(CLOSED, &[]),
                RELEASE => {
                    let id = message.payload.try_into().map(u64::from_le_bytes);
                    drop(id.map(|id| self.kept.remove(&id)));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Serves one map, up to its end.
    fn serve_map(&mut self, message: Message) -> io::Result<()> {
        let mut reached = Ok(None);
        let served = self.open(message, &mut reached);
        flush_streams();
        match (served, reached?) {
            (Err(why), None) => {
                self.kept.clear();
                self.send(REFUSED, why.to_string().as_bytes());
            }
            (Err(why), Some(())) => self.send(CLOSED, why.to_string().as_bytes()),
            (Ok(()), _) => self.send(CLOSED, &[]),
        }
        Ok(())
    }

    /// Attaches, answers, and drops all of it. `reached`: whether it was opened, and how the line ended where it did.
    fn open(
        &mut self,
        message: Message,
        reached: &mut io::Result<Option<()>>,
    ) -> Result<(), Box<dyn Error>> {
        let cut_off = "an opening that is cut off";
        let (&count, rest) = message.payload.split_first().ok_or(cut_off)?;
        let (sent, opening) = rest.split_at_checked(count.into()).ok_or(cut_off)?;
        let opening = Opening::from_bytes(opening)?;
        let mut files = message.files.into_iter();
        let segments = Segments::attach(&opening.segments, sent, &mut files, &mut self.kept)?;
        let long = files.next().map(whole).transpose()?;
        let head = long.as_deref().unwrap_or(&opening.head);
        let entry = Image::this()?.entry_at(opening.entry)?;
        let worker = self.worker;
        let served = entry.serve(head, &segments.slices(), worker, &mut |server| {
            *reached = self.answer(server, &opening).map(Some);
        });
        // As the parent would have it from a record.
        Ok(served.map_err(partools_core::Error::from)?)
    }

    /// Answers the requests of a map.
    fn answer(&mut self, server: &mut Server<'_>, opening: &Opening) -> io::Result<()> {
        // Told at once where somebody watches it from here on.
        let urgency = match opening.timed {
            true => Urgency::Prompt,
            false => Urgency::Lazy,
        };
        put(&mut self.producer, OPENED, &[], urgency);
        let clock = || Clock::new(self.desk.clock(), opening.with_cpu);
        let clock = opening.timed.then(clock);
        let mut is_broken = false;
        loop {
            let Some(message) = self.line.receive(None)? else {
                continue;
            };
            let of_no_map = || io::Error::other("a message that belongs to no map");
            match message.kind {
                REQUEST | CAREFUL => {}
                CLOSE => return Ok(()),
                _ => return Err(of_no_map()),
            }
            let (ticket, request) = message.payload.split_first_chunk().ok_or_else(of_no_map)?;
            // A worker that cannot go on does not make its state again and again.
            if is_broken {
                continue;
            }
            match self.desk.take(u64::from_le_bytes(*ticket)) {
                Ticket::Taken => {}
                Ticket::Withdrawn => continue,
                // As with a ring that was overwritten.
                Ticket::Overwritten => std::process::abort(),
            }
            let mut post = Post {
                desk: self.desk,
                producer: &mut self.producer,
                clock,
                told: Cell::new(Instant::now()),
                is_due: Cell::new(false),
                is_broken: false,
                is_careful: message.kind == CAREFUL,
            };
            server
                .answer(request, &mut post)
                .map_err(io::Error::other)?;
            is_broken = post.is_broken;
        }
    }
}

/// The bytes of a whole memory file.
fn whole(file: std::os::fd::OwnedFd) -> io::Result<Attached> {
    let file = std::fs::File::from(file);
    let len = usize::try_from(file.metadata()?.len()).map_err(|_| io::ErrorKind::OutOfMemory)?;
    Attached::sealed(file.into(), 0, len)
}

/// Sends the records of an answer.
struct Post<'p, 'w> {
    desk: &'p Desk,
    producer: &'p mut Producer<'w>,
    clock: Option<Clock<'p>>,
    /// When the parent was last told promptly.
    told: Cell<Instant>,
    is_due: Cell<bool>,
    is_broken: bool,
    /// What was said must be read before the item goes on.
    is_careful: bool,
}

impl Outlet for Post<'_, '_> {
    fn send(&mut self, record: Record, payload: &[u8]) {
        let urgency = match record {
            Record::Begin | Record::Worked => Urgency::Lazy,
            Record::Output if !self.is_due.take() => Urgency::Lazy,
            _ => Urgency::Prompt,
        };
        self.is_broken |= record == Record::Broken;
        if record == Record::End {
            // The map may return on this: what its items have written stands before what follows it there.
            flush_streams();
        }
        if self.is_careful {
            put(self.producer, record as u8, payload, Urgency::Prompt);
            settle(self.producer);
        } else {
            put(self.producer, record as u8, payload, urgency);
        }
    }

    /// Asked between pieces of work, so it may look at the time.
    fn needed(&self) -> usize {
        if self.told.get().elapsed() > TELL {
            self.told.set(Instant::now());
            self.is_due.set(true);
        }
        self.desk.bound()
    }

    fn begins(&mut self, place: usize) {
        if let Some(clock) = self.clock {
            clock.item_begins(place);
        }
    }

    fn rests(&mut self) {
        if let Some(clock) = self.clock {
            clock.item_ended();
        }
    }

    /// Where nobody must know more than that an item is done.
    fn gathers(&self) -> bool {
        self.clock.is_none() && !self.is_careful
    }

    #[inline]
    fn gather(&mut self, element: &[u8]) {
        if !self.producer.append(Record::Row as u8, element) {
            or_end(|| {
                self.producer.open_run(Record::Row as u8, element.len());
                assert!(self.producer.append(Record::Row as u8, element));
            });
        }
        if self.is_due.take() {
            self.producer.wake();
        }
    }

    fn room(&mut self, words: usize, elements: usize) -> Option<usize> {
        if self.is_due.take() {
            // Of what was made until now; what comes next may take its time.
            self.producer.wake();
        }
        let mut room = 1;
        or_end(|| room = self.producer.room(Record::Row as u8, words, elements));
        Some(room)
    }

    fn lend(&mut self) -> Option<Stretch<'_>> {
        self.producer.lend(Record::Row as u8)
    }
}

/// A ring that was overwritten cannot be trusted to tell even that, so the worker ends here, at once: unwinding would look like a
/// panic of the item.
fn put(producer: &mut Producer<'_>, kind: u8, payload: &[u8], urgency: Urgency) {
    or_end(|| producer.send(kind, payload, urgency));
}

/// Waits until what was sent is read.
fn settle(producer: &mut Producer<'_>) {
    or_end(|| producer.settle());
}

fn or_end(send: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(send)).is_err() {
        std::process::abort();
    }
}
