//! How children are started: for what was given back, and for what the counter has left; and what is done where the system
//! lets us start no more of them.

use super::Crew;
use crate::notes;
use crate::resident::Resident;
use crate::seat::Seat;
use crate::sheet::MOST;
use crate::worker::{Deal, Worker};
use partools_core::{Chunk, Error, Event, Portable, Task};
use partools_os::Clock;
use partools_os::{SpawnOptions, flush_streams};
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// With no child at all, how often and how far apart to try to start one.
const TRIES: usize = 20;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

impl<'r, T: Task> Crew<'r, T>
where
    T::Output: Portable,
{
    /// Starts children: for what was given back, and for what the counter has left.
    pub(super) fn recruit(&mut self) -> Result<(), Error> {
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
        let mut numbers: Vec<usize> = (0..self.seats.len()).collect();
        // Who rests costs nothing.
        numbers.sort_by_key(|&number| !self.seats[number].is_resting());
        for number in numbers {
            if free == 0
                || !self.seats[number].is_free()
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
            let free = self.seats.iter().position(Seat::is_free).unwrap_or(0);
            if self.hire(free, dealt).is_ok() {
                return Ok(());
            }
        }
        let why = io::Error::new(refused.kind(), refused.to_string());
        Err(Error::os(
            "no worker process could be started (is a limit on processes or memory reached?)",
            why,
        ))
    }

    /// Calls the child that rests in a seat, or forks one into it.
    fn hire(&mut self, number: usize, mut dealt: VecDeque<Chunk<'r, T::Output>>) -> io::Result<()> {
        let careful = self.suspicious;
        if self.quarters.is_some() {
            // What is left over can be claimed again.
            dealt.truncate(MOST);
        }
        let deals: Vec<Deal> = dealt
            .iter()
            .map(|chunk| Deal {
                range: chunk.range(),
                attempt: chunk.attempt(),
            })
            .collect();
        if let Some((_, quarters)) = &self.quarters {
            if self.seats[number].is_resting() {
                self.seats[number].call(dealt, careful);
                quarters.sheet.call(number, careful, &deals);
                return Ok(());
            }
            quarters.sheet.call(number, careful, &deals);
        }
        let with_cpu = self.patience.is_some_and(|patience| patience.counts_cpu());
        let with_clock = self.patience.is_some() || self.watch.is_some();
        self.seats[number].prepare(with_clock)?;
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
        let quarters = self.quarters.as_ref();
        let also = quarters.map(|(_, quarters)| [quarters.window.lent(), quarters.sheet.lent()]);
        let also = also.as_ref().map_or(&[][..], |also| &also[..]);
        let born_with = (dealt, careful);
        self.seats[number].spawn(board, &options, born_with, also, |ring, clock| {
            let clock = clock.map(|region| Clock::new(region.words(), with_cpu));
            let worker = Worker {
                task,
                run,
                schedule: run.schedule(),
                number,
                board,
                base,
                deals: &deals,
                clock,
                careful,
                may_flush,
                limits,
            };
            let producer = ring.producer(bell);
            match quarters {
                None => worker.live(producer),
                Some((near, quarters)) => Resident {
                    worker,
                    near: *near,
                    window: &quarters.window,
                    sheet: &quarters.sheet,
                }
                .live(producer),
            }
        })?;
        if let Some(begun) = begun {
            let (seat, took) = (&self.seats[number], begun.elapsed());
            let pid = seat.child().map(partools_os::Child::pid);
            notes::forked(run, number, pid, took, seat.is_again());
        }
        Ok(())
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
