//! A row: small outputs behind one another, one record for all of them, since a record for each would cost more than they do.
//!
//! ```text
//! fixed size:  | its bytes, zeros to a multiple of 8 | its bytes, zeros .. |
//! any other:   | length (as of a frame's values), its bytes, zeros to a multiple of 8 | ..
//! ```
//! Whole words, so that a ring in shared memory takes an element by some plain stores.

use super::error::{WireError, cause_of};
use super::frame::{FrameReader, FrameWriter, is_fixed};
use crate::chunk::Chunk;
use crate::item_error::{Cause, ItemError};
use crate::panics::catch;
use crate::portable::{CodecError, Portable, decode, encode, is_plain, lend};
use crate::worker::Port;
use std::cell::Cell;

/// What is longer is better off as a record of its own.
const LONGEST: usize = 512;
const WORD: usize = size_of::<u64>();

/// An output in bytes, as [`Encoder::encode`] has it.
///
/// ```
/// use partools_core::wire::{Encoded, Encoder};
/// let mut encoder = Encoder::new(true);
/// assert_eq!(encoder.encode(&7_u16)?, Encoded::Element(&[7, 0]));
/// assert_eq!(encoder.encode(&"seven".to_owned())?, Encoded::Element(&[6, 5, b's', b'e', b'v', b'e', b'n']));
/// assert_eq!(encoder.encode(&vec![1_u8; 1000])?, Encoded::Record(&[1; 1000]));
/// # Ok::<(), partools_core::CodecError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoded<'a> {
    /// An element of a row, of at most 512 bytes and its length, to be filled up with zeros to a multiple of 8 bytes. Elements
    /// behind one another are the payload of a [`Record::Row`](super::Record::Row).
    Element(&'a [u8]),
    /// The payload of a [`Record::Output`](super::Record::Output): what is longer, or where there are no rows.
    Record(&'a [u8]),
}

/// Encodes outputs one after the other, in room that is used again.
#[derive(Debug, Default)]
pub struct Encoder {
    rows: bool,
    scratch: Vec<u8>,
    element: FrameWriter,
}

impl Encoder {
    /// Whether small outputs become elements of `rows`.
    #[must_use]
    pub fn new(rows: bool) -> Self {
        Encoder {
            rows,
            ..Encoder::default()
        }
    }

    /// The element that an output is by itself: where there are rows, and its type is plain and of one size. Nothing of the user's
    /// is called, and nothing is copied.
    ///
    /// ```
    /// use partools_core::wire::Encoder;
    /// assert_eq!(Encoder::new(true).element(&7_u16), Some(&[7, 0][..]));
    /// assert_eq!(Encoder::new(true).element(&"seven".to_owned()), None);
    /// assert_eq!(Encoder::new(false).element(&7_u16), None);
    /// ```
    #[inline]
    pub fn element<'a, O: Portable>(&self, output: &'a O) -> Option<&'a [u8]> {
        let is_element = self.rows && is_fixed::<O>(is_plain::<O>());
        is_element.then(|| lend(output))
    }

    /// How many words the [element](Self::element) of each output has, where that is known before there is one.
    #[must_use]
    #[inline]
    pub fn words<O: Portable>(&self) -> Option<usize> {
        let is_element = self.rows && is_fixed::<O>(is_plain::<O>());
        is_element.then_some(size_of::<O>().div_ceil(WORD))
    }

    /// The bytes of an output that is sent home.
    ///
    /// # Errors
    /// Where it cannot be encoded.
    #[inline]
    pub fn encode<'a, O: Portable>(&'a mut self, output: &'a O) -> Result<Encoded<'a>, CodecError> {
        if let Some(element) = self.element(output) {
            return Ok(Encoded::Element(element));
        }
        let bytes = encode(output, &mut self.scratch)?;
        if !self.rows || bytes.len() > LONGEST {
            return Ok(Encoded::Record(bytes));
        }
        self.element.clear();
        self.element.bytes(bytes);
        Ok(Encoded::Element(self.element.as_bytes()))
    }
}

/// Appends an element to a row, filled up to whole words.
pub(crate) fn append_element(row: &mut Vec<u8>, element: &[u8]) {
    let end = row.len() + element.len().next_multiple_of(WORD);
    row.extend_from_slice(element);
    row.resize(end, 0);
}

/// Puts the outputs of a row into `chunk`.
///
/// # Errors
/// Where it is none, or has more outputs than the chunk has items. What was good up to there is in the chunk.
pub(super) fn accept_row<O: Portable>(
    row: &[u8],
    chunk: &mut Chunk<'_, O>,
) -> Result<(), WireError> {
    if row.is_empty() || !row.len().is_multiple_of(WORD) {
        return Err(WireError::new("a row that is not of whole words"));
    }
    match is_fixed::<O>(is_plain::<O>()) {
        true => accept_fixed(row, chunk),
        false => accept_others(row, chunk),
    }
}

fn too_many() -> WireError {
    WireError::new("an answer with more outputs than items were asked for")
}

/// Elements of a size that the type tells, and whose bytes are always a value.
fn accept_fixed<O: Portable>(row: &[u8], chunk: &mut Chunk<'_, O>) -> Result<(), WireError> {
    let stride = size_of::<O>().next_multiple_of(WORD);
    if !row.len().is_multiple_of(stride) {
        return Err(WireError::new("a row that ends within an output"));
    }
    let mut elements = row.chunks_exact(stride);
    if elements.len() > chunk.range().end - chunk.position() {
        return Err(too_many());
    }
    while elements.len() > 0 {
        let room = chunk.room(elements.len());
        let told = Cell::default();
        let mut writer = chunk.writer(room, &told);
        for element in elements.by_ref().take(room) {
            writer.push(decode(&element[..size_of::<O>()])?);
        }
        drop(writer);
        chunk.advance(room);
    }
    chunk.run().a_worker_lives();
    Ok(())
}

/// Elements that say how long they are. One that cannot be read fails its item.
fn accept_others<O: Portable>(row: &[u8], chunk: &mut Chunk<'_, O>) -> Result<(), WireError> {
    let mut rest = FrameReader::new(row);
    while !rest.is_empty() {
        let bytes = rest.bytes();
        let used = row.len() - rest.left();
        rest.skip(used.next_multiple_of(WORD) - used);
        rest.check()?;
        if chunk.is_full() {
            return Err(too_many());
        }
        accept_output(bytes, chunk);
    }
    Ok(())
}

/// Puts one output into `chunk`, where there is room.
pub(super) fn accept_output<O: Portable>(bytes: &[u8], chunk: &mut Chunk<'_, O>) {
    let cause = match catch(|| decode(bytes)) {
        Ok(Ok(output)) => return drop(chunk.push(output)),
        Ok(Err(error)) => Cause::NotPortable(error),
        // The user's own `Deserialize` panicked.
        Err(panic) => cause_of(panic),
    };
    chunk.fail(ItemError::new(chunk.position(), chunk.attempt(), cause));
}
