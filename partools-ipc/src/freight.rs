//! What crosses once for a map: the opening, and the memory that goes with it, published once for all workers.
//!
//! A piece of the shared argument that lies in a `SharedVec` or a `MappedSlice` goes as it is, by descriptor. The others are
//! copied, once, into one sealed segment. Invariant: what a worker maps is sealed, or its owner has promised that it does not
//! change, and then the map does not return before the worker has let go of it.

use crate::message::{OPEN, Opening, Part};
use partools_core::wire::{Parcel, WireError};
use partools_core::{Error, Portable, PortableTask, Run};
use partools_os::image::Image;
use partools_os::{Backing, Line, Located, SharedVec, locate};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A larger head goes in a file of its own.
const LARGE_HEAD: usize = 32 << 10;
/// Where more pieces than that are located, the rest is copied: descriptors are few.
const MOST_LOCATED: usize = Line::MOST_FILES - 2;

pub(crate) struct Freight {
    opening: Vec<u8>,
    files: Vec<File>,
    bytes: u64,
    is_promised: bool,
}

enum File {
    Ours(SharedVec<u8>),
    Located(Located),
}

impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            File::Ours(segment) => segment.as_fd(),
            File::Located(located) => located.as_fd(),
        }
    }
}

impl Freight {
    /// Packs `task`. `timed`: somebody looks at how long items take; `with_cpu`: and at their processor time.
    pub(crate) fn pack<T>(
        task: &T,
        run: &Run<T::Output>,
        timed: bool,
        with_cpu: bool,
    ) -> Result<Self, Error>
    where
        T: PortableTask<Output: Portable>,
    {
        let mut located = Vec::new();
        let mut find = |bytes: &[u8]| {
            let found = Some(bytes).filter(|_| located.len() < MOST_LOCATED);
            located.push(found.and_then(locate)?);
            Some((u32::try_from(located.len()).ok()?, 0))
        };
        let parcel = Parcel::pack_with(task, run.plan(), &mut find)?;
        let entry = Image::this()?.offset_of_entry(parcel.entry())?;
        let own = publish(&parcel)?;
        let mut opening = Opening {
            entry,
            timed,
            with_cpu,
            head: parcel.head().to_vec(),
            segments: vec![Part {
                offset: 0,
                len: parcel.segment_len(),
                is_sealed: true,
            }],
        };
        let is_promised = located
            .iter()
            .any(|found| found.backing() == Backing::Promised);
        opening.segments.extend(located.iter().map(|found| Part {
            offset: found.offset(),
            len: found.len() as u64,
            is_sealed: found.backing() == Backing::Sealed,
        }));
        let own = own.map(File::Ours);
        let mut files: Vec<File> = own.into_iter().collect();
        files.extend(located.into_iter().map(File::Located));
        if opening.head.len() > LARGE_HEAD {
            let head = SharedVec::from_slice(&std::mem::take(&mut opening.head));
            files.push(File::Ours(head.map_err(no_memory)?));
        }
        Ok(Freight {
            opening: opening.to_bytes()?,
            files,
            bytes: parcel.segment_len(),
            is_promised,
        })
    }

    /// How many bytes were copied for it.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Is any of it memory that only stays as it is while the map lasts?
    pub(crate) fn is_promised(&self) -> bool {
        self.is_promised
    }

    /// Sends it to a worker.
    pub(crate) fn open(&self, line: &mut Line) -> io::Result<()> {
        let again = |file: &File| file.as_fd().try_clone_to_owned();
        let files: io::Result<Vec<OwnedFd>> = self.files.iter().map(again).collect();
        line.push(OPEN, &[&self.opening], files?);
        Ok(())
    }
}

/// Copies what lies nowhere else into a sealed segment, in one pass.
fn publish(parcel: &Parcel<'_>) -> Result<Option<SharedVec<u8>>, Error> {
    let len = usize::try_from(parcel.segment_len())
        .map_err(|_| WireError::new("a shared argument that is too large for this machine"))?;
    if len == 0 {
        return Ok(None);
    }
    let mut filling = SharedVec::<u8>::zeroed(len).map_err(no_memory)?;
    parcel
        .write_segment(&mut &mut filling[..])
        .map_err(no_memory)?;
    Ok(Some(filling.freeze().map_err(no_memory)?))
}

fn no_memory(why: io::Error) -> Error {
    Error::os(
        "making the memory in which workers see the shared argument",
        why,
    )
}
