//! What observers are told of children. A child measures where it works and sends that home in records of its own,
//! behind the chunk that it is about; the parent tells it on. None of it decides anything.

use crate::record;
use partools_core::{Event, ItemError, Run, Timed, decode, encode};
use partools_os::{page_table_bytes, private_dirty_bytes};
use std::ops::Range;
use std::time::{Duration, Instant};

/// What a child worked on: the items, begin and end in nanoseconds since the crew's base, and the slowest items.
type Worked = (Range<usize>, u64, u64, Vec<Timed>);

/// The payload of a [`record::WORKED`] about a chunk that ends now.
pub(crate) fn worked(
    items: Range<usize>,
    begun: Instant,
    base: Instant,
    slowest: Vec<Timed>,
) -> Vec<u8> {
    let nanos = |at: Instant| u64::try_from((at - base).as_nanos()).unwrap_or(u64::MAX);
    let worked: Worked = (items, nanos(begun), nanos(Instant::now()), slowest);
    let mut scratch = Vec::new();
    encode(&worked, &mut scratch)
        .map(<[u8]>::to_vec)
        .unwrap_or_default()
}

/// Tells on what a child says for observers alone. `None` where a sound child could not have sent it.
pub(crate) fn tell<O>(
    run: &Run<O>,
    worker: usize,
    base: Instant,
    kind: u8,
    payload: &[u8],
) -> Option<()> {
    match kind {
        record::WORKED => {
            let (items, begun, ended, mut slowest): Worked = decode(payload).ok()?;
            slowest.truncate(Timed::MOST);
            // No sound child writes a time to come.
            let now = Instant::now();
            let at = |nanos| base.checked_add(Duration::from_nanos(nanos));
            let (begun, ended) = (at(begun)?.min(now), at(ended)?.min(now));
            run.note(Event::Worked {
                worker: Some(worker),
                items,
                begun: begun.min(ended),
                ended,
                slowest: &slowest,
            });
        }
        record::RETRIED => {
            let error: ItemError = decode(payload).ok()?;
            run.note(Event::Retried {
                error: &error,
                wait: run.wait_before(error.attempt() + 1),
            });
        }
        record::DIRTIED => {
            let bytes = u64::from_ne_bytes(payload.try_into().ok()?);
            run.note(Event::Dirtied { worker, bytes });
        }
        _ => return None,
    }
    Some(())
}

/// A child was forked, which took so long.
pub(crate) fn forked<O>(
    run: &Run<O>,
    worker: usize,
    pid: Option<u32>,
    took: Duration,
    again: bool,
) {
    run.note(Event::Forked {
        worker,
        took,
        page_tables: pid.and_then(|pid| page_table_bytes(Some(pid)).ok()),
    });
    run.note(Event::WorkerStarted {
        worker,
        process: pid,
        again,
    });
}

/// What a child had dirtied when it was born, for [`dirtied`]; where somebody wants to know.
pub(crate) fn dirty_at_birth<O>(run: &Run<O>) -> Option<u64> {
    run.wants().has_memory().then(private_dirty_bytes)?.ok()
}

/// The payload of a [`record::DIRTIED`].
pub(crate) fn dirtied(at_birth: u64) -> Option<[u8; 8]> {
    let now = private_dirty_bytes().ok()?;
    Some(now.saturating_sub(at_birth).to_ne_bytes())
}
