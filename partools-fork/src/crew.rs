//! The parent's side: it starts children, reads their rings, keeps the run's books, buries the dead and hands
//! what they left to others. It computes no item.
//!
//! One turn of [`Crew::work`]:
//! ```text
//!   read all rings -> bury the dead -> deliver -> publish limit and bound -> kill what is not needed or too late
//!     -> start children for what is open -> sleep until a bell rings or a child ends
//! ```
//! Rings are armed *before* they are read, so that whatever is published promptly after the reading ends the sleep.
//!
//! How children are started is in `crew/hire.rs`, what is done about their claims in `crew/claims.rs`, who of them must stop
//! in `crew/watch.rs`.

mod claims;
mod hire;
mod watch;

use crate::board::Board;
use crate::quarters::{Benches, Quarters};
use crate::resident::Near;
use crate::seat::{Death, Seat};
use partools_core::{Caller, Error, Halt, Portable, Run, Task};
use partools_os::Patience;
use partools_os::{Bell, Capture, Limits, Watch, wait_any};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where a run ends early, how often to look for children that work on what is not needed any more.
const WIND_DOWN: Duration = Duration::from_millis(1);
/// Where a window of a stream is over, so long has a child that lives on to make its state, which nobody needs.
const GRACE: Duration = Duration::from_millis(100);
/// A child that overwrote its ring may have lost the flag by which it knows that we sleep.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

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
    board: Arc<Board>,
    bell: Arc<Bell>,
    /// Where children live from window to window.
    quarters: Option<(Near<'r, T>, Quarters)>,
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
        mut quarters: Option<(Near<'r, T>, Quarters)>,
    ) -> Result<Self, Error> {
        let os = |source| Error::os("making the shared memory of the workers", source);
        let wanted = workers.min(run.count());
        let now = Instant::now();
        let limits = terms.limits;
        let patience = Patience::new(run.item_timeout(), limits);
        let watch = limits.watches_memory().then(|| Watch::new(limits));
        let watching = |source| Error::os("watching the memory of the workers", source);
        let (board, bell, base) = match &quarters {
            Some((_, kept)) => (Arc::clone(&kept.board), Arc::clone(&kept.bell), kept.base),
            None => {
                let (board, bell) = (Board::new().map_err(os)?, Bell::new().map_err(os)?);
                (Arc::new(board), Arc::new(bell), now)
            }
        };
        let benches = quarters
            .as_mut()
            .map(|(_, kept)| kept.benches.take())
            .unwrap_or_default();
        let mut seats: Vec<_> = (0..)
            .zip(benches)
            .map(|(number, bench)| Seat::kept(number, base, bench))
            .collect();
        seats.extend((seats.len()..wanted).map(|number| Seat::empty(number, base)));
        Ok(Crew {
            task,
            run,
            seats,
            board,
            bell,
            quarters,
            terms,
            patience: patience.shortest().map(|_| patience),
            watch: watch.transpose().map_err(watching)?,
            pardoned: BTreeSet::new(),
            wanted,
            suspicious: false,
            fruitless: 0,
            strays: 0,
            is_spoilt: false,
            base,
            heard: now,
        })
    }

    /// Runs the map to its end, and delivers on the way. What was done for the crew began at `began`.
    pub(crate) fn work(
        &mut self,
        caller: &mut Caller<'_, T::Output>,
        began: Instant,
    ) -> Result<(), Error> {
        self.run.claims_elsewhere();
        self.publish();
        self.recruit()?;
        self.run.workers_took(began.elapsed());
        loop {
            let more = self.read_rings();
            self.bury_dead();
            let going = caller.deliver();
            self.publish();
            if !going {
                let ends = Instant::now();
                let wound_down = self.wind_down();
                self.run.workers_took(ends.elapsed());
                return wound_down;
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

    /// What is kept for the next window, behind the end of this one: the children, where they live on.
    pub(crate) fn leave(&mut self) -> Option<(Near<'r, T>, Quarters)> {
        let (near, mut quarters) = self.quarters.take()?;
        let seats = std::mem::take(&mut self.seats);
        quarters.benches = Benches::new(seats.into_iter().map(Seat::leave).collect());
        Some((near, quarters))
    }

    /// The run is over: clean ends are waited for, all else is killed.
    fn wind_down(&mut self) -> Result<(), Error> {
        let begun = Instant::now();
        while self.live() > 0 {
            if self.run.is_stopped() {
                self.seats.iter_mut().for_each(Seat::dismiss);
            }
            for seat in &mut self.seats {
                // One that lives on is worth a wait.
                let is_kept = self.quarters.is_some() && begun.elapsed() < GRACE;
                if seat.is_starting() && !is_kept {
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
        for (number, seat) in self.seats.iter_mut().enumerate() {
            if !seat.is_taken() {
                continue;
            }
            seat.arm();
            seat.hear();
            let read = seat.read(self.run);
            more |= read.more;
            work |= read.work;
            if read.progress {
                self.fruitless = 0;
            }
            if seat.is_resting() {
                seat.rest(self.run, number);
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
            let Some(death) = seat.bury(self.run, number, &mut self.pardoned) else {
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
