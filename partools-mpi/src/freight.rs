//! What crosses once for a map: the order that begins it, and the memory that goes with it.
//!
//! ```text
//! order   entry, how many segments, (number, length, news) of each, the parcel's head
//! news    once: for this map alone    kept: for the next one, too    known: the ranks have it since the last map
//! ```
//!
//! A piece of the shared argument that lies in a `SharedVec` is a segment of its own, and goes as it is. While maps follow one
//! another that have it, it stays with the ranks: it is sealed, so it is the same for ever, and rank 0 holds its descriptor, so
//! no other memory can be taken for it. A map that does not have it lets go of it, on all ranks. All other pieces are copied,
//! once, into the parcel's own segment. (A `MappedSlice` among them: its file may change between two maps, and be another one on
//! another host.)

use crate::hosts::Segment;
use crate::ranks::Ranks;
use partools_core::wire::{Entry, Parcel, WireError};
use partools_core::{Error, Plan, Portable, PortableTask};
use partools_os::image::Image;
use partools_os::{Attached, Backing, Located, SharedVec, locate};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;

/// So many pieces go as segments of their own at most: each costs every rank a descriptor.
const MOST: usize = 64;

/// A segment, on rank 0.
pub(crate) struct Part {
    number: u64,
    /// The memory that it is a part of, where that is not ours.
    source: Option<Located>,
    /// Where its file has it.
    pub(crate) offset: u64,
    pub(crate) memory: Attached,
}

impl Part {
    fn of(number: u64, located: Located) -> io::Result<Self> {
        let file = located.as_fd().try_clone_to_owned()?;
        Ok(Part {
            number,
            offset: located.offset(),
            memory: Attached::sealed(file, located.offset(), located.len())?,
            source: Some(located),
        })
    }

    /// Is it this one? The descriptor is held by both, so that its number is no other file's.
    fn is(&self, other: &Located) -> bool {
        let file = |located: &Located| located.as_fd().as_raw_fd();
        self.source.as_ref().is_some_and(|own| {
            (file(own), own.offset(), own.len()) == (file(other), other.offset(), other.len())
        })
    }
}

/// What rank 0 sends.
pub(crate) struct Freight {
    pub(crate) entry: Entry,
    pub(crate) head: Vec<u8>,
    pub(crate) order: Vec<u8>,
    /// The segments in order, number 0 of the parcel being the first; none where there is nothing.
    pub(crate) parts: Vec<Option<Arc<Part>>>,
    /// Those of them that the ranks do not have yet.
    pub(crate) news: Vec<Arc<Part>>,
}

impl Freight {
    /// Packs a task for these ranks.
    pub(crate) fn pack<T>(ranks: &Ranks, task: &T, plan: &Plan) -> Result<Self, Error>
    where
        T: PortableTask<Output: Portable>,
    {
        let memory = |why| Error::os("memory for the shared argument", why);
        let mut found = Vec::new();
        let parcel = Parcel::pack_with(task, plan, &mut |bytes| {
            let sealed = locate(bytes).filter(|it| it.backing() == Backing::Sealed);
            found.push(sealed.filter(|_| found.len() < MOST)?);
            Some((u32::try_from(found.len()).ok()?, 0))
        })?;
        let own = copied(&parcel).map_err(memory)?;
        let own = own.map(|own| {
            let file = own.as_fd().try_clone_to_owned()?;
            let memory = Attached::sealed(file, 0, own.len())?;
            let (number, source, offset) = (ranks.next_segment(), None, 0);
            Ok(Arc::new(Part {
                number,
                source,
                offset,
                memory,
            }))
        });
        let own: Option<Arc<Part>> = own.transpose().map_err(memory)?;
        let mut list = vec![Listed::of(own.as_deref(), News::Once)];
        let mut news: Vec<_> = own.iter().cloned().collect();
        let mut parts = vec![own];
        let before = ranks.kept.take();
        for located in found {
            let known = before.iter().find(|part| part.is(&located)).cloned();
            let (part, is_news) = match known {
                Some(part) => (part, News::Known),
                None => {
                    let part = Part::of(ranks.next_segment(), located).map_err(memory)?;
                    (Arc::new(part), News::Kept)
                }
            };
            list.push(Listed::of(Some(&*part), is_news));
            if is_news == News::Kept {
                news.push(Arc::clone(&part));
            }
            parts.push(Some(part));
        }
        let entry = Image::this()?.offset_of_entry(parcel.entry())?;
        Ok(Freight {
            entry: parcel.entry(),
            head: parcel.head().to_vec(),
            order: to_bytes(entry, &list, parcel.head()),
            parts,
            news,
        })
    }

    /// What the ranks have behind this map, too.
    pub(crate) fn kept(&self) -> Vec<Arc<Part>> {
        self.parts.iter().skip(1).flatten().cloned().collect()
    }

    /// How many bytes are new to the ranks.
    pub(crate) fn bytes(&self) -> u64 {
        self.news.iter().map(|part| part.memory.len() as u64).sum()
    }
}

/// The parcel's segment, in memory that other processes can map.
fn copied(parcel: &Parcel<'_>) -> io::Result<Option<SharedVec<u8>>> {
    let len = usize::try_from(parcel.segment_len()).map_err(io::Error::other)?;
    if len == 0 {
        return Ok(None);
    }
    SharedVec::written(len, |mut out| parcel.write_segment(&mut out)).map(Some)
}

/// What is new about a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum News {
    Once = 0,
    Kept = 1,
    Known = 2,
}

/// A segment, as an order lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) number: u64,
    /// 0 where there is nothing.
    pub(crate) len: u64,
    pub(crate) news: News,
}

impl Listed {
    const BYTES: usize = 17;

    fn of(part: Option<&Part>, news: News) -> Self {
        Listed {
            number: part.map_or(0, |part| part.number),
            len: part.map_or(0, |part| part.memory.len() as u64),
            news,
        }
    }
}

fn to_bytes(entry: u64, list: &[Listed], head: &[u8]) -> Vec<u8> {
    let mut bytes = entry.to_le_bytes().to_vec();
    bytes.extend_from_slice(&(list.len() as u64).to_le_bytes());
    for listed in list {
        bytes.extend_from_slice(&listed.number.to_le_bytes());
        bytes.extend_from_slice(&listed.len.to_le_bytes());
        bytes.push(listed.news as u8);
    }
    bytes.extend_from_slice(head);
    bytes
}

/// An order, read: the entry's offset, the segments, the head.
pub(crate) fn read(order: &[u8]) -> Option<(u64, Vec<Listed>, &[u8])> {
    let number = |bytes: &[u8]| Some(u64::from_le_bytes(*bytes.first_chunk()?));
    let (entry, rest) = order.split_at_checked(8)?;
    let (count, rest) = rest.split_at_checked(8)?;
    let bytes = usize::try_from(number(count)?)
        .ok()?
        .checked_mul(Listed::BYTES)?;
    let (list, head) = rest.split_at_checked(bytes)?;
    let list = list.chunks_exact(Listed::BYTES).map(|listed| {
        let news = [News::Once, News::Kept, News::Known];
        Some(Listed {
            number: number(listed)?,
            len: number(&listed[8..])?,
            news: news.into_iter().find(|news| *news as u8 == listed[16])?,
        })
    });
    Some((number(entry)?, list.collect::<Option<_>>()?, head))
}

/// The segments that a rank has, in the order in which the last map listed them.
#[derive(Default)]
pub(crate) struct Hold(Vec<(Listed, Segment)>);

impl Hold {
    /// Takes what an order lists, and lets go of all else. On failure, too, all ranks of the job have gone through all of it.
    pub(crate) fn receive(&mut self, ranks: &Ranks, list: &[Listed]) -> Result<(), Error> {
        let mut before = std::mem::take(&mut self.0);
        let mut failure = None;
        for listed in list {
            let known = before
                .iter()
                .position(|(had, _)| had.number == listed.number);
            let segment = match (listed.len, listed.news, known) {
                (0, ..) => Ok(Segment::None),
                (_, News::Known, Some(at)) => Ok(before.swap_remove(at).1),
                (_, News::Known, None) => {
                    Err(WireError::new("a segment that this rank does not have").into())
                }
                (len, ..) => {
                    let len = usize::try_from(len).unwrap_or(usize::MAX);
                    ranks.hosts().receive(len)
                }
            };
            match segment {
                Ok(segment) => self.0.push((*listed, segment)),
                Err(why) => failure = failure.or(Some(why)),
            }
        }
        failure.map_or(Ok(()), Err)
    }

    pub(crate) fn slices(&self) -> Vec<&[u8]> {
        self.0
            .iter()
            .map(|(_, segment)| segment.as_bytes())
            .collect()
    }

    /// The map is over.
    pub(crate) fn let_go(&mut self) {
        self.0.retain(|(listed, _)| listed.news != News::Once);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_as_it_was_written_and_not_where_it_is_cut_off() {
        let listed = |number, len, news| Listed { number, len, news };
        let list = [
            listed(1, 80, News::Once),
            listed(7, 1 << 40, News::Kept),
            listed(3, 5, News::Known),
        ];
        let order = to_bytes(99, &list, b"head");
        assert_eq!(read(&order), Some((99, list.to_vec(), &b"head"[..])));
        for end in 0..order.len() - 4 {
            assert_eq!(read(&order[..end]), None, "{end} bytes");
        }
    }
}
