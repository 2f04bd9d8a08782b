//! The far side of the freight: maps what a map's workers share, for reading; and keeps what was published, until that is let
//! go of.

use crate::message::{Part, Whole};
use partools_os::Attached;
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::rc::Rc;

/// What stays attached from map to map, by its number.
pub(crate) type Kept = BTreeMap<u64, Rc<Attached>>;

/// What is mapped, in the order of the parts. A part without bytes needs no file.
pub(crate) struct Segments(Vec<Option<Segment>>);

enum Segment {
    Ours(Attached),
    /// So much of what is kept.
    Kept(Rc<Attached>, Range<usize>),
}

impl Segments {
    /// Maps `parts`, each from the next of `files`; what is left of those belongs to something else. `sent`: of each part but
    /// the first, whether its file came along; one that did not is among those that are `kept`.
    pub(crate) fn attach(
        parts: &[Part],
        sent: &[u8],
        files: &mut impl Iterator<Item = OwnedFd>,
        kept: &mut Kept,
    ) -> io::Result<Segments> {
        let sent = std::iter::once(&1).chain(sent);
        let attached = parts.iter().zip(sent).map(|(part, &sent)| {
            let file = match part.len > 0 && sent != 0 {
                true => Some(files.next().ok_or(io::ErrorKind::InvalidData)?),
                false => None,
            };
            match (part.kept, file) {
                (_, None) if part.len == 0 => Ok(None),
                (None, None) => Err(io::ErrorKind::InvalidData.into()),
                (None, Some(file)) => attach(part, file).map(|part| Some(Segment::Ours(part))),
                (Some(whole), file) => keep(part, whole, file, kept).map(Some),
            }
        });
        Ok(Segments(attached.collect::<io::Result<_>>()?))
    }

    /// The bytes of each.
    pub(crate) fn slices(&self) -> Vec<&[u8]> {
        let bytes = self.0.iter().map(|one| one.as_ref().map(Segment::bytes));
        bytes.map(Option::unwrap_or_default).collect()
    }
}

impl Segment {
    fn bytes(&self) -> &[u8] {
        match self {
            Segment::Ours(part) => part,
            Segment::Kept(whole, range) => &whole[range.clone()],
        }
    }
}

/// A part of something that is kept from now on, or was already.
fn keep(part: &Part, whole: Whole, file: Option<OwnedFd>, kept: &mut Kept) -> io::Result<Segment> {
    if let Some(file) = file {
        let all = Part {
            offset: whole.offset,
            len: whole.len,
            ..*part
        };
        kept.insert(whole.id, Rc::new(attach(&all, file)?));
    }
    let lost = || io::Error::other("a published value that this worker does not have");
    let all = kept.get(&whole.id).ok_or_else(lost)?;
    let start = part.offset.checked_sub(whole.offset);
    let start = start.and_then(|start| usize::try_from(start).ok());
    let end = start.and_then(|start| start.checked_add(usize::try_from(part.len).ok()?));
    let range = start.zip(end).filter(|&(_, end)| end <= all.len());
    let (start, end) = range.ok_or(io::ErrorKind::InvalidData)?;
    Ok(Segment::Kept(Rc::clone(all), start..end))
}

fn attach(part: &Part, file: OwnedFd) -> io::Result<Attached> {
    let len = usize::try_from(part.len).map_err(|_| io::ErrorKind::OutOfMemory)?;
    match part.is_sealed {
        true => Attached::sealed(file, part.offset, len),
        // SAFETY: the parent has it from a `MappedSlice`, whose maker promised that nobody changes it while that lives; and
        // the map that borrows it does not return before this worker has closed it (`Freight::is_promised`), or is dead.
        // Where it is kept for longer, nobody reads it but in such maps.
        false => unsafe { Attached::promised(file, part.offset, len) },
    }
}
