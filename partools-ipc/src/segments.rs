//! The far side of the freight: maps what a map's workers share, for reading.

use crate::message::Part;
use partools_os::Attached;
use std::io;
use std::os::fd::OwnedFd;

/// What is mapped, in the order of the parts. A part without bytes needs no file.
pub(crate) struct Segments(Vec<Option<Attached>>);

impl Segments {
    /// Maps `parts`, each from the next of `files`; what is left of those belongs to something else.
    pub(crate) fn attach(
        parts: &[Part],
        files: &mut impl Iterator<Item = OwnedFd>,
    ) -> io::Result<Segments> {
        let attached = parts.iter().map(|part| match part.len {
            0 => Ok(None),
            _ => attach(part, files.next().ok_or(io::ErrorKind::InvalidData)?).map(Some),
        });
        Ok(Segments(attached.collect::<io::Result<_>>()?))
    }

    /// The bytes of each.
    pub(crate) fn slices(&self) -> Vec<&[u8]> {
        self.0
            .iter()
            .map(|one| one.as_deref().unwrap_or_default())
            .collect()
    }
}

fn attach(part: &Part, file: OwnedFd) -> io::Result<Attached> {
    let len = usize::try_from(part.len).map_err(|_| io::ErrorKind::OutOfMemory)?;
    match part.is_sealed {
        true => Attached::sealed(file, part.offset, len),
        // SAFETY: the parent has it from a `MappedSlice`, whose maker promised that nobody changes it while that lives; and
        // the map that borrows it does not return before this worker has closed it (`Freight::is_promised`), or is dead.
        false => unsafe { Attached::promised(file, part.offset, len) },
    }
}
