//! One place for a child: its ring, what it is working on as far as the parent knows, and how it ends.

use crate::board::Board;
use crate::record;
use crate::worker::{Clock, broken};
use partools_core::{Cause, Chunk, ItemError, Portable, Run, WorkerError, decode};
use partools_os::{
    Access, Child, Exit, Inbox, Received, Region, Ring, SpawnOptions, signal_name, spawn,
};
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// The size of a ring: large enough that the parent need not wake often, small enough to stay in cache.
const RING: usize = 1 << 20;
/// So many records are read from one ring before the next one has its turn.
const BURST: usize = 4096;

pub(crate) struct Seat<'r, O> {
    ring: Option<Ring>,
    inbox: Inbox,
    /// When the item in flight began; only where the plan has an item timeout.
    clock: Option<Region>,
    child: Option<Child>,
    stage: Stage,
    /// What the child works on.
    chunk: Option<Chunk<'r, O>>,
    /// What it was handed at its birth and did not begin yet.
    dealt: VecDeque<Chunk<'r, O>>,
    /// The child is careful: the parent's books are exact.
    careful: bool,
    /// A careful child said that the item in flight began.
    begun: bool,
    killed: Option<Killed>,
    /// The ring holds what no sound child could have written.
    is_corrupt: bool,
}

/// How far a child has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Born,
    Starting,
    Working,
    Finishing,
    Ended,
}

/// Why we killed a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Killed {
    /// What it worked on was not needed.
    Unneeded,
    /// Its item, begun at this time, ran too long.
    Late(u64),
    /// Its ring was overwritten.
    Corrupt,
}

/// What a child's end means for the crew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// By itself, or because we had no more use for it.
    Clean,
    /// The item in flight is known and was blamed.
    Blamed,
    /// No item was in flight.
    BetweenItems,
    /// Which item was in flight is not known for sure.
    Doubtful,
}

/// What reading a ring brought.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Read {
    /// There may be more at once.
    pub(crate) more: bool,
    /// An output or a failure arrived.
    pub(crate) progress: bool,
}

impl<O> Seat<'_, O> {
    pub(crate) fn is_taken(&self) -> bool {
        self.child.is_some()
    }

    /// Has it not come to its first claim yet?
    pub(crate) fn is_starting(&self) -> bool {
        self.child.is_some() && matches!(self.stage, Stage::Born | Stage::Starting)
    }

    pub(crate) fn child(&self) -> Option<&Child> {
        self.child.as_ref()
    }

    /// The descriptor by which we watch the child.
    pub(crate) fn descriptor(&self) -> Option<RawFd> {
        self.child.as_ref()?.pidfd().map(|fd| fd.as_raw_fd())
    }
}

impl<'r, O: Portable> Seat<'r, O> {
    pub(crate) fn empty() -> Self {
        Seat {
            ring: None,
            inbox: Inbox::new(),
            clock: None,
            child: None,
            stage: Stage::Born,
            chunk: None,
            dealt: VecDeque::new(),
            careful: false,
            begun: false,
            killed: None,
            is_corrupt: false,
        }
    }

    /// The item in flight, as far as is known.
    pub(crate) fn position(&self) -> Option<usize> {
        let chunk = self.chunk.as_ref()?;
        (self.child.is_some() && !chunk.is_full()).then(|| chunk.position())
    }

    /// Makes the shared memory ready for a new child.
    pub(crate) fn prepare(&mut self, with_clock: bool) -> io::Result<()> {
        match &mut self.ring {
            Some(ring) => ring.renew(&mut self.inbox),
            None => self.ring = Some(Ring::new(RING)?),
        }
        if with_clock && self.clock.is_none() {
            self.clock = Some(Region::new(8)?);
        }
        if let Some(clock) = &self.clock {
            clock.words()[0].store(Clock::IDLE, Relaxed);
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
        dealt: VecDeque<Chunk<'r, O>>,
        careful: bool,
        body: impl FnOnce(&Ring, Option<&Region>) -> i32,
    ) -> io::Result<()> {
        let Some(ring) = &self.ring else {
            return Err(io::Error::other("a seat without a ring"));
        };
        let mut lent = board.lent().to_vec();
        lent.push((ring.region(), Access::ReadWrite));
        lent.extend(self.clock.as_ref().map(|clock| (clock, Access::ReadWrite)));
        // SAFETY: `host::look` found no other thread, or the user has vouched for those that live
        // (`Fork::tolerate_threads`); likewise for writable shared memory. The body touches the board, its ring and its
        // clock, all lent, and owns no descriptor.
        let child = unsafe {
            spawn(&lent, board.gate(), options, || {
                body(ring, self.clock.as_ref())
            })
        }?;
        self.child = Some(child);
        self.stage = Stage::Born;
        self.dealt = dealt;
        self.careful = careful;
        self.begun = false;
        self.killed = None;
        self.is_corrupt = false;
        Ok(())
    }

    /// From now on, what the child sends promptly rings the bell. What waits already is read next.
    pub(crate) fn arm(&mut self) {
        if let Some(ring) = &self.ring {
            let _unread = self.inbox.arm(ring);
        }
    }

    /// Reads what has arrived, up to a limit.
    pub(crate) fn read(&mut self, run: &'r Run<O>) -> Read {
        let mut read = Read::default();
        let Some(ring) = &self.ring else { return read };
        for _ in 0..BURST {
            match self.inbox.receive(ring) {
                Ok(Received::Nothing) => return read,
                Ok(Received::Record { kind, payload }) => {
                    let mut books = Books {
                        run,
                        stage: &mut self.stage,
                        chunk: &mut self.chunk,
                        dealt: &mut self.dealt,
                        begun: &mut self.begun,
                    };
                    read.progress |= matches!(kind, record::OUTPUT | record::FAILED);
                    if books.take(kind, payload).is_some() {
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

    fn kill(&mut self, why: Killed) {
        if let Some(child) = &self.child
            && self.killed.is_none()
        {
            child.kill();
            self.killed = Some(why);
        }
    }

    /// Kills the child, since what it works on is not needed.
    pub(crate) fn dismiss(&mut self) {
        self.kill(Killed::Unneeded);
    }

    /// Kills the child if its item has run for longer than `limit`; else how long it may still run.
    pub(crate) fn kill_if_late(&mut self, base: Instant, limit: Duration) -> Option<Duration> {
        let clock = Clock::new(self.clock.as_ref()?, base);
        let begun = clock.word.load(Relaxed);
        if begun == Clock::IDLE || self.child.is_none() {
            return None;
        }
        let ran = Duration::from_nanos(clock.now().saturating_sub(begun));
        if ran >= limit {
            self.kill(Killed::Late(begun));
        }
        Some(limit.saturating_sub(ran))
    }

    /// If the child has ended: settles its books. `number` is its worker's.
    pub(crate) fn bury(
        &mut self,
        run: &'r Run<O>,
        number: usize,
        limit: Option<Duration>,
    ) -> Option<Death> {
        let exit = self.child.as_mut()?.try_reap()?;
        self.child = None;
        while !self.is_corrupt && self.read(run).more {}
        self.dealt.clear();
        let chunk = self.chunk.take();
        let clean = self.stage == Stage::Ended && exit == Exit::Code(0);
        if clean || self.killed == Some(Killed::Unneeded) || run.is_stopped() {
            return Some(Death::Clean);
        }
        if if self.careful {
            !self.begun
        } else {
            self.is_corrupt
        } {
            return Some(Death::Doubtful);
        }
        match (self.stage, chunk) {
            (Stage::Starting, _) => {
                run.abort(WorkerError::start(
                    number,
                    format!("its process was {}", ended(exit)).into(),
                ));
                Some(Death::Clean)
            }
            (Stage::Finishing, _) => {
                let why = format!(
                    "dropping the state of worker {number}: its process was {}",
                    ended(exit)
                );
                run.abort(WorkerError::task(why));
                Some(Death::Clean)
            }
            (Stage::Working, Some(chunk)) if !chunk.is_full() => {
                Some(self.blame(chunk, exit, limit))
            }
            (Stage::Ended, _) => Some(Death::Clean),
            // What a child that is gone before it said anything did, nobody knows.
            (Stage::Born, _) => Some(Death::Doubtful),
            (Stage::Working, _) => Some(Death::BetweenItems),
        }
    }

    /// The child died with an item in flight.
    fn blame(&self, chunk: Chunk<'r, O>, exit: Exit, limit: Option<Duration>) -> Death {
        let cause = match (self.killed, limit) {
            (Some(Killed::Late(begun)), Some(limit)) => {
                let now = self
                    .clock
                    .as_ref()
                    .map(|clock| clock.words()[0].load(Relaxed));
                if now != Some(begun) {
                    // The late item ended after all, while the signal was on its way: nobody is to blame.
                    return Death::Clean;
                }
                Cause::TimedOut { limit }
            }
            (Some(Killed::Corrupt), _) if is_kill(exit) => Cause::Lost {
                why: "it overwrote the memory through which its worker reports".to_owned(),
            },
            _ => cause_of(exit),
        };
        chunk.lost(cause);
        Death::Blamed
    }
}

/// What the parent knows of a child's work.
struct Books<'s, 'r, O> {
    run: &'r Run<O>,
    stage: &'s mut Stage,
    chunk: &'s mut Option<Chunk<'r, O>>,
    dealt: &'s mut VecDeque<Chunk<'r, O>>,
    begun: &'s mut bool,
}

impl<O: Portable> Books<'_, '_, O> {
    /// Enters one record. `None` where a sound child could not have sent it.
    fn take(&mut self, kind: u8, payload: &[u8]) -> Option<()> {
        match kind {
            record::STARTING => *self.stage = Stage::Starting,
            record::READY => *self.stage = Stage::Working,
            record::CLAIM => {
                let range = record::parse_claim(payload)?;
                // What was left of the chunk before goes back (it is not needed, or the child would not go on).
                *self.chunk = None;
                *self.begun = false;
                // A claim that is not admitted was made from a counter that somebody scribbled over: its items were
                // handed out before, and what arrives for them is thrown away.
                *self.chunk = match self
                    .dealt
                    .front()
                    .is_some_and(|chunk| chunk.range() == range)
                {
                    true => self.dealt.pop_front(),
                    false => self.run.admit(range),
                };
            }
            record::ITEM => *self.begun = true,
            record::OUTPUT => {
                self.output(payload)?;
                self.close_if_full();
            }
            record::FAILED => {
                let error: ItemError = decode(payload).ok()?;
                if let Some(chunk) = self.chunk {
                    chunk.fail(error);
                }
                self.close_if_full();
            }
            record::BROKEN => self.run.abort(broken(payload)),
            record::FINISHING => {
                *self.chunk = None;
                *self.stage = Stage::Finishing;
            }
            record::END => *self.stage = Stage::Ended,
            _ => return None,
        }
        Some(())
    }

    /// A full chunk counts at once: others may wait for what is behind it.
    fn close_if_full(&mut self) {
        *self.begun = false;
        if self.chunk.as_ref().is_some_and(Chunk::is_full) {
            *self.chunk = None;
        }
    }

    fn output(&mut self, payload: &[u8]) -> Option<()> {
        let Some(chunk) = self.chunk else {
            return Some(());
        };
        let index = chunk.position();
        // The user's own `Deserialize` may panic.
        match catch_unwind(AssertUnwindSafe(|| decode::<O>(payload))) {
            Ok(Ok(output)) => chunk.push(output).ok()?,
            Ok(Err(error)) => chunk.fail(ItemError::new(index, 0, Cause::NotPortable(error))),
            Err(panic) => {
                std::mem::forget(panic);
                let why = "decoding its output panicked".to_owned();
                chunk.fail(ItemError::new(index, 0, Cause::Lost { why }));
            }
        }
        Some(())
    }
}

/// Was it the signal that we kill with?
fn is_kill(exit: Exit) -> bool {
    matches!(exit, Exit::Signal { number, .. } if signal_name(number) == Some("SIGKILL"))
}

fn cause_of(exit: Exit) -> Cause {
    match exit {
        Exit::Code(code) => Cause::Exited { code },
        Exit::Signal { number, .. } => Cause::Killed {
            signal: number,
            name: signal_name(number).map_or_else(|| format!("signal {number}"), str::to_owned),
        },
        Exit::Unknown => Cause::Lost {
            why: exit.to_string(),
        },
    }
}

/// As in "its process was ...".
fn ended(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("ended with exit code {code}"),
        Exit::Signal { .. } => exit.to_string(),
        Exit::Unknown => "lost, and its cause with it".to_owned(),
    }
}
