//! What crosses once for a map: the opening, and the memory that goes with it, published once for all workers.
//!
//! A piece of the shared argument that lies in a `SharedVec` or a `MappedSlice` goes as it is, by descriptor. The others are
//! copied, once, into one sealed segment; of what was published, workers are sent the file once. Invariant: what a worker maps is sealed, or its owner has promised that it does not
//! change, and then the map does not return before the worker has let go of it.

use crate::executor::NAME;
use crate::message::{OPEN, Opening, Part, Whole};
use crate::pool::Pool;
use partools_core::wire::{Parcel, WireError};
use partools_core::{Error, Portable, PortableTask, Run};
use partools_os::image::Image;
use partools_os::{Backing, Line, Located, SharedVec, locate};
use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A larger head goes in a file of its own.
const LARGE_HEAD: usize = 32 << 10;
/// Where more pieces than that are located, the rest is copied: descriptors are few.
const MOST_LOCATED: usize = Line::MOST_FILES - 2;

/// From this size on, it is looked whether there is room: below it, the look costs more than it tells.
const LOOK_FROM: u64 = 16 << 20;

pub(crate) struct Freight {
    opening: Vec<u8>,
    own: Option<SharedVec<u8>>,
    /// With the numbers under which workers keep them.
    located: Vec<(Located, Option<u64>)>,
    head: Option<SharedVec<u8>>,
    bytes: u64,
    is_promised: bool,
}

impl Freight {
    /// Packs `task`. `pool` knows what was published. `timed`: somebody looks at how long items take; `with_cpu`: and at their
    /// processor time.
    pub(crate) fn pack<T>(
        task: &T,
        run: &Run<T::Output>,
        pool: &Pool,
        (timed, with_cpu): (bool, bool),
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
        let is_promised = located
            .iter()
            .any(|found| found.backing() == Backing::Promised);
        let located = located.into_iter().map(|found| {
            let whole = pool.published(&found);
            (found, whole)
        });
        let located: Vec<(Located, Option<Whole>)> = located.collect();
        let mut opening = Opening {
            entry,
            timed,
            with_cpu,
            head: parcel.head().to_vec(),
            segments: vec![Part {
                offset: 0,
                len: parcel.segment_len(),
                is_sealed: true,
                kept: None,
            }],
        };
        opening
            .segments
            .extend(located.iter().map(|(found, kept)| Part {
                offset: found.offset(),
                len: found.len() as u64,
                is_sealed: found.backing() == Backing::Sealed,
                kept: *kept,
            }));
        let long = (opening.head.len() > LARGE_HEAD).then(|| std::mem::take(&mut opening.head));
        let head = long.map(|head| SharedVec::from_slice(&head)).transpose();
        let numbered = |(found, whole): (Located, Option<Whole>)| (found, whole.map(|it| it.id));
        Ok(Freight {
            opening: opening.to_bytes()?,
            own,
            located: located.into_iter().map(numbered).collect(),
            head: head.map_err(no_memory)?,
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

    /// Sends it to a worker, which keeps what is `known`; that is more from now on.
    pub(crate) fn open(&self, line: &mut Line, known: &mut BTreeSet<u64>) -> io::Result<()> {
        let (mut files, mut sent, mut new) = (Vec::new(), Vec::new(), BTreeSet::new());
        files.extend(self.own.iter().map(AsFd::as_fd));
        for (located, kept) in &self.located {
            let comes = kept.is_none_or(|id| !known.contains(&id) && new.insert(id));
            files.extend(comes.then(|| located.as_fd()));
            sent.push(u8::from(comes));
        }
        files.extend(self.head.iter().map(AsFd::as_fd));
        let files = files.iter().map(BorrowedFd::try_clone_to_owned);
        let files = files.collect::<io::Result<Vec<OwnedFd>>>()?;
        let count = u8::try_from(sent.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        line.push(OPEN, &[&[count], &sent, &self.opening], files);
        known.append(&mut new);
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
    look_for_room(len as u64)?;
    let written = SharedVec::written(len, |mut out| parcel.write_segment(&mut out));
    written.map(Some).map_err(no_memory)
}

/// Refuses what would not fit into the memory that is left.
pub(crate) fn look_for_room(bytes: u64) -> Result<(), Error> {
    if bytes < LOOK_FROM {
        return Ok(());
    }
    partools_os::room_for(bytes).map_err(|why| {
        let why = format!("there is no room for a copy of the shared argument: {why}");
        let instead =
            "share less, map a file (`MappedSlice`), or run on Fork or Threads, which copy nothing";
        Error::refused(NAME, why, instead)
    })
}

pub(crate) fn no_memory(why: io::Error) -> Error {
    Error::os(
        "making the memory in which workers see the shared argument",
        why,
    )
}
