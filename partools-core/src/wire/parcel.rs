//! A parcel: what crosses once for a map. A small head, and segments of memory: one of our own into which
//! pieces are copied, and those in which pieces lie already.
//!
//! ```text
//! head:      magic, version | entry's name | plan | places of the pieces | functions | values
//! segment 0: piece, padding, piece, ...      each at a multiple of 64, or of its alignment if that is more
//! ```

use super::entry::Entry;
use super::error::{WireError, broken_by};
use super::frame::{FrameReader, FrameWriter};
use super::{SegmentBuffer, VERSION};
use crate::panics::catch;
use crate::plan::Plan;
use crate::portable::Portable;
use crate::remote::PortableTask;
use crate::retries::Retries;
use crate::shared_arg::{Layout, Piece};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::time::Duration;

const MAGIC: [u8; 4] = *b"ptls";

/// Pieces begin on cache lines of their own.
const ALIGN: usize = 64;

/// Says where memory lies that the far side can map: the number of the segment, from 1, and the offset in it.
///
/// ```
/// use partools_core::{Plan, over, wire::{Locate, Parcel}};
/// let array = vec![1.0; 1000]; // let us say that it lies in a file, from byte 64 on
/// let locate: &mut Locate<'_> = &mut |piece| (piece.as_ptr() == array.as_ptr().cast()).then_some((1, 64));
/// let job = over(0..10).shared(array.as_slice()).map(|i, array| array[i]);
/// let parcel = Parcel::pack_with(job.task(), &Plan::new(), locate)?;
/// assert_eq!(parcel.segment_len(), 0); // nothing is left to be copied
/// # Ok::<(), partools_core::Error>(())
/// ```
pub type Locate<'l> = dyn FnMut(&[u8]) -> Option<(u32, u64)> + 'l;

/// Where a piece lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The number of the segment; 0 is the parcel's own.
    pub(crate) segment: u32,
    /// Where in it, in bytes.
    pub(crate) offset: u64,
    /// How long, in bytes.
    pub(crate) bytes: u64,
    /// The size of an element.
    pub(crate) size: u32,
    /// What an element is aligned to.
    pub(crate) align: u32,
}

impl Place {
    /// The bytes of the piece.
    pub(crate) fn within<'m>(&self, segments: &[&'m [u8]]) -> Result<&'m [u8], WireError> {
        let outside = || {
            WireError::new(format!(
                "a piece of {} bytes at offset {} of segment {}, which is not there",
                self.bytes, self.offset, self.segment
            ))
        };
        let segment = usize::try_from(self.segment)
            .ok()
            .and_then(|n| segments.get(n))
            .ok_or_else(outside)?;
        let start = usize::try_from(self.offset).map_err(|_| outside())?;
        let len = usize::try_from(self.bytes).map_err(|_| outside())?;
        let end = start.checked_add(len).ok_or_else(outside)?;
        segment.get(start..end).ok_or_else(outside)
    }
}

/// What of the plan workers must know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Orders {
    pub(crate) seed: u64,
    /// The first and the longest wait before another attempt. Which failures are worth one is judged on this side.
    pub(crate) waits: (Duration, Option<Duration>),
    /// Somebody may stop the run.
    pub(crate) watched: bool,
    /// Somebody looks on, and wants items to be timed.
    pub(crate) observed: bool,
    pub(crate) times_items: bool,
    /// Requests say which items they mean.
    pub(crate) has_order: bool,
}

impl Orders {
    pub(crate) fn plan(&self) -> Plan {
        let (first, most) = self.waits;
        let retries = Retries::times(0).backoff(first);
        let retries = most.map_or(retries, |most| retries.at_most(most));
        Plan {
            watched: self.watched,
            observed: self.observed,
            times_items: self.times_items,
            ..Plan::new().seed(self.seed).retries(retries)
        }
    }
}

/// What crosses once for a map, packed.
///
/// ```
/// use partools_core::{Plan, over, wire::Parcel};
/// let array = vec![1.0; 1000];
/// let job = over(0..10).shared(array.as_slice()).map(|i, array| array[i]);
/// let parcel = Parcel::pack(job.task(), &Plan::new())?;
/// assert_eq!(parcel.segment_len(), 8000);
/// assert!(parcel.head().len() < 1000);
/// # Ok::<(), partools_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Parcel<'m> {
    entry: Entry,
    head: Vec<u8>,
    pieces: Vec<Piece<'m>>,
    places: Vec<Place>,
    segment_len: u64,
}

impl<'m> Parcel<'m> {
    /// Packs `task`; all its pieces go into the parcel's own segment, number 0.
    ///
    /// # Errors
    /// Where a value of it cannot be encoded.
    pub fn pack<T: PortableTask<Output: Portable>>(
        task: &'m T,
        plan: &Plan,
    ) -> Result<Self, WireError> {
        Self::pack_with(task, plan, &mut |_| None)
    }

    /// Packs `task`. A piece for which `locate` gives the number of a segment, from 1, and its offset there is not
    /// copied: it lies in memory already that the far side can map.
    ///
    /// # Errors
    /// As [`pack`](Self::pack).
    pub fn pack_with<T: PortableTask<Output: Portable>>(
        task: &'m T,
        plan: &Plan,
        locate: &mut Locate<'_>,
    ) -> Result<Self, WireError> {
        let mut layout = Layout::new();
        // The user's own `Serialize` may panic.
        catch(|| task.pack(&mut layout))
            .map_err(|panic| broken_by("packing it for workers elsewhere", &panic))??;
        let Layout {
            pieces,
            values,
            functions,
        } = layout;
        let mut segment_len = 0_u64;
        let mut places = Vec::with_capacity(pieces.len());
        for piece in &pieces {
            let bytes = piece.bytes().len() as u64;
            let (segment, offset) = match locate(piece.bytes()) {
                Some((0, _)) => return Err(WireError::new("segment 0 is the parcel's own")),
                Some(found) => found,
                None => {
                    let align = piece.align().max(ALIGN) as u64;
                    let start = segment_len.checked_next_multiple_of(align);
                    let end = start.and_then(|start| start.checked_add(bytes));
                    let (Some(start), Some(end)) = (start, end) else {
                        return Err(WireError::new("pieces of more bytes than can be counted"));
                    };
                    segment_len = end;
                    (0, start)
                }
            };
            places.push(Place {
                segment,
                offset,
                bytes,
                size: piece.size,
                align: piece.align,
            });
        }
        let orders = Orders {
            seed: plan.seed,
            waits: plan.retries.waits(),
            watched: plan.is_watched(),
            observed: plan.observed,
            times_items: plan.times_items,
            has_order: plan.order.is_some(),
        };
        let entry = Entry::of(task);
        let mut head = FrameWriter::new();
        head.bytes(entry.name().as_bytes());
        head.value(&orders)?;
        head.value(&places)?;
        head.bytes(functions.as_bytes());
        head.bytes(values.as_bytes());
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(head.as_bytes());
        Ok(Parcel {
            entry,
            head: bytes,
            pieces,
            places,
            segment_len,
        })
    }

    /// What serves the task. A worker process finds it by an offset in the executable.
    #[must_use]
    pub fn entry(&self) -> Entry {
        self.entry
    }

    /// The head: small, unless values of the task are large.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// How long the parcel's own segment is, in bytes. 0 where all pieces lie elsewhere.
    #[must_use]
    pub fn segment_len(&self) -> u64 {
        self.segment_len
    }

    /// The parcel's own segment in memory of this process, for workers that share it.
    ///
    /// ```
    /// use partools_core::{Plan, over, wire::Parcel};
    /// let array = [1_u8, 2, 3];
    /// let job = over(0..3).shared(array.as_slice()).map(|i, array| array[i]);
    /// assert_eq!(Parcel::pack(job.task(), &Plan::new())?.segment()?.as_bytes(), array);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Where the memory is not to be had.
    pub fn segment(&self) -> io::Result<SegmentBuffer> {
        SegmentBuffer::fill(self.segment_len, |out| self.write_segment(out))
    }

    /// Writes the parcel's own segment, piece by piece, so that it exists once.
    ///
    /// # Errors
    /// Where `out` fails.
    pub fn write_segment(&self, out: &mut impl Write) -> io::Result<()> {
        let mut at = 0;
        for (piece, place) in self.pieces.iter().zip(&self.places) {
            if place.segment != 0 {
                continue;
            }
            io::copy(&mut io::Read::take(io::repeat(0), place.offset - at), out)?;
            out.write_all(piece.bytes())?;
            at = place.offset + place.bytes;
        }
        Ok(())
    }
}

/// What a head says.
pub(crate) struct Head<'m> {
    pub(crate) orders: Orders,
    pub(crate) places: Vec<Place>,
    pub(crate) functions: &'m [u8],
    pub(crate) values: &'m [u8],
}

impl<'m> Head<'m> {
    pub(crate) fn read(bytes: &'m [u8], name: &str) -> Result<Self, WireError> {
        let rest = bytes
            .strip_prefix(&MAGIC)
            .ok_or_else(|| WireError::new("this is no parcel"))?;
        let (version, rest) = rest
            .split_first_chunk()
            .ok_or_else(|| WireError::new("a parcel that is cut off"))?;
        if u16::from_le_bytes(*version) != VERSION {
            return Err(WireError::new("a parcel of another version of partools"));
        }
        let mut frames = FrameReader::new(rest);
        if frames.bytes() != name.as_bytes() {
            return Err(WireError::new(format!(
                "a parcel for another task than {name}"
            )));
        }
        let orders = frames.value()?;
        let places = frames.value()?;
        let functions = frames.bytes();
        let values = frames.bytes();
        frames.check()?;
        if !frames.is_empty() {
            return Err(WireError::new("a parcel with something behind its end"));
        }
        Ok(Head {
            orders,
            places,
            functions,
            values,
        })
    }
}
