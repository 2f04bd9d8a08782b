//! The parent's side: it starts children, reads their rings, keeps the run's books, buries the dead and hands
//! what they left to others. It computes no item.
//!
//! One turn of [`Crew::work`]:
//! ```text
//!   read all rings -> bury the dead -> deliver -> publish limit and bound -> kill what is not needed or too late
//!     -> start children for what is open -> sleep until a bell rings or a child ends
//! ```
//! Rings are armed *before* they are read, so that whatever is published promptly after the reading ends the sleep.

use crate::board::Board;
use crate::clock::Clock;
use crate::notes;
use crate::seat::{Death, Seat};
use crate::stop::Patience;
use crate::worker::{Deal, Worker};
use partools_core::{Caller, Chunk, Error, Event, Halt, Portable, Run, Task};
use partools_os::{Bell, Capture, Limits, SpawnOptions, Watch, flush_streams, wait_any};
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Where a run ends early, how often to look for children that work on what is not needed any more.
const WIND_DOWN: Duration = Duration::from_millis(1);
/// A child that overwrote its ring may have lost the flag by which it knows that we sleep.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Longer than this no child takes between a claim and its record, as a rule.
const STALL: Duration = Duration::from_millis(10);
/// With no child at all, how often and how far apart to try to start one.
const TRIES: usize = 20;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

mod watch;

/// What the children of a map live under.
#[derive(Clone, Copy)]
pub(crate) struct Terms<'f> {
    pub(crate) core_dumps: bool,
    /// Other threads live, tolerated by the user.
    pub(crate) beside_threads: bool,
    pub(crate) limits: &'f Limits,
    pub(crate) stderr: Capture,
}

/// The children of one map.
pub(crate) struct Crew<'r, T: Task> {
    task: &'r T,
    run: &'r Run<T::Output>,
    seats: Vec<Seat<'r, T::Output>>,
    board: Board,
    bell: Bell,
    terms: Terms<'r>,
    /// Where items may take too long.
    patience: Option<Patience>,
    /// Where memory is watched.
    watch: Option<Watch>,
    /// Items whose worker had grown too large, but perhaps by what it had done before: they have had another chance.
    pardoned: BTreeSet<usize>,
    /// How many children to have at most.
    wanted: usize,
    /// A child died in a way that leaves doubt about the item: new children are careful, until an item is blamed.
    suspicious: bool,
    /// Deaths that blamed no item, since the last output or failure arrived.
    fruitless: usize,
    /// Claims that were not admitted, up to now.
    strays: usize,
    /// A claim was not admitted, so the counter was overwritten: what is open is dealt from the books.
    is_spoilt: bool,
    base: Instant,
    /// When a claim or what came of one last arrived.
    heard: Instant,
}

impl<'r, T: Task> Crew<'r, T>
where
    T::Output: Portable,
{
    pub(crate) fn new(
        task: &'r T,
        run: &'r Run<T::Output>,
        workers: usize,
        terms: Terms<'r>,
    ) -> Result<Self, Error> {
        let os = |source| Error::os("making the shared memory of the workers", source);
        let wanted = workers.min(run.count());
        let now = Instant::now();
        let limits = terms.limits;
        let patience = Patience::new(run.item_timeout(), limits);
        let watch = limits.watches_memory().then(|| Watch::new(limits));
        let watching = |source| Error::os("watching the memory of the workers", source);
        Ok(Crew {
            task,
            run,
            seats: (0..wanted).map(|number| Seat::empty(number, now)).collect(),
            board: Board::new().map_err(os)?,
            bell: Bell::new().map_err(os)?,
            terms,
            patience: patience.shortest().map(|_| patience),
            watch: watch.transpose().map_err(watching)?,
            pardoned: BTreeSet::new(),
            wanted,
            suspicious: false,
            fruitless: 0,
            strays: 0,
            is_spoilt: false,
            base: now,
            heard: now,
        })
    }

    /// Runs the map to its end, and delivers on the way.
    pub(crate) fn work(&mut self, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
        self.run.claims_elsewhere();
        self.publish();
        self.recruit()?;
        loop {
            let more = self.read_rings();
            self.bury_dead();
            let going = caller.deliver();
            self.publish();
            if !going {
                return self.wind_down();
            }
            self.look_for_strays();
            self.dismiss_unneeded();
            let timeout = [self.end_stall(), self.stop_late(), self.stop_hogs()];
            let timeout = timeout.into_iter().flatten().min();
            self.recruit()?;
            if !more {
                self.sleep(timeout)?;
            }
        }
    }

    /// The run is over: clean ends are waited for, all else is killed.
    fn wind_down(&mut self) -> Result<(), Error> {
        while self.live() > 0 {
            if self.run.is_stopped() {
                self.seats.iter_mut().for_each(Seat::dismiss);
            }
            for seat in &mut self.seats {
                if seat.is_starting() {
                    seat.dismiss();
                }
            }
            let more = self.read_rings();
            self.dismiss_unneeded();
            self.bury_dead();
            if !more && self.live() > 0 {
                self.sleep(Some(WIND_DOWN))?;
            }
        }
        Ok(())
    }

    fn live(&self) -> usize {
        self.seats.iter().filter(|seat| seat.is_taken()).count()
    }

    fn publish(&self) {
        self.board.publish(self.run.claim_limit(), self.run.bound());
    }

    /// Reads what is in the rings. True where one may hold more.
    fn read_rings(&mut self) -> bool {
        let (mut more, mut work) = (false, false);
        for seat in self.seats.iter_mut().filter(|seat| seat.is_taken()) {
            seat.arm();
            seat.hear();
            let read = seat.read(self.run);
            more |= read.more;
            work |= read.work;
            if read.progress {
                self.fruitless = 0;
            }
        }
        if work {
            self.heard = Instant::now();
        }
        more
    }

    fn bury_dead(&mut self) {
        // So many deaths in a row that blame no item, and no more. A few are taken for accidents.
        let patience = 10 + 3 * self.seats.len();
        for number in 0..self.seats.len() {
            let seat = &mut self.seats[number];
            let Some(death) = seat.bury(self.run, number, self.base, &mut self.pardoned) else {
                continue;
            };
            match death {
                Death::Clean | Death::Killed => {}
                Death::Crowded => self.go_on_with_fewer(),
                // Whoever made the doubt is most likely found.
                Death::Blamed => self.suspicious = false,
                Death::BetweenItems => {
                    self.fruitless += 1;
                    self.suspicious |= self.fruitless > patience / 2;
                }
                Death::Doubtful => {
                    self.fruitless += 1;
                    self.suspicious = true;
                }
            }
        }
        // C13. Deaths that have an item to blame are counted by the run.
        if self.fruitless > patience {
            let workers = self.fruitless;
            self.run.give_up(Halt::Deaths { workers });
        }
    }

    /// All children wait for the window to move, and it does not: something in it is theirs no more, and nobody is
    /// free to take it. A child may have died between claim and record, or could not be replaced, or the counter was
    /// overwritten. They are sent home, so that the books can be looked through; should one of them be busy after all,
    /// its claims still count. How long until that is due, where it may be.
    fn end_stall(&self) -> Option<Duration> {
        let next = self.board.counter().load(Relaxed);
        let is_waiting = next >= self.run.claim_limit() as u64 && next < self.run.bound() as u64;
        let is_idle = |seat: &Seat<'_, _>| !seat.is_taken() || seat.is_idle();
        if !is_waiting || !self.seats.iter().all(is_idle) {
            return None;
        }
        let left = STALL.saturating_sub(self.heard.elapsed());
        if left.is_zero() {
            self.board.close_counter();
            return None;
        }
        Some(left)
    }

    /// A claim that is not admitted comes from a counter that was overwritten. No child gets anything from it any more:
    /// else one that sets it back would have its items done again and again.
    fn look_for_strays(&mut self) {
        let strays = self.seats.iter().map(Seat::strays).sum();
        if strays > self.strays {
            self.strays = strays;
            self.is_spoilt = true;
        }
        if self.is_spoilt {
            self.board.close_counter();
        }
    }

    /// Nobody works, so what was claimed and not announced is free again. What lies behind the last announced claim
    /// is the counter's; the few items before it are looked at one by one, in a stream: they lie within a window.
    fn reopen(&mut self) {
        if !self.run.is_streaming() {
            self.run.reclaim();
            return;
        }
        let reach = self.seats.iter().map(Seat::reach).max().unwrap_or(0);
        for index in self.run.handed_out()..reach.min(self.run.claim_limit()) {
            // Given back at once, if it is free.
            drop(self.run.admit(index..index + 1));
        }
        self.board.counter().store(reach as u64, Relaxed);
        self.is_spoilt = false;
    }

    /// Starts children: for what was given back, and for what the counter has left.
    fn recruit(&mut self) -> Result<(), Error> {
        if self.live() == 0 && !self.is_counter_open() {
            self.reopen();
        }
        // A counter that was set back would have all this done again.
        self.board
            .counter()
            .fetch_max(self.run.handed_out() as u64, Relaxed);
        let mut free = self.wanted.saturating_sub(self.live());
        if free == 0 {
            return Ok(());
        }
        let mut open: VecDeque<_> = std::iter::from_fn(|| self.run.try_claim()).collect();
        for number in 0..self.seats.len() {
            if free == 0
                || self.seats[number].is_taken()
                || (open.is_empty() && !self.is_counter_open())
            {
                continue;
            }
            let deal = take_share(&mut open, free);
            if let Err(refused) = self.hire(number, deal) {
                drop(open);
                return self.make_do(&refused);
            }
            free -= 1;
        }
        match self.live() {
            // Nobody may be left by now because the run was stopped, which the next turn finds.
            0 if !self.run.is_stopped() => Err(Error::executor(
                "no worker is left, nor anything for one to do, and yet items are missing",
            )),
            _ => Ok(()),
        }
    }

    /// Does the counter have items that nobody claimed? It may lie after a child scribbled over it; then the books
    /// still hold, and what it hides is found when nobody works any more.
    fn is_counter_open(&self) -> bool {
        !self.is_spoilt && self.board.counter().load(Relaxed) < self.run.bound() as u64
    }

    /// A child could not be started: go on with those that are, or try again for a while.
    fn make_do(&mut self, refused: &io::Error) -> Result<(), Error> {
        if self.live() > 0 {
            self.wanted = self.live();
            let (left, why) = (self.wanted, "no more processes could be started");
            self.run.note(Event::FewerWorkers { left, why });
            return Ok(());
        }
        self.wanted = 1;
        for _ in 0..TRIES {
            std::thread::sleep(BETWEEN_TRIES);
            if self.run.is_stopped() {
                return Ok(());
            }
            // What was given back comes first: in a stream, others may wait for it.
            let dealt: VecDeque<_> = self.run.try_claim().into_iter().collect();
            if self.hire(0, dealt).is_ok() {
                return Ok(());
            }
        }
        let why = io::Error::new(refused.kind(), refused.to_string());
        Err(Error::os(
            "no worker process could be started (is a limit on processes or memory reached?)",
            why,
        ))
    }

    /// Forks a child into a seat.
    fn hire(&mut self, number: usize, dealt: VecDeque<Chunk<'r, T::Output>>) -> io::Result<()> {
        let careful = self.suspicious;
        let deals: Vec<Deal> = dealt
            .iter()
            .map(|chunk| Deal {
                range: chunk.range(),
                attempt: chunk.attempt(),
            })
            .collect();
        let with_cpu = self.patience.is_some_and(|patience| patience.cpu.is_some());
        let with_clock = self.patience.is_some() || self.watch.is_some();
        self.seats[number].prepare(with_clock, self.base)?;
        let mut options = SpawnOptions::default();
        options.core_dumps = self.terms.core_dumps;
        options.stderr = self.terms.stderr;
        self.terms.limits.apply_to(&mut options, number);
        options.close = self.seats.iter().flat_map(Seat::descriptors).collect();
        if !self.terms.beside_threads {
            flush_streams();
        }
        let (task, run, board, bell, base) =
            (self.task, self.run, &self.board, &self.bell, self.base);
        let (may_flush, limits) = (!self.terms.beside_threads, self.terms.limits);
        let begun = run.is_observed().then(Instant::now);
        self.seats[number].spawn(board, &options, dealt, careful, |ring, clock| {
            let clock = clock.map(|region| Clock::new(region, base, with_cpu));
            let worker = Worker {
                task,
                run,
                number,
                board,
                base,
                deals: &deals,
                clock,
                careful,
                may_flush,
                limits,
            };
            worker.live(ring.producer(bell))
        })?;
        if let Some(begun) = begun {
            let (seat, took) = (&self.seats[number], begun.elapsed());
            let pid = seat.child().map(partools_os::Child::pid);
            notes::forked(run, number, pid, took, seat.is_again());
        }
        Ok(())
    }

    fn sleep(&self, timeout: Option<Duration>) -> Result<(), Error> {
        let children = self.seats.iter().filter_map(Seat::child);
        let patience = [Some(LOOK_AGAIN), timeout, self.run.look_again()];
        let timeout = patience.into_iter().flatten().min();
        wait_any(&self.bell, children, timeout).map_err(|e| Error::os("waiting for the workers", e))
    }
}

/// All are killed before the first one is waited for: the system takes its time to tear a large process down.
impl<T: Task> Drop for Crew<'_, T> {
    fn drop(&mut self) {
        self.seats
            .iter()
            .filter_map(Seat::child)
            .for_each(partools_os::Child::kill);
    }
}

/// Takes an even share of the open chunks, where `seats` are free.
fn take_share<'r, O>(open: &mut VecDeque<Chunk<'r, O>>, seats: usize) -> VecDeque<Chunk<'r, O>> {
    let items: usize = open.iter().map(|chunk| chunk.range().len()).sum();
    let mut share = items.div_ceil(seats.max(1));
    let mut taken = VecDeque::new();
    while share > 0
        && let Some(mut chunk) = open.pop_front()
    {
        if let Some(rest) = chunk.split(share) {
            open.push_front(rest);
        }
        share -= chunk.range().len();
        taken.push_back(chunk);
    }
    taken
}
