//! What happens in a map, as observers hear it.

use crate::control::Halt;
use crate::error::Error;
use crate::item_error::ItemError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use std::time::{Duration, Instant};

/// Something that happened in a map. There may be new kinds in any release.
///
/// Executors tell what only they know by [`Run::note`](crate::Run::note); the rest comes from the core. Ranges of items are
/// [places](crate::Run::item_at) in the hand-out, which are their indices unless the plan orders or picks; errors and the
/// slowest items have indices.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event<'e> {
    /// The map begins. The first event of each map, and [`Ended`](Self::Ended) is the last. (A map that is refused
    /// before it begins has no events.)
    Started {
        /// The executor's name; empty where there are no items, so that none was asked.
        executor: &'static str,
        /// How many workers it will use at most.
        workers: usize,
        /// How many items there are.
        items: usize,
    },
    /// A chunk was handed out, or a claim made elsewhere was admitted.
    Claimed {
        /// Its items.
        items: Range<usize>,
        /// The attempt of the first of them: 0, or more where it failed before.
        attempt: u32,
        /// The worker, where it is known by now.
        worker: Option<usize>,
    },
    /// A claim ended, or the part of it that came to its end: these items are finished, with an output or a failure.
    /// **Each item that is ever finished is in exactly one of these**, on every executor.
    Done {
        /// The items; never none.
        items: Range<usize>,
        /// How many of them failed.
        failed: usize,
        /// The worker, where it is known.
        worker: Option<usize>,
        /// When they were handed out, in this process. Until now they were waited for, worked on, and brought home.
        since: Instant,
    },
    /// A worker worked on a chunk, and measured it where it works. From workers that run the core's loop in this
    /// process, and from executors that carry it home.
    Worked {
        /// The worker, where it is known.
        worker: Option<usize>,
        /// The items, as they were handed to it; it need not have come to the end of them.
        items: Range<usize>,
        /// When it began, in this process's time.
        begun: Instant,
        /// When it was done.
        ended: Instant,
        /// Its slowest items, up to [`Timed::MOST`], in no order. None where
        /// [nobody wants them](crate::Wants::item_times).
        slowest: &'e [Timed],
    },
    /// An item failed for good.
    Failed {
        /// Which, and why. The item's label is not asked for.
        error: &'e ItemError,
    },
    /// An item failed and will be tried again.
    Retried {
        /// Which, and why.
        error: &'e ItemError,
        /// How long it waits before it is tried again, at least.
        wait: Duration,
    },
    /// A worker lives.
    WorkerStarted {
        /// Its number.
        worker: usize,
        /// The id of its process, if it has one of its own.
        process: Option<u32>,
        /// It takes the place of one that died.
        again: bool,
    },
    /// Where a worker is, told once for a map by executors whose workers may be on other hosts.
    WorkerPlaced {
        /// Its number.
        worker: usize,
        /// Where, as in "rank 3 on node07".
        place: &'e str,
    },
    /// A worker ended well.
    WorkerEnded {
        /// Its number.
        worker: usize,
    },
    /// A worker died by itself, or was killed by somebody else.
    WorkerDied {
        /// Its number.
        worker: usize,
        /// The item that it was at, if that is known.
        item: Option<usize>,
        /// How it ended, as in "it was killed by SIGSEGV".
        why: &'e str,
    },
    /// A worker was stopped by its executor: its item was late, not needed any more, or it held too much memory.
    WorkerStopped {
        /// Its number.
        worker: usize,
        /// The item that it was at, if that is known.
        item: Option<usize>,
        /// Why, as in "its item ran longer than 1s".
        why: &'e str,
    },
    /// The map goes on with fewer workers.
    FewerWorkers {
        /// So many.
        left: usize,
        /// Why, as in "2 workers died for want of memory".
        why: &'e str,
    },
    /// A worker process was forked.
    Forked {
        /// Its number.
        worker: usize,
        /// How long this process was held up by it: mostly the copying of page tables.
        took: Duration,
        /// The bytes of page tables that the child has, where the system says so.
        page_tables: Option<u64>,
    },
    /// Bytes were moved to or from workers: items, outputs, the shared argument where it is copied.
    Moved {
        /// So many, since the last such event of this worker.
        bytes: u64,
        /// The worker, where it is known.
        worker: Option<usize>,
    },
    /// A worker process, near its end, had made so much memory its own: what it wrote to. (Where
    /// [somebody wants it](crate::Wants::memory); a worker that dies tells nothing.)
    Dirtied {
        /// Its number.
        worker: usize,
        /// Private dirty bytes, more than at its start.
        bytes: u64,
    },
    /// Something that the user should know and that does not end the map.
    Warning {
        /// A sentence.
        text: &'e str,
    },
    /// The map ended.
    Ended {
        /// How.
        ending: Ending<'e>,
    },
}

/// How a map ended.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Ending<'e> {
    /// All that was needed is finished. Failures are results too, where the ending of the map wants them.
    Finished,
    /// It was stopped by its token or deadline, and what was finished by then is its result.
    Stopped(Halt),
    /// With this error.
    Failed(&'e Error),
    /// A panic, of the callback or the executor, goes on behind it.
    Unwound,
}

impl fmt::Display for Ending<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::Finished => f.write_str("all that was needed is finished"),
            Ending::Stopped(halt) => halt.fmt(f),
            Ending::Failed(error) => error.fmt(f),
            Ending::Unwound => f.write_str("a panic, which goes on"),
        }
    }
}

/// How long some items took, together.
///
/// One item, where items take longer than 5 µs. Cheaper ones are timed a few in a row, about 10 µs' worth: reading the
/// clock for each would cost more than they do. So no single item of a range took longer than the whole range did.
/// The time is that between two reads of the worker's clock: with the item goes what the worker does between items,
/// 0.1 µs or so where outputs stay in the process, and the sending of its output where not. An item that failed is
/// timed too; the making of a worker's state is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timed {
    items: Range<usize>,
    took: Duration,
}

impl Timed {
    /// So many slowest items are kept, per chunk and per map.
    pub const MOST: usize = 10;

    /// These items took so long together.
    #[must_use]
    pub fn new(items: Range<usize>, took: Duration) -> Self {
        Timed { items, took }
    }

    /// The items.
    #[must_use]
    pub fn items(&self) -> Range<usize> {
        self.items.clone()
    }

    /// How long they took together.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.took
    }
}
