//! An answer: records of outputs and failures, in the order of the items, on their way back.

use super::error::WireError;
use super::incoming::Records;
use super::request::Header;
use super::row::{accept_output, accept_row};
use super::stretch::Stretch;
use crate::chunk::Chunk;
use crate::item_error::ItemError;
use crate::observe::Timed;
use crate::portable::{Portable, decode};
use crate::worker::Port;
use crate::worker_error::WorkerError;
use std::time::Duration;

/// What a record is.
///
/// ```
/// # use partools_core::{Caller, Capabilities, Chunks, Error, Executor, Portable, PortableTask, Run, over};
/// # use partools_core::wire::*;
/// # struct Example;
/// # impl<T: PortableTask<Output: Portable>> Executor<T> for Example {
/// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
/// # fn execute(&self, task: &T, run: &Run<T::Output>, _: &mut Caller<'_, T::Output>) -> Result<(), Error> {
/// # let (parcel, mut message) = (Parcel::pack(task, run.plan())?, Request::new());
/// # let mut chunk = run.try_claim().expect("a chunk");
/// # request(task, &mut chunk, &mut message)?;
///
/// struct Kinds(Vec<Record>);
/// impl Outlet for Kinds {
///     fn send(&mut self, record: Record, _payload: &[u8]) { self.0.push(record); }
/// }
/// let mut kinds = Kinds(Vec::new());
/// parcel.entry().serve(parcel.head(), &[&[]], 0, &mut |server| {
///     server.answer(message.as_bytes(), &mut kinds).expect("an honest request");
/// })?;
/// // Of `1 / i` for the items 0 and 1:
/// assert_eq!(kinds.0, [Record::Begin, Record::Failed, Record::Output, Record::End]);
/// # drop(chunk);
/// # run.abort(Error::executor("seen"));
/// # Ok(())
/// # }
/// # }
/// # assert_eq!(over(0..2).map(|i| 1 / i).run(&Example).unwrap_err().to_string(), "seen");
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Record {
    /// An answer begins.
    Begin = 1,
    /// The output of the next item.
    Output = 2,
    /// The next item failed.
    Failed = 3,
    /// The worker cannot go on; the map ends.
    Broken = 4,
    /// The answer is whole. Fewer items than asked for: the rest is not needed.
    End = 5,
    /// How long it took, and the slowest items. Only where somebody looks on.
    Worked = 6,
    /// The outputs of the next items, one or more, behind one another: elements as [`Encoded::Element`](super::Encoded::Element) has them.
    Row = 7,
}

impl Record {
    /// The kind with this number, for executors whose records are not in the form of a vector's: `record as u8` is what
    /// they send.
    ///
    /// ```
    /// use partools_core::wire::Record;
    /// assert_eq!(Record::from_byte(Record::End as u8), Some(Record::End));
    /// assert_eq!(Record::from_byte(99), None);
    /// ```
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        [
            Record::Begin,
            Record::Output,
            Record::Failed,
            Record::Broken,
            Record::End,
            Record::Worked,
            Record::Row,
        ]
        .into_iter()
        .find(|record| *record as u8 == byte)
    }
}

/// Takes the records of an answer as they are made.
///
/// A vector of bytes is one: it gathers a whole answer, for [`deliver`] to read. An executor that streams
/// has an [`Outgoing`](super::Outgoing), whose bytes an [`Incoming`](super::Incoming) reads; or an outlet and a form of its own,
/// and hands each record to [`accept`].
///
/// Nothing can be returned here. An outlet that cannot send (the disk is full, the line is cut) keeps its error, says from
/// then on that 0 items are [`needed`](Self::needed), and tells when the answer is over.
///
/// ```
/// # use partools_core::{Caller, Capabilities, Chunks, Error, Executor, Portable, PortableTask, Run, over};
/// # use partools_core::wire::*;
/// # struct Example;
/// # impl<T: PortableTask<Output: Portable>> Executor<T> for Example {
/// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
/// # fn execute(&self, task: &T, run: &Run<T::Output>, _: &mut Caller<'_, T::Output>) -> Result<(), Error> {
/// # let (parcel, mut message) = (Parcel::pack(task, run.plan())?, Request::new());
/// # let mut chunk = run.try_claim().expect("a chunk");
/// # request(task, &mut chunk, &mut message)?;
///
/// /// Sends each record off at once, until somebody says that it is enough.
/// struct Line { sent: usize, wanted: usize }
/// impl Outlet for Line {
///     fn send(&mut self, record: Record, _payload: &[u8]) { self.sent += usize::from(record == Record::Output); }
///     fn needed(&self) -> usize { if self.sent == 0 { usize::MAX } else { self.wanted } }
/// }
/// let mut line = Line { sent: 0, wanted: 3 };
/// parcel.entry().serve(parcel.head(), &[&[]], 0, &mut |server| {
///     server.answer(message.as_bytes(), &mut line).expect("an honest request");
/// })?;
/// assert!((3..100).contains(&line.sent)); // of 1000: it is asked now and then
/// # drop(chunk);
/// # run.abort(Error::executor("seen"));
/// # Ok(())
/// # }
/// # }
/// # assert_eq!(over(0..1000).map(|i| i).run(&Example).unwrap_err().to_string(), "seen");
/// # Ok::<(), Error>(())
/// ```
pub trait Outlet {
    /// The next record.
    fn send(&mut self, record: Record, payload: &[u8]);

    /// Items from this index on are not needed any more. All are, if not said otherwise.
    fn needed(&self) -> usize {
        usize::MAX
    }

    /// The item at `place` is about to be called: for executors that stop an item which takes too long.
    fn begins(&mut self, place: usize) {
        let _ = place;
    }

    /// No item is under way: one has ended, or the next attempt at it waits.
    fn rests(&mut self) {}

    /// Are small outputs handed to [`gather`](Self::gather)? Asked once for each request. Such an outlet is not told when items
    /// begin and rest: an executor that must know does not gather.
    fn gathers(&self) -> bool {
        false
    }

    /// The output of the next item is this [element](super::Encoded::Element) of a row. What is gathered comes before all that is sent
    /// later, as one [`Record::Row`] or several. Must not panic over bytes: where outputs are plain, it would be taken for the item's.
    fn gather(&mut self, element: &[u8]) {
        let _ = element;
    }

    /// Asked before each piece of work of which the outputs have so many words each. Where they can be laid into memory that is read elsewhere
    /// meanwhile: how many of so many `elements`, at least 1. They are then not gathered, but go into the stretch that is
    /// [lent](Self::lend). None, if not said otherwise.
    fn room(&mut self, words: usize, elements: usize) -> Option<usize> {
        let _ = (words, elements);
        None
    }

    /// The stretch that [`room`](Self::room) has just promised. Must not panic: it would be taken for the item's.
    fn lend(&mut self) -> Option<Stretch<'_>> {
        None
    }
}

impl Outlet for Vec<u8> {
    fn send(&mut self, record: Record, payload: &[u8]) {
        self.push(record as u8);
        self.extend_from_slice(&(payload.len() as u64).to_le_bytes());
        self.extend_from_slice(payload);
    }
}

/// Puts one record into `chunk`. True where the answer is whole with it.
///
/// ```
/// # use partools_core::{Caller, Capabilities, Chunks, Error, Executor, Portable, PortableTask, Run, over};
/// # use partools_core::wire::*;
/// # struct Example;
/// # impl<T: PortableTask<Output: Portable>> Executor<T> for Example {
/// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
/// # fn execute(&self, task: &T, run: &Run<T::Output>, _: &mut Caller<'_, T::Output>) -> Result<(), Error> {
/// # let (parcel, mut message) = (Parcel::pack(task, run.plan())?, Request::new());
/// # let mut chunk = run.try_claim().expect("a chunk");
/// # request(task, &mut chunk, &mut message)?;
///
/// struct Records(Vec<(Record, Vec<u8>)>);
/// impl Outlet for Records {
///     fn send(&mut self, record: Record, payload: &[u8]) { self.0.push((record, payload.to_vec())); }
/// }
/// let mut records = Records(Vec::new());
/// # parcel.entry().serve(parcel.head(), &[&[]], 0, &mut |server| {
/// #     server.answer(message.as_bytes(), &mut records).expect("an honest request");
/// # })?;
/// let mut is_whole = false;
/// for (record, payload) in records.0 {
///     is_whole = accept(record, &payload, &mut chunk)?; // as they arrive
/// }
/// assert!(is_whole && chunk.is_full());
/// # Ok(())
/// # }
/// # }
/// assert_eq!(over(0..3).map(|i| i * 5).run(&Example)?, [0, 5, 10]);
/// # Ok::<(), Error>(())
/// ```
///
/// An output that cannot be read back fails its item, with [`Cause::NotPortable`](crate::Cause::NotPortable) or the panic. An item
/// that failed there goes back where the plan has another attempt for it: workers elsewhere do not retry, so that the count
/// survives them.
///
/// # Errors
/// Where the record does not belong there, ends an answer that lacks items which are needed, or says that the worker
/// cannot go on. The chunk is left as it was (of a row, what was good up to there is in it): it can be given back, lost, or
/// asked for again. What follows from that worker about this chunk must be thrown away.
pub fn accept<O: Portable>(
    record: Record,
    payload: &[u8],
    chunk: &mut Chunk<'_, O>,
) -> Result<bool, WireError> {
    let left = chunk.position()..chunk.range().end;
    if left.is_empty() && matches!(record, Record::Output | Record::Failed | Record::Row) {
        return Err(WireError::new(
            "an answer with more outputs than items were asked for",
        ));
    }
    match record {
        Record::Begin => {
            let (header, rest) = Header::split(payload)?;
            if header.range != left || !rest.is_empty() {
                return Err(WireError::new(format!(
                    "an answer about items {:?} where {left:?} were asked for",
                    header.range
                )));
            }
        }
        Record::Output => accept_output(payload, chunk),
        Record::Row => accept_row(payload, chunk)?,
        Record::Failed => chunk.failed_by(failure(payload, left.start)?),
        Record::Worked => {
            let (took, slowest): (Duration, Vec<Timed>) = decode(payload)?;
            chunk.tell_worked(took, &slowest);
        }
        Record::Broken => {
            let error: WorkerError = decode(payload)?;
            return Err(match chunk.place() {
                Some(place) => error.with_place(place).into(),
                None => error.into(),
            });
        }
        Record::End => {
            // Or it would be claimed and asked for again and again.
            if left.start < left.end.min(Port::needed(chunk)) {
                return Err(WireError::new(format!(
                    "an answer that ends before item {}, which is needed",
                    left.start
                )));
            }
            return Ok(true);
        }
    }
    Ok(false)
}

/// A failure that is said to be of item `next`.
fn failure(payload: &[u8], next: usize) -> Result<ItemError, WireError> {
    let error: ItemError = decode(payload)?;
    if error.index() == next {
        return Ok(error);
    }
    Err(WireError::new(format!(
        "the failure of item {} where item {next} comes next",
        error.index()
    )))
}

/// Puts a whole answer, gathered in a vector, into `chunk`.
///
/// ```
/// # use partools_core::{Caller, Capabilities, Chunks, Error, Executor, Portable, PortableTask, Run, over};
/// # use partools_core::wire::*;
/// # struct Example;
/// # impl<T: PortableTask<Output: Portable>> Executor<T> for Example {
/// # fn capabilities(&self) -> Capabilities { Capabilities::new("example", 1) }
/// # fn execute(&self, task: &T, run: &Run<T::Output>, _: &mut Caller<'_, T::Output>) -> Result<(), Error> {
/// # let (parcel, mut message) = (Parcel::pack(task, run.plan())?, Request::new());
/// # let mut chunk = run.try_claim().expect("a chunk");
/// # request(task, &mut chunk, &mut message)?;
///
/// # let mut answer = Vec::new();
/// # parcel.entry().serve(parcel.head(), &[&[]], 0, &mut |server| {
/// #     server.answer(message.as_bytes(), &mut answer).expect("an honest request");
/// # })?;
/// let damaged = deliver(&answer[..answer.len() - 1], &mut chunk).unwrap_err();
/// assert_eq!(damaged.to_string(), "what crossed the border is damaged, or not ours: an answer that is cut off");
/// assert_eq!(chunk.position(), 3); // what was good is there
/// # Ok(())
/// # }
/// # }
/// assert_eq!(over(0..3).map(|i| i * 5).run(&Example)?, [0, 5, 10]);
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// As [`accept`], and where the answer is not whole. What was good up to there is in the chunk.
pub fn deliver<O: Portable>(answer: &[u8], chunk: &mut Chunk<'_, O>) -> Result<(), WireError> {
    match Records::default().take(answer, chunk)? {
        true => Ok(()),
        false => Err(WireError::new("an answer that is cut off")),
    }
}
