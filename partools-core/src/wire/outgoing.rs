//! An answer on its way out, through anything that bytes can be written to: a pipe, a socket, a file.

use super::answer::{Outlet, Record};
use std::io::{self, Write};

/// Writes each record with one write as soon as it is made, in the form that [`Incoming`](super::Incoming) reads. So where the
/// worker dies in an item, all that was done before is on its way, as long as what is written to does not hold it back.
///
/// ```
/// use partools_core::wire::{Outgoing, Outlet, Record};
/// let mut pipe = Vec::new(); // or a `File`, or a `UnixStream`
/// let mut answer = Outgoing::new(&mut pipe, || usize::MAX); // all items are needed
/// answer.send(Record::End, &[]);
/// answer.finish()?;
/// assert_eq!(pipe.len(), 9);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Outgoing<W, N> {
    to: W,
    needed: N,
    bytes: Vec<u8>,
    written: io::Result<()>,
    broken: bool,
}

impl<W: Write, N: Fn() -> usize> Outgoing<W, N> {
    /// An answer that is written to `to`. Items from the index on that `needed` returns are not needed any more; it is asked
    /// about every 100 µs.
    pub fn new(to: W, needed: N) -> Self {
        Outgoing {
            to,
            needed,
            bytes: Vec::new(),
            written: Ok(()),
            broken: false,
        }
    }

    /// Was everything written, and can the worker go on? To be asked when the [server](super::Server::answer) is done.
    ///
    /// # Errors
    /// The first that a write gave; nothing was written after it, and no more items were called than were under way. And
    /// where a record says that the worker cannot go on: it was written, and the worker must end rather than make its
    /// state again and again.
    pub fn finish(self) -> io::Result<()> {
        match self.broken {
            true => Err(io::Error::other("the worker cannot go on")),
            false => self.written,
        }
    }
}

impl<W: Write, N: Fn() -> usize> Outlet for Outgoing<W, N> {
    fn send(&mut self, record: Record, payload: &[u8]) {
        if self.written.is_ok() {
            self.bytes.clear();
            self.bytes.send(record, payload);
            self.written = self.to.write_all(&self.bytes);
            self.broken |= record == Record::Broken && self.written.is_ok();
        }
    }

    fn needed(&self) -> usize {
        match self.written {
            Ok(()) => (self.needed)(),
            Err(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_write_that_failed_nothing_is_needed_and_nothing_written() {
        let mut room = [0_u8; 12];
        let mut answer = Outgoing::new(&mut room[..], || 7);
        answer.send(Record::Begin, &[]);
        assert_eq!(answer.needed(), 7);
        answer.send(Record::Output, &[1, 2, 3]);
        assert_eq!(answer.needed(), 0);
        answer.send(Record::End, &[]);
        let error = answer.finish().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WriteZero);
        assert_eq!(room[9], Record::Output as u8);
    }

    #[test]
    fn a_worker_that_cannot_go_on_is_told_to_end() {
        let mut pipe = Vec::new();
        let mut answer = Outgoing::new(&mut pipe, || 7);
        answer.send(Record::Broken, &[]);
        assert!(answer.finish().is_err());
        assert_eq!(pipe.len(), 9);
    }
}
