//! Who is compared: a [`Contender`] maps any [`Work`] over items, and an [`Entry`] is one in the list of a
//! comparison, which may also be a script in another language, or one that is missing here and says why.

use crate::catalogue::Workload;
use crate::ideal::Ideal;
use crate::serve::{self, Order};
use crate::work::Work;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It is not made for that: what it lacks.
    Cannot(String),
    /// It should, and did not.
    Failed(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Cannot(why) => write!(f, "cannot: {why}"),
            Trouble::Failed(why) => write!(f, "failed: {why}"),
        }
    }
}

impl std::error::Error for Trouble {}

impl From<partools::Error> for Trouble {
    fn from(error: partools::Error) -> Self {
        Trouble::Failed(error.to_string())
    }
}

/// Something that maps. It lives in a process of its own, for one workload, and may keep its workers between maps.
///
/// For an executor of partools [`executor_contender!`](crate::executor_contender) writes this.
pub trait Contender: Sized + 'static {
    /// With this many workers. They need not be there before the first map.
    fn start(workers: usize) -> Self;

    /// The outputs of `W` over `items`, in their order.
    ///
    /// # Errors
    /// [`Trouble::Cannot`] where it is not made for such work.
    fn map<W: Work>(
        &mut self,
        items: &[W::Item],
        shared: &[W::Shared],
    ) -> Result<Vec<W::Output>, Trouble>;

    /// Hands the outputs to `sink` one by one, in item order, on the calling thread, as soon as they are ready.
    /// Those who have nothing of the kind collect first.
    ///
    /// # Errors
    /// As [`map`](Self::map).
    fn for_each<W: Work>(
        &mut self,
        items: &[W::Item],
        shared: &[W::Shared],
        sink: impl FnMut(W::Output),
    ) -> Result<(), Trouble> {
        self.map::<W>(items, shared)?.into_iter().for_each(sink);
        Ok(())
    }
}

/// What kind of contender it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Not in the race: what an ideal is computed from.
    Reference,
    /// An executor of partools, or one measured with this library.
    Ours,
    /// A crate.
    Rust,
    /// A Python package.
    Python,
    /// An R package.
    R,
}

impl Kind {
    /// Is it one of those that ours are compared with?
    #[must_use]
    pub fn is_peer(self) -> bool {
        matches!(self, Kind::Rust | Kind::Python | Kind::R)
    }
}

/// How a contender is started.
#[derive(Debug, Clone)]
pub enum Launch {
    /// This executable, started again.
    Again(fn(&Order) -> Result<(), Trouble>),
    /// A command that reads an order and answers as `benches/peers/peers.py` does.
    Command(Vec<String>),
    /// Not at all: what is missing.
    Missing(String),
}

impl Launch {
    /// Among the words of a command: the number of ranks of a job, which is one more than the workers.
    pub(crate) const RANKS: &str = "{ranks}";
}

/// A contender in the list of a comparison.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name, as shown.
    pub name: String,
    /// What kind it is.
    pub kind: Kind,
    /// How it is started.
    pub launch: Launch,
    /// Whether it has one worker, however many are asked for.
    pub alone: bool,
}

impl Entry {
    /// A contender of this executable.
    #[must_use]
    pub fn of<C: Contender>(name: &str, kind: Kind) -> Self {
        Entry {
            name: name.to_owned(),
            kind,
            launch: Launch::Again(serve::serve::<C>),
            alone: false,
        }
    }

    /// The same, working alone on the calling thread.
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    /// Whether it takes part in `workload`: all do, but for the copying of bytes, which is there where it is the ideal.
    #[must_use]
    pub fn joins(&self, workload: &Workload) -> bool {
        self.name != "memcpy" || workload.ideal == Ideal::Memcpy
    }

    /// One that cannot be started here, and why.
    #[must_use]
    pub fn missing(name: &str, kind: Kind, why: impl Into<String>) -> Self {
        Entry {
            name: name.to_owned(),
            kind,
            launch: Launch::Missing(why.into()),
            alone: false,
        }
    }
}

/// Makes a [`Contender`] of an executor of partools, by a type of the given name.
///
/// ```
/// use partools_bench::{Contender, Entry, Kind, executor_contender};
///
/// executor_contender!(Two, partools::Threads, |workers| partools::Threads::new().workers(workers));
/// let entry = Entry::of::<Two>("threads", Kind::Ours);
/// assert_eq!(entry.name, "threads");
/// ```
#[macro_export]
macro_rules! executor_contender {
    ($(#[$doc:meta])* $vis:vis $name:ident, $executor:ty, |$workers:pat_param| $make:expr) => {
        $(#[$doc])*
        $vis struct $name($executor);

        impl $crate::Contender for $name {
            fn start(workers: usize) -> Self {
                let $workers = workers;
                $name($make)
            }

            fn map<W: $crate::Work>(
                &mut self,
                items: &[W::Item],
                shared: &[W::Shared],
            ) -> Result<Vec<W::Output>, $crate::Trouble> {
                let job = $crate::partools::over(items)
                    .shared(shared)
                    .map(|item, shared| W::call(item, shared));
                Ok(job.run(&self.0)?)
            }

            fn for_each<W: $crate::Work>(
                &mut self,
                items: &[W::Item],
                shared: &[W::Shared],
                mut sink: impl FnMut(W::Output),
            ) -> Result<(), $crate::Trouble> {
                let job = $crate::partools::over(items)
                    .shared(shared)
                    .map(|item, shared| W::call(item, shared));
                Ok(job.for_each(&self.0, |_, output| sink(output))?)
            }
        }
    };
}
