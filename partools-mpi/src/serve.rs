//! The other ranks: map after map, until the job is done.

use crate::freight::{self, Hold};
use crate::map::rest;
use crate::message::{ANSWERS, NEEDED, ORDERS, Received, Word, receive, send};
use crate::ranks::Ranks;
use mpi::traits::{Communicator, Source};
use partools_core::wire::{Gathered, Outlet, Record, Server};
use partools_os::image::Image;
use std::cell::{Cell, RefCell};
use std::error::Error;
use std::time::{Duration, Instant};

/// Records are sent together, up to so many bytes.
const FULL: usize = 64 << 10;
/// But none waits longer, while others are made behind it; and nobody looks oftener at what rank 0 says. MPI may give the processor
/// away at each look where there is nothing (Open MPI does where ranks are more than processors), which costs milliseconds
/// beside a neighbour that never rests.
const PROMPT: Duration = Duration::from_millis(5);

/// Serves until rank 0 says that the job is done.
pub(crate) fn serve(ranks: &Ranks) {
    let mut hold = Hold::default();
    loop {
        let order = next_order(ranks);
        match order.word {
            Word::Map => serve_map(ranks, &mut hold, &order.bytes),
            Word::Quit => return take_rest(ranks, &order.bytes),
            // What a map that failed early here had still been told.
            _ => {}
        }
    }
}

/// Takes the news that nobody looked at, so that none is left.
fn take_rest(ranks: &Ranks, sent: &[u8]) {
    let sent = sent
        .first_chunk()
        .map_or(0, |sent| u64::from_le_bytes(*sent));
    let root = ranks.process(0);
    while ranks.news.borrow()[0] < sent {
        receive(root.matched_probe_with_tag(NEEDED), |rank| {
            ranks.process(rank)
        });
        ranks.news.borrow_mut()[0] += 1;
    }
}

fn next_order(ranks: &Ranks) -> Received {
    let root = ranks.process(0);
    let mut looks = 0;
    loop {
        if let Some(matched) = root.immediate_matched_probe_with_tag(ORDERS) {
            return receive(matched, |rank| ranks.process(rank));
        }
        looks += 1;
        rest(looks);
    }
}

/// Serves one map. Whatever comes of it, rank 0 hears once that this rank is done with it, and all its orders are taken.
fn serve_map(ranks: &Ranks, hold: &mut Hold, order: &[u8]) {
    ranks.maps.update(|maps| maps + 1);
    let is_over = Cell::new(false);
    let why = match try_map(ranks, hold, order, &is_over) {
        Ok(()) => String::new(),
        Err(error) => error.to_string(),
    };
    hold.let_go();
    send(&ranks.process(0), ANSWERS, Word::Done, why.as_bytes());
    while !is_over.get() {
        is_over.set(next_order(ranks).word == Word::Over);
    }
}

fn try_map(
    ranks: &Ranks,
    hold: &mut Hold,
    order: &[u8],
    is_over: &Cell<bool>,
) -> Result<(), Box<dyn Error>> {
    let (entry, list, head) = freight::read(order).ok_or("an order that is cut off")?;
    hold.receive(ranks, &list)?;
    let entry = Image::this()?.entry_at(entry)?;
    let worker = Ranks::worker_of(ranks.world.rank()).ok_or("rank 0 serves no map")?;
    let mut result = Ok(());
    entry.serve(head, &hold.slices(), worker, &mut |server| {
        let needed = Cell::new(usize::MAX);
        let to = ranks.process(0);
        while result.is_ok() && !is_over.get() {
            let order = next_order(ranks);
            match order.word {
                Word::Chunk => {
                    let needed = || look(ranks, &needed);
                    let records = |records: &[u8]| send(&to, ANSWERS, Word::Records, records);
                    result = answer(server, &order.bytes, needed, records);
                }
                _ => is_over.set(true),
            }
        }
    })?;
    result
}

/// Answers one request; its records are handed to `send`, some at a time.
pub(crate) fn answer(
    server: &mut Server<'_>,
    request: &[u8],
    needed: impl Fn() -> usize,
    send: impl FnMut(&[u8]),
) -> Result<(), Box<dyn Error>> {
    let mut parts = Parts {
        needed,
        waiting: RefCell::new(Waiting {
            send,
            records: Gathered::new(),
            sent: Instant::now(),
        }),
        looked: Cell::new(None),
        is_broken: false,
    };
    let answered = server.answer(request, &mut parts);
    parts.waiting.get_mut().flush();
    answered?;
    // It has said so in a record, and must end, rather than make its state again and again.
    match parts.is_broken {
        true => Err("the worker cannot go on".into()),
        false => Ok(()),
    }
}

/// How many items are needed, as far as rank 0 has said. What it said of an earlier map may come late.
fn look(ranks: &Ranks, needed: &Cell<usize>) -> usize {
    let root = ranks.process(0);
    let mut looks_in_vain = 0;
    // A look at Open MPI finds what had been taken in, and takes in what has come: for the next look.
    while looks_in_vain < 2 {
        let Some(matched) = root.immediate_matched_probe_with_tag(NEEDED) else {
            looks_in_vain += 1;
            continue;
        };
        let news = receive(matched, |rank| ranks.process(rank));
        ranks.news.borrow_mut()[0] += 1;
        let (map, items) = news.bytes.split_at(news.bytes.len().min(8));
        if map == ranks.maps.get().to_le_bytes()
            && let Ok(items) = items.try_into()
        {
            let now = usize::try_from(u64::from_le_bytes(items)).unwrap_or(usize::MAX);
            needed.set(needed.get().min(now));
        }
    }
    needed.get()
}

/// Hands on what is sent to it, some of it at a time, and small outputs in rows. What an item that takes long leaves is handed on
/// before the next one begins.
struct Parts<S, N> {
    needed: N,
    waiting: RefCell<Waiting<S>>,
    /// When it was looked last, and what was needed then.
    looked: Cell<Option<(Instant, usize)>>,
    is_broken: bool,
}

/// What is not handed on yet.
struct Waiting<S> {
    send: S,
    records: Gathered,
    sent: Instant,
}

impl<S: FnMut(&[u8])> Waiting<S> {
    fn flush_if_full(&mut self) {
        if self.records.as_bytes().len() >= FULL {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if !self.records.as_bytes().is_empty() {
            (self.send)(self.records.as_bytes());
            self.records.clear();
        }
        self.sent = Instant::now();
    }
}

impl<S: FnMut(&[u8]), N: Fn() -> usize> Outlet for Parts<S, N> {
    fn send(&mut self, record: Record, payload: &[u8]) {
        self.is_broken |= record == Record::Broken;
        let waiting = self.waiting.get_mut();
        waiting.records.send(record, payload);
        waiting.flush_if_full();
    }

    fn gathers(&self) -> bool {
        true
    }

    fn gather(&mut self, element: &[u8]) {
        let waiting = self.waiting.get_mut();
        waiting.records.gather(element);
        waiting.flush_if_full();
    }

    /// Asked between pieces of work, so it may look at the time.
    fn needed(&self) -> usize {
        let mut waiting = self.waiting.borrow_mut();
        let now = Instant::now();
        if now.duration_since(waiting.sent) >= PROMPT {
            waiting.flush();
        }
        match self.looked.get() {
            Some((at, needed)) if now.duration_since(at) < PROMPT => needed,
            _ => {
                let needed = (self.needed)();
                self.looked.set(Some((now, needed)));
                needed
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_long_item_leaves_is_handed_on_before_the_next_one_begins() {
        let handed_on = RefCell::new(Vec::new());
        let mut parts = Parts {
            needed: || 9,
            waiting: RefCell::new(Waiting {
                send: |records: &[u8]| handed_on.borrow_mut().extend_from_slice(records),
                records: Gathered::new(),
                sent: Instant::now(),
            }),
            looked: Cell::new(None),
            is_broken: false,
        };
        parts.gather(&[7; 8]);
        std::thread::sleep(PROMPT);
        assert!(handed_on.borrow().is_empty());
        assert_eq!(parts.needed(), 9);
        assert_eq!(handed_on.borrow().len(), 1 + 8 + 8);
    }

    #[test]
    fn rank_0_is_asked_at_once_and_then_seldom() {
        let looks = Cell::new(0);
        let parts = Parts {
            needed: || {
                looks.update(|looks| looks + 1);
                1000 - looks.get()
            },
            waiting: RefCell::new(Waiting {
                send: |_: &[u8]| {},
                records: Gathered::new(),
                sent: Instant::now(),
            }),
            looked: Cell::new(None),
            is_broken: false,
        };
        let begun = Instant::now();
        for _ in 0..100 {
            assert_eq!(parts.needed(), 1000 - looks.get());
        }
        let seldom = 1 + begun.elapsed().as_nanos() / PROMPT.as_nanos();
        let asked = looks.get() as u128;
        assert!((1..=seldom).contains(&asked), "{asked} looks");

        let before = looks.get();
        std::thread::sleep(PROMPT);
        assert_eq!(parts.needed(), 1000 - before - 1);
    }
}
