//! The job: who its ranks are, from the beginning to the end.

use crate::executor::{Crew, Mpi};
use crate::freight::Part;
use crate::hosts::Hosts;
use crate::message::{ANSWERS, ORDERS, Word, send};
use crate::serve::serve;
use mpi::environment::{Universe, processor_name};
use mpi::topology::{Process, SimpleCommunicator};
use mpi::traits::{Communicator, CommunicatorCollectives, Root, Source};
use mpi::{Rank, Threading};
use partools_core::Error;
use partools_os::image::Image;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// Begins the job: on rank 0 it returns the executor; on all others it serves until the last clone of that is dropped, and ends
/// the process: they run nothing of `main` behind it. So it stands first in `main`, before anything that only one process
/// should do.
///
/// Without `mpirun` there is one rank, and maps run on the calling thread.
///
/// # Errors
/// Where MPI was begun already; where this executable cannot be told from others (see
/// [`Image::this`]); and where some ranks run another build, which are named. On rank 0, that is; the others end.
pub fn init() -> Result<Mpi, Error> {
    let universe =
        mpi::initialize_with_threading(Threading::Funneled).map(|(universe, _)| universe);
    let universe = universe.ok_or_else(|| {
        Error::executor(
            "MPI was begun already in this process; partools_mpi::init does that itself, and once",
        )
    })?;
    let world = universe.world();
    let identity = Image::this().map(|image| image.identity().to_string());
    let others = ranks_of_other_builds(&world, identity.as_deref().unwrap_or("unknown"));
    let hosts = Hosts::find(&world);
    let places = places(&world);
    let ranks = Ranks {
        is_busy: Cell::new(false),
        maps: Cell::new(0),
        segments: Cell::new(0),
        news: RefCell::new(vec![0; usize::try_from(world.size()).unwrap_or(1)]),
        kept: RefCell::default(),
        places,
        hosts,
        world,
        universe,
    };
    let is_served = identity.is_ok() && others.is_empty();
    if ranks.world.rank() != 0 {
        if is_served {
            serve(&ranks);
        }
        drop(ranks);
        #[expect(
            clippy::disallowed_methods,
            reason = "as documented: they run nothing of `main` behind it"
        )]
        std::process::exit(i32::from(!is_served));
    }
    // Those that could have served have ended.
    ranks.is_busy.set(!is_served);
    identity?;
    if !others.is_empty() {
        let named: Vec<_> = others.iter().map(|&rank| ranks.name(rank)).collect();
        return Err(Error::executor(format!(
            "{} run another build of this program than rank 0; functions cannot be sent between builds: install the same \
             file on all hosts",
            named.join(", ")
        )));
    }
    Ok(Mpi::new(Rc::new(ranks)))
}

/// All ranks, on each of them.
pub(crate) struct Ranks {
    /// A map is under way.
    pub(crate) is_busy: Cell<bool>,
    /// How many maps were begun: the same on all ranks, once they have heard.
    pub(crate) maps: Cell<u64>,
    /// How many messages about what is needed rank 0 has sent to each rank; on another rank, the first is how many it took.
    /// None may be left when MPI is ended.
    pub(crate) news: RefCell<Vec<u64>>,
    /// How many segments were handed out.
    segments: Cell<u64>,
    /// On rank 0: what the others have of the last map, and may be asked to use again.
    pub(crate) kept: RefCell<Vec<Arc<Part>>>,
    /// On rank 0: where each worker is, `rank 3 on node07`, from rank 1 on; then rank 0.
    places: Arc<[String]>,
    hosts: Hosts,
    pub(crate) world: SimpleCommunicator,
    /// Dropped last: it ends MPI.
    #[expect(dead_code, reason = "its drop is what it is kept for")]
    universe: Universe,
}

impl Ranks {
    /// How many there are, rank 0 among them.
    pub(crate) fn count(&self) -> usize {
        usize::try_from(self.world.size()).unwrap_or(1)
    }

    pub(crate) fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// The rank of worker `worker`.
    pub(crate) fn of_worker(worker: usize) -> Rank {
        Rank::try_from(worker + 1).expect("there are as many ranks")
    }

    /// The worker of `rank`, which is not 0.
    pub(crate) fn worker_of(rank: Rank) -> Option<usize> {
        usize::try_from(rank).ok()?.checked_sub(1)
    }

    pub(crate) fn process(&self, rank: Rank) -> Process<'_> {
        self.world.process_at_rank(rank)
    }

    /// All but rank 0.
    pub(crate) fn others(&self) -> impl Iterator<Item = Process<'_>> {
        (1..self.world.size()).map(|rank| self.process(rank))
    }

    /// The next segment's number; the first is 1.
    pub(crate) fn next_segment(&self) -> u64 {
        self.segments.update(|segments| segments + 1);
        self.segments.get()
    }

    /// `rank 3 on node07`.
    pub(crate) fn name(&self, rank: Rank) -> String {
        let at = Self::worker_of(rank).unwrap_or(self.count() - 1);
        let place = self.places.get(at).cloned();
        place.unwrap_or_else(|| format!("rank {rank}"))
    }

    /// Where the workers are, by number.
    pub(crate) fn places(&self, crew: Crew) -> Arc<[String]> {
        let others = self.count() - 1;
        if crew.others == others {
            return Arc::clone(&self.places);
        }
        let root = self.places.last().filter(|_| crew.root_works);
        let used = self.places.iter().take(crew.others);
        used.chain(root).cloned().collect()
    }
}

/// Lets the other ranks go.
impl Drop for Ranks {
    fn drop(&mut self) {
        if self.world.rank() == 0 && !self.is_busy.get() {
            let news = self.news.borrow();
            for (other, news) in self.others().zip(news.iter().skip(1)) {
                send(&other, ORDERS, Word::Quit, &news.to_le_bytes());
            }
        }
    }
}

/// The ranks whose build is not that of rank 0. The same on all ranks.
fn ranks_of_other_builds(world: &SimpleCommunicator, identity: &str) -> Vec<Rank> {
    let root = world.process_at_rank(0);
    let mut len = identity.len() as u64;
    root.broadcast_into(&mut len);
    let mut theirs = identity.as_bytes().to_vec();
    theirs.resize(usize::try_from(len).unwrap_or_default(), 0);
    root.broadcast_into(&mut theirs[..]);
    let mut differ = vec![0_i32; usize::try_from(world.size()).unwrap_or(1)];
    let here = i32::from(theirs != identity.as_bytes());
    world.all_gather_into(&here, &mut differ[..]);
    let ranks = (0..).zip(differ).filter(|&(_, differs)| differs != 0);
    ranks.map(|(rank, _)| rank).collect()
}

/// On rank 0: where each rank is, rank 0 behind the others. Nothing on the others.
fn places(world: &SimpleCommunicator) -> Arc<[String]> {
    let own = processor_name().unwrap_or_else(|_| "an unknown host".to_owned());
    if world.rank() != 0 {
        send(
            &world.process_at_rank(0),
            ANSWERS,
            Word::Records,
            own.as_bytes(),
        );
        return Arc::default();
    }
    let others = (1..world.size()).map(|rank| {
        let matched = world.process_at_rank(rank).matched_probe_with_tag(ANSWERS);
        let name = crate::message::receive(matched, |rank| world.process_at_rank(rank));
        format!("rank {rank} on {}", String::from_utf8_lossy(&name.bytes))
    });
    let others: Vec<_> = others.collect();
    others
        .into_iter()
        .chain([format!("rank 0 on {own}")])
        .collect()
}
