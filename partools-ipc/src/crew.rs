//! The parent's side of one map: it deals chunks to workers, reads what they answer, buries the dead and hands what they left to
//! others. It computes no item, and runs on the calling thread: there is no other.
//!
//! One turn of [`Crew::work`]:
//! ```text
//!   read all rings -> bury the dead -> deliver -> publish the bound -> kill what is not needed or too late
//!     -> deal chunks, starting workers for them -> sleep until a bell rings, a worker ends, or a line takes more
//! ```
//! Where others wait for a worker of the pool, one that has been with this map for a while is given up between two chunks.

use crate::freight::Freight;
use crate::hand::{Death, Hand, Read};
use crate::pool::Pool;
use crate::terms::Terms;
use crate::worker::MARK;
use partools_core::wire::{Request, request};
use partools_core::{Caller, Error, Event, Halt, Portable, PortableTask, Run};
use partools_os::{Killed, Patience, Watch, wait_for};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

mod hire;
mod watch;

/// A worker that overwrote its ring may have lost the flag by which it knows that we sleep.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Where a map ends early, how often to look for workers that are at what is not needed any more.
const WIND_DOWN: Duration = Duration::from_millis(1);
/// So long has an item that is not needed any more to end by itself, which keeps its worker for the next map.
const GRACE: Duration = Duration::from_millis(100);
/// Where others wait, a map has a worker for so long at a time.
const TENURE: Duration = Duration::from_millis(20);
/// Before it sleeps, a map looks for so long in all whether something has come: to be woken takes longer than all of a tiny map.
const GLANCES: Duration = Duration::from_micros(100);
/// So many workers in a row may end before they served at all.
const STILLBORN: usize = 2;
/// And so many may be killed by somebody else before that.
const SLAIN: usize = 100;

/// Who gets the next chunk.
enum Taker {
    Hand(usize),
    New,
}

/// The workers of one map.
pub(crate) struct Crew<'r, 'p, T>
where
    T: PortableTask<Output: Portable>,
{
    task: &'r T,
    run: &'r Run<T::Output>,
    pool: &'p Pool,
    terms: &'p Terms,
    freight: Freight,
    hands: Vec<Hand<'r, 'p, T::Output>>,
    /// How many workers to have at most: of the pool, and for the items that there are.
    size: usize,
    wanted: usize,
    message: Request,
    /// What is left of [`GLANCES`].
    glances: Duration,
    patience: Option<Patience>,
    watch: Option<Watch>,
    /// Items whose worker had grown too large, but perhaps by what it had done before: they have had another chance.
    pardoned: BTreeSet<usize>,
    /// A worker died in a way that leaves doubt about the item: chunks are dealt item by item, until one is blamed.
    suspicious: bool,
    /// Deaths that blamed no item, since the last output or failure arrived.
    fruitless: usize,
    stillborn: usize,
    /// So many were killed by somebody else before they served, since the last output or failure arrived. It says nothing of
    /// the items, and a start takes its time, in which more of them are hit than of those that work.
    slain: usize,
    /// A worker died: those that are started now take the place of others.
    has_lost: bool,
}

impl<'r, 'p, T> Crew<'r, 'p, T>
where
    T: PortableTask<Output: Portable>,
{
    pub(crate) fn new(
        task: &'r T,
        run: &'r Run<T::Output>,
        (pool, size): (&'p Pool, usize),
        terms: &'p Terms,
    ) -> Result<Self, Error> {
        let patience = Patience::new(run.item_timeout(), &terms.limits);
        let patience = patience.shortest().map(|_| patience);
        let watch = terms
            .limits
            .watches_memory()
            .then(|| Watch::new(&terms.limits));
        let watching = |source| Error::os("watching the memory of the workers", source);
        let watch = watch.transpose().map_err(watching)?;
        let with_cpu = patience.is_some_and(|patience| patience.counts_cpu());
        let timed = patience.is_some() || watch.is_some();
        let freight = Freight::pack(task, run, pool, (timed, with_cpu))?;
        if freight.bytes() > 0 {
            let (bytes, worker) = (freight.bytes(), None);
            run.note(Event::Moved { bytes, worker });
        }
        Ok(Crew {
            task,
            run,
            pool,
            terms,
            freight,
            hands: Vec::new(),
            size,
            wanted: size.min(run.count()),
            message: Request::new(),
            glances: GLANCES,
            patience,
            watch,
            pardoned: BTreeSet::new(),
            suspicious: false,
            fruitless: 0,
            stillborn: 0,
            slain: 0,
            has_lost: false,
        })
    }

    /// Runs the map to its end, and delivers on the way.
    pub(crate) fn work(&mut self, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
        loop {
            let more = self.read_rings().more;
            self.bury_dead()?;
            if !caller.deliver() {
                return self.wind_down(false);
            }
            let bound = self.run.bound();
            self.hands.iter_mut().for_each(|hand| hand.publish(bound));
            let timeout = [
                self.dismiss_unneeded(bound),
                self.stop_late(),
                self.stop_hogs(),
                self.await_hellos(),
                self.share(),
            ];
            self.deal()?;
            self.let_go(false);
            if !more {
                self.sleep(timeout.into_iter().flatten().min())?;
            }
        }
    }

    /// The run is over, or nobody wants the rest (`abandoned`): workers let go of it, and those that do not are killed.
    fn wind_down(&mut self, abandoned: bool) -> Result<(), Error> {
        let begun = Instant::now();
        let hasty = !self.freight.is_promised();
        loop {
            self.read_rings();
            self.bury_dead()?;
            let bound = if abandoned { 0 } else { self.run.bound() };
            // Dropping a state may take its time, unless the map was stopped.
            let is_stopped = abandoned || self.run.is_stopped();
            let is_over = is_stopped && begun.elapsed() > GRACE;
            for hand in &mut self.hands {
                hand.publish(bound);
                hand.leave();
                if is_over {
                    hand.kill(Killed::Unneeded);
                }
            }
            self.dismiss_unneeded(bound);
            self.await_hellos();
            self.let_go(hasty);
            if self.hands.is_empty() {
                return Ok(());
            }
            self.sleep(Some(WIND_DOWN))?;
        }
    }

    /// Gives back workers that are done with the map.
    fn let_go(&mut self, hasty: bool) {
        let leaving = self.hands.iter_mut().filter(|hand| hand.is_leaving());
        leaving.for_each(Hand::close);
        let is_stopped = self.run.is_stopped();
        let done = |hand: &mut Hand<'_, '_, _>| hand.is_done(hasty, is_stopped);
        for hand in self.hands.extract_if(.., done) {
            hand.give_back();
        }
    }

    /// Reads what is in the rings.
    fn read_rings(&mut self) -> Read {
        let mut all = Read::default();
        for hand in &mut self.hands {
            hand.seat.child.hear();
            let read = hand.read(self.run);
            all.more |= read.more;
            all.heard |= read.heard;
            all.progress |= read.progress;
        }
        if all.progress {
            self.fruitless = 0;
            self.stillborn = 0;
            self.slain = 0;
        }
        all
    }

    fn bury_dead(&mut self) -> Result<(), Error> {
        // So many deaths in a row that blame no item, and no more. A few are taken for accidents.
        let patience = 10 + 3 * self.wanted;
        let mut at = 0;
        while at < self.hands.len() {
            let Some(exit) = self.hands[at].end() else {
                at += 1;
                continue;
            };
            self.has_lost = true;
            let hand = self.hands.swap_remove(at);
            let number = hand.number();
            match hand.bury(self.run, exit, &mut self.pardoned) {
                Death::Clean => {}
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
                Death::Slain => self.slain += 1,
                Death::Stillborn(why) => {
                    self.stillborn += 1;
                    if self.stillborn > STILLBORN {
                        return Err(Error::executor(format!(
                            "worker process {number} {why}; it never came to serve. A program that uses Ipc calls \
                             `{MARK}()` first in `main`, before anything else"
                        )));
                    }
                }
            }
        }
        // C13. Deaths that have an item to blame are counted by the run.
        if self.fruitless > patience || self.slain > SLAIN {
            let workers = self.fruitless + self.slain;
            self.run.give_up(Halt::Deaths { workers });
        }
        Ok(())
    }

    // ---- dealing

    /// Hands out chunks while there is a worker for them.
    fn deal(&mut self) -> Result<(), Error> {
        while let Some(taker) = self.taker() {
            let Some(mut chunk) = self.run.try_claim() else {
                match self.spread() {
                    true => continue,
                    false => break,
                }
            };
            if self.suspicious {
                // What is cut off can be claimed again.
                drop(chunk.split(1));
            }
            if !request(self.task, &mut chunk, &mut self.message)? {
                continue;
            }
            let at = match taker {
                Taker::Hand(at) => Some(at),
                Taker::New => self.hire()?,
            };
            if let Some(at) = at {
                self.hands[at].post(chunk, &self.message, self.suspicious);
            } else if self.run.is_stopped() {
                break;
            }
        }
        self.hands.iter_mut().for_each(|hand| hand.seat.flush());
        Ok(())
    }

    /// Who gets the next chunk: one that has nothing to do, or a new one; or one that can have another chunk wait.
    fn taker(&self) -> Option<Taker> {
        let free = self
            .hands
            .iter()
            .enumerate()
            .filter(|(_, hand)| hand.is_free());
        if let Some((free, _)) = free.min_by_key(|(_, hand)| hand.is_held_up()) {
            return Some(Taker::Hand(free));
        }
        let may_hire = self.hands.len() < self.wanted && self.pool.has_free(self.size);
        if self.hands.is_empty() || may_hire {
            return Some(Taker::New);
        }
        if self.suspicious {
            return None;
        }
        let rooms = self.hands.iter().enumerate();
        let (room, at) = rooms.map(|(at, hand)| (hand.room(), at)).max()?;
        (room > 0).then_some(Taker::Hand(at))
    }

    /// There is nothing left to claim, and some have nothing to do: as many chunks that wait behind others, or for a worker that is
    /// still being set up, can be claimed again. False where there is none.
    fn spread(&mut self) -> bool {
        let free = self.hands.iter().filter(|hand| hand.is_free());
        let (count, is_at_once) = (free.clone().count(), !free.clone().all(Hand::is_held_up));
        let mut owners: Vec<_> = self.hands.iter_mut().collect();
        owners.retain(|hand| hand.waiting() > 0 || (is_at_once && hand.is_held_up()));
        owners.sort_by_key(|hand| Reverse(hand.waiting()));
        let withdrawn = owners
            .into_iter()
            .filter_map(|hand| hand.withdraw().then_some(()));
        withdrawn.take(count).count() > 0
    }

    /// Where others wait for a worker: gives up those that have been here for a while, between two chunks. How long until the
    /// next one is due.
    fn share(&mut self) -> Option<Duration> {
        if !self.pool.is_wanted() {
            return None;
        }
        for hand in self.hands.iter_mut().filter(|hand| hand.tenure() > TENURE) {
            hand.leave();
        }
        Some(TENURE)
    }

    /// Looks for a moment whether anything comes, while there are glances left.
    fn glance(&mut self) -> bool {
        let begun = Instant::now();
        let mut heard = false;
        while !heard && begun.elapsed() < self.glances {
            // Workers may need this processor.
            std::thread::yield_now();
            heard = self.read_rings().heard;
        }
        self.glances = self.glances.saturating_sub(begun.elapsed());
        heard
    }

    fn sleep(&mut self, timeout: Option<Duration>) -> Result<(), Error> {
        self.hands.iter_mut().for_each(|hand| hand.seat.flush());
        if self.glance() {
            return Ok(());
        }
        let mut unread = false;
        for hand in &mut self.hands {
            unread |= hand.seat.inbox.arm(&hand.seat.ring);
        }
        if !unread {
            let patience = [Some(LOOK_AGAIN), timeout, self.run.look_again()];
            let timeout = patience.into_iter().flatten().min();
            let workers = self.hands.iter().map(|hand| hand.seat.watched());
            wait_for(workers, timeout).map_err(|e| Error::os("waiting for the workers", e))?;
        }
        for hand in &mut self.hands {
            hand.seat.inbox.disarm(&hand.seat.ring);
        }
        Ok(())
    }
}

/// Also where a callback's panic unwinds past it: who is done soon is kept, who is not is killed.
impl<T> Drop for Crew<'_, '_, T>
where
    T: PortableTask<Output: Portable>,
{
    fn drop(&mut self) {
        if !self.hands.is_empty() {
            let _ = self.wind_down(true);
        }
    }
}
