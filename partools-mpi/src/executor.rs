//! Rank 0: deals chunks, takes answers.

use crate::message::{ANSWERS, EAGER, NEEDED, ORDERS, Received, Word, receive, send};
use crate::ranks::Ranks;
use mpi::Rank;
use mpi::traits::{Communicator, Source};
use partools_core::wire::{Incoming, Parcel, Request, request};
use partools_core::{
    Caller, Capabilities, Chunk, Error, Executor, Portable, PortableTask, Run, worker_count,
};
use partools_os::SharedVec;
use partools_os::image::Image;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::rc::Rc;
use std::time::Duration;

/// A rank has so many chunks at most: one that it works on, and the next, so that it need not wait for it.
const WINDOW: usize = 2;
/// Between two looks for answers, where there was none: the first looks come at once, later ones after longer and longer.
const LOOKS: u32 = 64;
const LONGEST_NAP: Duration = Duration::from_micros(200);

/// Runs a map on the ranks of this MPI job but rank 0, which deals. Made by [`init`](crate::init); clones are the same job.
///
/// Workers are ranks 1 and up, so worker 0 is rank 1. In a job of one rank, and for a map that is begun while another one is
/// under way (by the callback of a `for_each`), items run on the calling thread. The shared argument is copied once on rank 0
/// and once on each further host, for each map; all ranks of a host map the same memory.
///
/// Open MPI and MPICH want one thread to call them, so it is neither `Send` nor `Sync`.
#[derive(Clone)]
pub struct Mpi {
    ranks: Rc<Ranks>,
    asked: Option<usize>,
}

impl Mpi {
    pub(crate) fn new(ranks: Rc<Ranks>) -> Self {
        Mpi { ranks, asked: None }
    }

    /// At most so many workers, those on the lowest ranks; all, if not set.
    #[must_use]
    pub fn workers(mut self, count: usize) -> Self {
        self.asked = Some(count);
        self
    }

    /// How many ranks the job has, rank 0 among them.
    #[must_use]
    pub fn ranks(&self) -> usize {
        self.ranks.count()
    }

    fn crew(&self) -> usize {
        let most = self.asked.unwrap_or(usize::MAX);
        (self.ranks.count() - 1).min(most)
    }
}

impl std::fmt::Debug for Mpi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mpi")
            .field("ranks", &self.ranks())
            .field("workers", &self.crew())
            .finish()
    }
}

impl<T> Executor<T> for Mpi
where
    T: PortableTask,
    T::Output: Portable,
{
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("mpi", self.crew().max(1))
    }

    fn execute(
        &self,
        task: &T,
        run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        if let Some(asked) = self.asked {
            worker_count(Some(asked))?;
        }
        let ranks = &*self.ranks;
        if self.crew() == 0 || ranks.is_busy.get() {
            caller.work(task);
            return Ok(());
        }
        let mut map = Map::begin(ranks, self.crew(), task, run)?;
        map.deal(task, caller)?;
        map.end()
    }
}

/// A map under way. Dropped, also by a panic of the callback's, it waits until all ranks are done with it.
struct Map<'m, 'r, O: Portable> {
    ranks: &'m Ranks,
    run: &'r Run<O>,
    /// What each worker has to answer, in the order in which it was told.
    told: Vec<VecDeque<Told<'r, O>>>,
    /// How many items the workers believe to be needed.
    needed: usize,
    /// Which ranks have said that they are done with the map, by worker.
    done: Vec<bool>,
    /// The first failure of a rank.
    failure: Option<Error>,
    /// Mapped by the ranks of this host.
    _segment: Option<SharedVec<u8>>,
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
    fn begin<T>(ranks: &'m Ranks, crew: usize, task: &T, run: &'r Run<O>) -> Result<Self, Error>
    where
        T: PortableTask<Output = O>,
    {
        let parcel = Parcel::pack(task, run.plan())?;
        let entry = Image::this()?.offset_of_entry(parcel.entry())?;
        let len = parcel.segment_len();
        let segment = match len {
            0 => None,
            _ => Some(
                copied(&parcel).map_err(|why| Error::os("memory for the shared argument", why))?,
            ),
        };
        let order = [&entry.to_le_bytes(), &len.to_le_bytes(), parcel.head()].concat();
        ranks.is_busy.set(true);
        ranks.maps.update(|maps| maps + 1);
        for other in ranks.others() {
            send(&other, ORDERS, Word::Map, &order);
        }
        if let Some(segment) = &segment {
            ranks.hosts().hand_out(segment);
        }
        Ok(Map {
            ranks,
            run,
            told: (0..crew).map(|_| VecDeque::new()).collect(),
            needed: usize::MAX,
            done: vec![false; ranks.count() - 1],
            failure: None,
            _segment: segment,
        })
    }

    /// Deals chunks until none is left, and delivers.
    fn deal<T>(&mut self, task: &T, caller: &mut Caller<'_, O>) -> Result<(), Error>
    where
        T: PortableTask<Output = O>,
    {
        let (mut message, mut held, mut looks) = (Request::new(), None, 0);
        while caller.deliver() {
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
        let to = self.ranks.process(Ranks::of_worker(worker));
        send(&to, ORDERS, Word::Chunk, &request);
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
        for worker in 0..self.told.len() {
            let to = self.ranks.process(Ranks::of_worker(worker));
            send(&to, NEEDED, Word::Chunk, news.as_flattened());
        }
    }

    /// Takes what has come. Was there anything?
    fn listen(&mut self) -> Result<bool, Error> {
        let mut is_news = false;
        loop {
            let world = &self.ranks.world;
            let Some(matched) = world
                .any_process()
                .immediate_matched_probe_with_tag(ANSWERS)
            else {
                return Ok(is_news);
            };
            is_news = true;
            let received = receive(matched, |rank| self.ranks.process(rank));
            self.take(received)?;
        }
    }

    fn take(&mut self, received: Received) -> Result<(), Error> {
        let Received { from, word, bytes } = received;
        let worker = Ranks::worker_of(from).unwrap_or(usize::MAX);
        match word {
            Word::Done => self.take_done(from, worker, &bytes),
            Word::Records => {
                let queue = self.told.get_mut(worker);
                let Some(told) = queue.and_then(|queue| queue.front_mut()) else {
                    return Err(self.nonsense(from));
                };
                told.bytes.0.borrow_mut().extend(bytes);
                if told.incoming.read()? {
                    self.told[worker].pop_front();
                }
            }
            _ => return Err(self.nonsense(from)),
        }
        Ok(())
    }

    fn take_done(&mut self, from: Rank, worker: usize, why: &[u8]) {
        if let Some(done) = self.done.get_mut(worker) {
            *done = true;
        }
        if !why.is_empty() {
            let why = format!(
                "{}: {}",
                self.ranks.name(from),
                String::from_utf8_lossy(why)
            );
            self.failure.get_or_insert_with(|| Error::executor(why));
        }
    }

    fn nonsense(&self, from: Rank) -> Error {
        Error::executor(format!("{} said what nobody asked", self.ranks.name(from)))
    }

    /// Waits for all ranks; what they finish meanwhile counts.
    fn end(mut self) -> Result<(), Error> {
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
        let mut looks = 0;
        while self.done.contains(&false) {
            let world = &self.ranks.world;
            let Some(matched) = world
                .any_process()
                .immediate_matched_probe_with_tag(ANSWERS)
            else {
                looks += 1;
                rest(looks);
                continue;
            };
            looks = 0;
            let received = receive(matched, |rank| self.ranks.process(rank));
            if received.word == Word::Done || takes_answers && said.is_ok() {
                said = said.and(self.take(received));
            }
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

/// The parcel's segment, in memory that other processes can map.
fn copied(parcel: &Parcel<'_>) -> io::Result<SharedVec<u8>> {
    let len = usize::try_from(parcel.segment_len()).map_err(io::Error::other)?;
    let mut room = SharedVec::zeroed(len)?;
    parcel.write_segment(&mut &mut room[..])?;
    room.freeze()
}

/// The longer nothing has come, the longer it sleeps.
pub(crate) fn rest(looks: u32) {
    match looks {
        0 => {}
        1..LOOKS => std::thread::yield_now(),
        _ => std::thread::sleep(LONGEST_NAP.min(Duration::from_micros(u64::from(looks)))),
    }
}
