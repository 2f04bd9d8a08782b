//! The workers of an [`Ipc`](crate::Ipc): so many slots, each with a process or not yet one, lent to maps one by one.
//!
//! ```text
//!   map on thread A ── wait: in a line, first come first served ──> Slot 0
//!                      take: what is free, where nobody waits ────> Slot 1
//!   map on thread B ── wait ─────────────> (A sees that somebody waits, and gives one up after a while)
//! ```
//! Invariants: a slot is lent to one map at a time; a process is in the pool or in a lent slot; nobody sleeps here while a slot
//! is free and nobody else is before them. No thread belongs to a pool: a process that ended meanwhile is found when it is
//! lent, and all are killed and reaped when the pool is dropped.

use crate::message::Whole;
use crate::seat::Seat;
use partools_os::Located;
use std::collections::{BTreeMap, VecDeque};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Who waits looks again by itself this often.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

#[derive(Debug, Default)]
pub(crate) struct Pool {
    books: Mutex<Books>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Books {
    /// Free slots that have a process.
    idle: BTreeMap<usize, Seat>,
    /// The numbers of slots that are lent.
    lent: Vec<usize>,
    /// Who waits, in the order in which they came.
    line: VecDeque<u64>,
    next: u64,
    /// What was published for these workers, and is still needed.
    published: Vec<Published>,
}

/// A published value: its number, and where it lies.
#[derive(Debug)]
struct Published {
    /// The number of the descriptor, which stays open until it is withdrawn.
    file: RawFd,
    whole: Whole,
}

impl Books {
    /// Lends a slot of `size`: best one whose process is there already.
    fn lend(&mut self, size: usize) -> Option<(usize, Option<Seat>)> {
        let warm = self.idle.keys().copied().find(|&number| number < size);
        let number = warm.or_else(|| (0..size).find(|number| !self.lent.contains(number)))?;
        self.lent.push(number);
        Some((number, self.idle.remove(&number)))
    }
}

/// A slot that is lent. Dropping it gives back the slot, and ends the process that it still has.
#[derive(Debug)]
pub(crate) struct Slot<'p> {
    pool: &'p Pool,
    pub(crate) number: usize,
    pub(crate) seat: Option<Seat>,
    /// The process can serve another map.
    is_sound: bool,
}

impl Pool {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does anybody wait for a slot?
    pub(crate) fn is_wanted(&self) -> bool {
        !self.books().line.is_empty()
    }

    /// Is there a free slot, and nobody waits for one?
    pub(crate) fn has_free(&self, size: usize) -> bool {
        let books = self.books();
        books.line.is_empty() && (0..size).any(|number| !books.lent.contains(&number))
    }

    /// A free slot, where nobody waits for one.
    pub(crate) fn take(&self, size: usize) -> Option<Slot<'_>> {
        let mut books = self.books();
        if !books.line.is_empty() {
            return None;
        }
        let (number, seat) = books.lend(size)?;
        drop(books);
        Some(self.slot(number, seat))
    }

    /// The next slot that is free, when it is our turn; `None` where `is_over` says so meanwhile.
    pub(crate) fn wait(&self, size: usize, is_over: impl Fn() -> bool) -> Option<Slot<'_>> {
        let mut books = self.books();
        let turn = books.next;
        books.next += 1;
        books.line.push_back(turn);
        loop {
            let is_first = books.line.front() == Some(&turn);
            let lent = if is_first { books.lend(size) } else { None };
            if lent.is_some() || is_over() {
                books.line.retain(|&other| other != turn);
                drop(books);
                self.changed.notify_all();
                return lent.map(|(number, seat)| self.slot(number, seat));
            }
            let waited = self.changed.wait_timeout(books, LOOK_AGAIN);
            books = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Workers keep this from map to map from now on, under the number that is returned, until it is withdrawn. `located` must
    /// live until then.
    pub(crate) fn publish(&self, located: &Located) -> u64 {
        let mut books = self.books();
        let id = books.next;
        books.next += 1;
        let (offset, len) = (located.offset(), located.len() as u64);
        books.published.push(Published {
            file: located.as_fd().as_raw_fd(),
            whole: Whole { id, offset, len },
        });
        id
    }

    /// Workers let go of it: those that wait at once, the others when they are given back.
    pub(crate) fn withdraw(&self, id: u64) {
        let mut books = self.books();
        books.published.retain(|published| published.whole.id != id);
        for seat in books.idle.values_mut() {
            seat.release(|other| other != id);
        }
    }

    /// The published value in which this lies.
    pub(crate) fn published(&self, located: &Located) -> Option<Whole> {
        let (file, start) = (located.as_fd().as_raw_fd(), located.offset());
        let end = start + located.len() as u64;
        let books = self.books();
        let mut all = books.published.iter().filter(|it| it.file == file);
        let around = |whole: &Whole| whole.offset <= start && end <= whole.offset + whole.len;
        all.find(|it| around(&it.whole)).map(|it| it.whole)
    }

    fn slot(&self, number: usize, seat: Option<Seat>) -> Slot<'_> {
        Slot {
            pool: self,
            number,
            seat,
            is_sound: false,
        }
    }
}

impl Slot<'_> {
    /// Gives it back with its process, which has let go of the map.
    pub(crate) fn give_back(mut self, seat: Seat) {
        self.seat = Some(seat);
        self.is_sound = true;
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        // Else it is killed and reaped before another one may have this number.
        let mut seat = self.seat.take().filter(|_| self.is_sound);
        let number = self.number;
        let mut books = self.pool.books();
        books.lent.retain(|&lent| lent != number);
        if let Some(seat) = &mut seat {
            let published = &books.published;
            seat.release(|id| published.iter().any(|it| it.whole.id == id));
        }
        books.idle.extend(seat.map(|seat| (number, seat)));
        drop(books);
        self.pool.changed.notify_all();
    }
}

/// All are killed before the first one is waited for.
impl Drop for Pool {
    fn drop(&mut self) {
        let books = self.books();
        books.idle.values().for_each(|seat| seat.child.kill());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_lent_once_and_come_back() {
        let pool = Pool::default();
        let (first, second) = (pool.take(2).unwrap(), pool.take(2).unwrap());
        assert_eq!((first.number, second.number), (0, 1));
        assert!(pool.take(2).is_none());
        drop(first);
        assert_eq!(pool.take(2).unwrap().number, 0);
        assert_eq!(pool.take(3).unwrap().number, 0);
    }

    #[test]
    fn who_waits_comes_before_who_takes() {
        let pool = Pool::default();
        let only = pool.take(1).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| pool.wait(1, || false).map(|slot| slot.number));
            while !pool.is_wanted() {
                std::thread::yield_now();
            }
            assert!(pool.take(2).is_none(), "also where one is free");
            drop(only);
            assert_eq!(waiting.join().unwrap(), Some(0));
        });
        assert!(pool.wait(1, || true).is_some(), "what is free is lent");
        let _lent = pool.take(1).unwrap();
        assert!(pool.wait(1, || true).is_none(), "no longer than needed");
        assert!(!pool.is_wanted());
    }
}
