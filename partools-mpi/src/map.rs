//! A map, on rank 0: chunks are dealt, answers taken.
//!
//! ```text
//! told[worker]   chunks whose answers are on their way, in the order in which they were told: at most WINDOW
//! ```
//! Invariant: what a worker says counts as far as it fits the first chunk of its queue, and no further.

use crate::executor::Crew;
use crate::freight::Freight;
use crate::last_words::{self, Silent};
use crate::message::{ANSWERS, EAGER, NEEDED, ORDERS, Received, Word, receive, send};
use crate::own::{Own, Said};
use crate::ranks::Ranks;
use mpi::Rank;
use mpi::traits::{Communicator, Source};
use partools_core::wire::{Incoming, Request, request};
use partools_core::{Caller, Chunk, Error, Event, Portable, PortableTask, Run};
use partools_os::Reprieve;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A rank has so many chunks at most: one that it works on, and the next, so that it need not wait for it.
const WINDOW: usize = 2;
/// Between two looks for answers, where there was none: the first looks come at once, later ones after longer and longer.
const LOOKS: u32 = 64;
const LONGEST_NAP: Duration = Duration::from_micros(200);

/// A map under way. Dropped, also by a panic of the callback's, it waits until all ranks are done with it.
pub(crate) struct Map<'m, 'r, O: Portable> {
    ranks: &'m Ranks,
    run: &'r Run<O>,
    crew: Crew,
    /// What each worker has to answer.
    told: Vec<VecDeque<Told<'r, O>>>,
    /// When each worker said something, or was told something while it had nothing to answer.
    heard: Vec<Instant>,
    /// Where each worker is.
    places: Arc<[String]>,
    /// How many items the workers believe to be needed.
    needed: usize,
    /// Which ranks have said that they are done with the map, from rank 1 on.
    done: Vec<bool>,
    /// Rank 0 at work.
    own: Option<Own>,
    /// The first failure of a rank.
    failure: Option<Error>,
    reprieve: Option<Reprieve>,
    /// Mapped by the ranks of this host.
    _freight: Freight,
}

/// A chunk whose answer is on its way.
struct Told<'r, O> {
    incoming: Incoming<'r, O, Bytes>,
    bytes: Bytes,
}

/// What has come of an answer and was not read yet.
#[derive(Clone, Default)]
struct Bytes(Rc<RefCell<VecDeque<u8>>>);

impl Read for Bytes {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().read(into)
    }
}

/// A request that waits until a worker has nothing to answer.
type Held<'r, O> = (Chunk<'r, O>, Vec<u8>);

impl<'m, 'r, O: Portable> Map<'m, 'r, O> {
    /// Tells all ranks.
    pub(crate) fn begin<T>(
        ranks: &'m Ranks,
        crew: Crew,
        task: &T,
        run: &'r Run<O>,
    ) -> Result<Self, Error>
    where
        T: PortableTask<Output = O>,
    {
        let freight = Freight::pack(ranks, task, run.plan())?;
        let own = crew.root_works.then(|| Own::start(&freight, crew.others));
        let own = own
            .transpose()
            .map_err(|why| Error::os("a thread on which rank 0 works", why))?;
        let places = ranks.places(crew);
        run.place_workers(Arc::clone(&places));
        if freight.bytes() > 0 {
            run.note(Event::Moved {
                bytes: freight.bytes(),
                worker: None,
            });
        }
        ranks.kept.replace(freight.kept());
        ranks.is_busy.set(true);
        ranks.maps.update(|maps| maps + 1);
        for other in ranks.others() {
            send(&other, ORDERS, Word::Map, &freight.order);
        }
        for part in &freight.news {
            ranks.hosts().hand_out(part);
        }
        Ok(Map {
            ranks,
            run,
            crew,
            told: (0..crew.workers()).map(|_| VecDeque::new()).collect(),
            heard: vec![Instant::now(); crew.workers()],
            places,
            needed: usize::MAX,
            done: vec![false; ranks.count() - 1],
            own,
            failure: None,
            reprieve: Some(Reprieve::new()),
            _freight: freight,
        })
    }

    /// Deals chunks until none is left, and delivers.
    pub(crate) fn deal<T>(&mut self, task: &T, caller: &mut Caller<'_, O>) -> Result<(), Error>
    where
        T: PortableTask<Output = O>,
    {
        let (mut message, mut held, mut looks) = (Request::new(), None, 0);
        while caller.deliver() {
            self.end_if_told();
            let mut is_news = self.hand_on(&mut held);
            while held.is_none() && self.freest().1 < WINDOW {
                let Some(mut chunk) = self.run.try_claim() else {
                    break;
                };
                is_news = true;
                if request(task, &mut chunk, &mut message)? {
                    held = Some((chunk, message.as_bytes().to_vec()));
                    self.hand_on(&mut held);
                }
            }
            self.tell_needed();
            is_news |= self.listen()?;
            if let Some(failure) = self.failure.take() {
                return Err(failure);
            }
            looks = if is_news { 0 } else { looks + 1 };
            rest(looks);
        }
        Ok(())
    }

    /// The worker with the fewest chunks, and how many.
    fn freest(&self) -> (usize, usize) {
        let loads = self.told.iter().map(VecDeque::len).enumerate();
        loads.min_by_key(|&(_, load)| load).unwrap_or((0, WINDOW))
    }

    /// Sends the held request, if a worker can take it. True if so.
    fn hand_on(&mut self, held: &mut Option<Held<'r, O>>) -> bool {
        let (worker, load) = self.freest();
        // A long one makes us wait until it is taken; who works takes nothing.
        let can = |bytes: &Vec<u8>| load == 0 || load < WINDOW && bytes.len() <= EAGER / 2;
        let Some((mut chunk, request)) = held.take_if(|(_, bytes)| can(bytes)) else {
            return false;
        };
        chunk.given_to(worker);
        match &self.own {
            Some(own) if worker == self.crew.others => own.request(&request),
            _ => {
                let to = self.ranks.process(Ranks::of_worker(worker));
                send(&to, ORDERS, Word::Chunk, &request);
            }
        }
        if load == 0 {
            self.heard[worker] = Instant::now();
        }
        let bytes = Bytes::default();
        let incoming = Incoming::new(chunk, bytes.clone());
        self.told[worker].push_back(Told { incoming, bytes });
        true
    }

    /// Tells workers where less is needed than before.
    fn tell_needed(&mut self) {
        let needed = self.run.bound();
        if needed < self.needed && needed < self.run.count() {
            self.needed = needed;
            self.tell(needed);
        }
    }

    fn tell(&self, needed: usize) {
        let news = [self.ranks.maps.get(), needed as u64].map(u64::to_le_bytes);
        for worker in 0..self.crew.others {
            let to = self.ranks.process(Ranks::of_worker(worker));
            send(&to, NEEDED, Word::Chunk, news.as_flattened());
            self.ranks.news.borrow_mut()[worker + 1] += 1;
        }
        if let Some(own) = &self.own {
            own.set_needed(needed);
        }
    }

    /// Takes what has come. Was there anything?
    fn listen(&mut self) -> Result<bool, Error> {
        let mut is_news = false;
        while let Some(said) = self.own.as_ref().and_then(Own::hear) {
            is_news = true;
            if self.take_own(said, true)? {
                break;
            }
        }
        while let Some(received) = self.received() {
            is_news = true;
            self.take(received)?;
        }
        Ok(is_news)
    }

    /// The next message of another rank, if there is one.
    fn received(&self) -> Option<Received> {
        let world = &self.ranks.world;
        let matched = world
            .any_process()
            .immediate_matched_probe_with_tag(ANSWERS)?;
        Some(receive(matched, |rank| self.ranks.process(rank)))
    }

    fn take(&mut self, received: Received) -> Result<(), Error> {
        let Received { from, word, bytes } = received;
        let worker = Ranks::worker_of(from).unwrap_or(usize::MAX);
        match word {
            Word::Done => {
                if let Some(done) = self.done.get_mut(worker) {
                    *done = true;
                }
                self.take_failure(from, &String::from_utf8_lossy(&bytes));
                Ok(())
            }
            Word::Records if worker < self.crew.others => self.take_records(from, worker, &bytes),
            _ => Err(self.nonsense(from)),
        }
    }

    /// Was it its last word?
    fn take_own(&mut self, said: Said, takes_answers: bool) -> Result<bool, Error> {
        match said {
            Said::Records(bytes) if takes_answers => {
                self.take_records(0, self.crew.others, &bytes)?;
                Ok(false)
            }
            Said::Records(_) => Ok(false),
            Said::Done(why) => {
                self.own = None;
                self.take_failure(0, &why);
                Ok(true)
            }
        }
    }

    fn take_records(&mut self, from: Rank, worker: usize, bytes: &[u8]) -> Result<(), Error> {
        self.heard[worker] = Instant::now();
        let Some(told) = self.told[worker].front_mut() else {
            return Err(self.nonsense(from));
        };
        told.bytes.0.borrow_mut().extend(bytes);
        if told.incoming.read()? {
            self.told[worker].pop_front();
        }
        Ok(())
    }

    fn take_failure(&mut self, from: Rank, why: &str) {
        if !why.is_empty() {
            let why = format!("{}: {why}", self.ranks.name(from));
            self.failure.get_or_insert_with(|| Error::executor(why));
        }
    }

    fn nonsense(&self, from: Rank) -> Error {
        Error::executor(format!("{} said what nobody asked", self.ranks.name(from)))
    }

    /// Where the process was told to end, it says what it knows, and ends.
    fn end_if_told(&mut self) {
        if self.reprieve.as_ref().is_some_and(Reprieve::has_come) {
            let silent = self.told.iter().enumerate().filter_map(|(worker, queue)| {
                let first = queue.front()?.incoming.chunk().position();
                let left = |told: &Told<'_, O>| {
                    let chunk = told.incoming.chunk();
                    chunk.range().end - chunk.position()
                };
                Some(Silent {
                    place: self.places.get(worker)?,
                    since: self.heard[worker],
                    item: self.run.item_at(first),
                    items: queue.iter().map(left).sum(),
                })
            });
            last_words::say(silent.collect());
            self.reprieve = None;
        }
    }

    /// Waits for all ranks; what they finish meanwhile counts.
    pub(crate) fn end(mut self) -> Result<(), Error> {
        let said = self.close(true);
        if self.run.is_stopped() {
            for told in self.told.drain(..).flatten() {
                told.incoming.stopped()?;
            }
        }
        said?;
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Tells all ranks that the map is over, and waits until they know.
    fn close(&mut self, takes_answers: bool) -> Result<(), Error> {
        let mut said = Ok(());
        if !self.ranks.is_busy.get() {
            return said;
        }
        if self.told.iter().any(|queue| !queue.is_empty()) {
            self.tell(0);
        }
        for other in self.ranks.others() {
            send(&other, ORDERS, Word::Over, &[]);
        }
        if let Some(own) = &mut self.own {
            own.close();
        }
        let mut looks = 0;
        while self.own.is_some() || self.done.contains(&false) {
            self.end_if_told();
            let takes = takes_answers && said.is_ok();
            if let Some(own_said) = self.own.as_ref().and_then(Own::hear) {
                looks = 0;
                said = said.and(self.take_own(own_said, takes).map(|_| ()));
            } else if let Some(received) = self.received() {
                looks = 0;
                if received.word == Word::Done || takes {
                    said = said.and(self.take(received));
                }
            } else {
                looks += 1;
                rest(looks);
            }
        }
        if said.is_err() || self.failure.is_some() {
            // A rank may lack what it was to keep.
            self.ranks.kept.take();
        }
        self.ranks.is_busy.set(false);
        said
    }
}

impl<O: Portable> Drop for Map<'_, '_, O> {
    fn drop(&mut self) {
        // What there is to say was said, or a panic is on its way.
        let _ = self.close(false);
    }
}

/// The longer nothing has come, the longer it sleeps.
pub(crate) fn rest(looks: u32) {
    match looks {
        0 => {}
        1..LOOKS => std::thread::yield_now(),
        _ => std::thread::sleep(LONGEST_NAP.min(Duration::from_micros(u64::from(looks)))),
    }
}
