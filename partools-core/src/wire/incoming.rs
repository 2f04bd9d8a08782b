//! An answer that comes in pieces, cut anywhere: from a pipe, a socket, or a file that still grows.

use super::answer::{Record, accept};
use super::error::WireError;
use crate::chunk::Chunk;
use crate::error::Error;
use crate::item_error::Cause;
use crate::portable::Portable;
use std::io::{ErrorKind, Read};

/// A chunk whose answer is on its way, and where it comes from: a file that grows, a pipe, a socket. Written by
/// [`Outgoing`](super::Outgoing), or by a vector of bytes as an [`Outlet`](super::Outlet).
///
/// Each record enters the chunk as soon as it is whole. So where the worker dies, what it had done is there, and the item in
/// flight is the one behind it. Dropping this ends the claim as dropping the [`Chunk`] does.
///
/// ```
/// # use partools_core::{Caller, Capabilities, Cause, Error, Executor, Portable, PortableTask, Run, over};
/// # use partools_core::wire::*;
/// # struct Example;
/// # impl<T: PortableTask<Output: Portable>> Executor<T> for Example {
/// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
/// # fn execute(&self, task: &T, run: &Run<T::Output>, _: &mut Caller<'_, T::Output>) -> Result<(), Error> {
/// # let (parcel, mut message) = (Parcel::pack(task, run.plan())?, Request::new());
/// # let mut chunk = run.try_claim().expect("a chunk");
/// # request(task, &mut chunk, &mut message)?;
/// # let mut pipe = Vec::new();
/// # parcel.entry().serve(parcel.head(), &[&[]], 0, &mut |server| {
/// #     server.answer(message.as_bytes(), &mut pipe).expect("an honest request");
/// # })?;
/// let most_of_it = &pipe[..pipe.len() * 2 / 3];
/// let mut incoming = Incoming::new(chunk, most_of_it);
/// assert!(!incoming.read()?); // not whole yet
/// assert_eq!(incoming.chunk().position(), 1); // of 3 items: one has its output
/// incoming.lost(Cause::Lost { why: "the line is dead".into() })?;
/// # while let Some(chunk) = run.try_claim() { chunk.lost(Cause::NoOutput); }
/// # Ok(())
/// # }
/// # }
/// let results = over(0..3).map(|i| i * 5).try_run(&Example)?;
/// assert_eq!(results[0].as_ref().ok(), Some(&0));
/// assert_eq!(results[1].as_ref().unwrap_err().to_string(), "item 1 was lost with its worker: the line is dead");
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Incoming<'r, O, R> {
    chunk: Chunk<'r, O>,
    from: R,
    records: Records,
}

impl<'r, O: Portable, R: Read> Incoming<'r, O, R> {
    /// The answer about `chunk` that comes from `from`.
    pub fn new(chunk: Chunk<'r, O>, from: R) -> Self {
        Incoming {
            chunk,
            from,
            records: Records::default(),
        }
    }

    /// The chunk, as far as it is filled.
    pub fn chunk(&self) -> &Chunk<'r, O> {
        &self.chunk
    }

    /// Takes what is there: of a file that grows, what was appended since; of a pipe or socket that does not block, what
    /// has arrived; else all that comes until the other end is closed. True where the answer is whole with it.
    ///
    /// # Errors
    /// Where reading fails, and as [`accept`]. What was good up to there is in the chunk.
    pub fn read(&mut self) -> Result<bool, Error> {
        let mut bytes = Vec::new();
        match self.from.read_to_end(&mut bytes) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => {
                Err(Error::os("an answer could not be read", error))
            }
            _ => Ok(self.records.take(&bytes, &mut self.chunk)?),
        }
    }

    /// The worker is dead. Takes what it still sent; the item behind that is [lost](Chunk::lost), unless the answer is whole.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn lost(mut self, cause: impl Into<Cause>) -> Result<(), Error> {
        if !self.read()? {
            self.chunk.lost(cause.into());
        }
        Ok(())
    }

    /// The worker was killed because the run [is stopped](crate::Run::is_stopped). Takes what it still sent; of the item behind
    /// that it is said that it was [stopped](Chunk::stopped), if the answer had begun.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn stopped(mut self) -> Result<(), Error> {
        if !self.read()? && self.records.begun {
            self.chunk.stopped();
        }
        Ok(())
    }
}

/// The records of one answer, however they are cut.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// The beginning of a record whose end is still to come.
    tail: Vec<u8>,
    begun: bool,
    whole: bool,
    /// What follows a damaged record may be about any item: nothing more is taken.
    damaged: bool,
}

impl Records {
    /// Takes the bytes that arrived since. True where the answer is whole with them.
    ///
    /// # Errors
    /// As [`accept`], where the records are not those of an answer, and where something follows its end. What was good up to
    /// there is in the chunk.
    pub(super) fn take<O: Portable>(
        &mut self,
        bytes: &[u8],
        chunk: &mut Chunk<'_, O>,
    ) -> Result<bool, WireError> {
        if std::mem::replace(&mut self.damaged, true) {
            return Err(WireError::new("an answer that was damaged further up"));
        }
        if self.tail.is_empty() {
            let used = self.put(bytes, chunk)?;
            self.tail.extend_from_slice(&bytes[used..]);
        } else {
            let mut tail = std::mem::take(&mut self.tail);
            tail.extend_from_slice(bytes);
            let used = self.put(&tail, chunk)?;
            tail.drain(..used);
            self.tail = tail;
        }
        if self.whole && !self.tail.is_empty() {
            return Err(WireError::new("an answer with something behind its end"));
        }
        self.damaged = false;
        Ok(self.whole)
    }

    /// Puts the whole records at the beginning of `bytes` into `chunk`: how many bytes they are.
    fn put<O: Portable>(
        &mut self,
        bytes: &[u8],
        chunk: &mut Chunk<'_, O>,
    ) -> Result<usize, WireError> {
        let mut rest = bytes;
        while !self.whole
            && let Some((kind, payload, behind)) = first_record(rest)
        {
            let record = Record::from_byte(kind)
                .ok_or_else(|| WireError::new("a record of no known kind"))?;
            if self.begun == (record == Record::Begin) {
                return Err(WireError::new("an answer that does not begin as one"));
            }
            self.begun = true;
            self.whole = accept(record, payload, chunk)?;
            rest = behind;
        }
        Ok(bytes.len() - rest.len())
    }
}

/// The kind of the first record, its payload, and what is behind it; `None` where it is not whole.
fn first_record(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&kind, rest) = bytes.split_first()?;
    let (len, rest) = rest.split_first_chunk()?;
    let len = usize::try_from(u64::from_le_bytes(*len)).ok()?;
    let (payload, behind) = rest.split_at_checked(len)?;
    Some((kind, payload, behind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Outlet, Parcel, Request, request};
    use crate::{Caller, Capabilities, Error, Executor, PortableTask, Run, over};

    /// Lets each answer arrive in pieces of so many bytes.
    struct Pieces(usize);

    impl<T: PortableTask<Output: Portable>> Executor<T> for Pieces {
        fn capabilities(&self) -> Capabilities {
            Capabilities::new("pieces", 2)
        }
        fn execute(
            &self,
            task: &T,
            run: &Run<T::Output>,
            _: &mut Caller<'_, T::Output>,
        ) -> Result<(), Error> {
            let (parcel, mut message) = (Parcel::pack(task, run.plan())?, Request::new());
            while let Some(mut chunk) = run.try_claim() {
                request(task, &mut chunk, &mut message)?;
                let (mut answer, mut answered) = (Vec::new(), Ok(()));
                parcel.entry().serve(parcel.head(), &[&[]], 0, &mut |s| {
                    answered = s.answer(message.as_bytes(), &mut answer);
                })?;
                answered?;
                let mut incoming = Records::default();
                let mut pieces = answer.chunks(self.0).peekable();
                while let Some(piece) = pieces.next() {
                    let is_whole = incoming.take(piece, &mut chunk)?;
                    assert_eq!(is_whole, pieces.peek().is_none());
                }
            }
            Ok(())
        }
    }

    #[test]
    fn an_answer_may_be_cut_anywhere() {
        let texts = |i: usize| "x".repeat(i * i);
        let expected: Vec<String> = (0..20).map(texts).collect();
        for size in (1..40).chain([1000, 100_000]) {
            let job = over(0..20).map(|i| "x".repeat(i * i));
            assert_eq!(job.run(&Pieces(size)).unwrap(), expected, "{size} bytes");
        }
    }

    /// Takes what is given instead of an answer.
    struct Wrong(Vec<u8>);

    impl<T: PortableTask<Output: Portable>> Executor<T> for Wrong {
        fn capabilities(&self) -> Capabilities {
            Capabilities::new("wrong", 1)
        }
        fn execute(
            &self,
            _: &T,
            run: &Run<T::Output>,
            _: &mut Caller<'_, T::Output>,
        ) -> Result<(), Error> {
            let mut chunk = run.try_claim().expect("a chunk");
            let whole = Records::default().take(&self.0, &mut chunk)?;
            Err(Error::executor(format!("whole: {whole}")))
        }
    }

    #[test]
    fn what_is_no_answer_is_an_error_or_never_whole() {
        let error = |bytes: Vec<u8>| {
            let job = over(0..3).map(|i| i);
            job.run(&Wrong(bytes)).unwrap_err().to_string()
        };
        assert!(error(vec![9, 0, 0, 0, 0, 0, 0, 0, 0]).contains("no known kind"));
        let mut end = Vec::new();
        end.send(Record::End, &[]);
        assert!(error(end).contains("does not begin as one"));
        let mut endless = vec![Record::Begin as u8];
        endless.extend_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(error(endless), "whole: false");
    }
}
