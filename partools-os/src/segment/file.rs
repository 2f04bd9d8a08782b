//! A file as a slice, mapped and never read into memory.
//!
//! The mapping is shared and read-only, through a descriptor that can only read. So a fork copies no page tables for it,
//! [`foreign_writable_shared`](crate::foreign_writable_shared) does not list it (no child can write through it, nor make
//! it writable), and every process reads the one copy that the kernel keeps of the file. The price of that is the
//! promise in [`MappedSlice`]'s constructors.

use std::any::type_name;
use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use bytemuck::Pod;
use rustix::fs::{FileType, OFlags};

use super::mapping::Mapping;
use super::reopen;
use crate::descriptors::above_streams;
use crate::registry::Backing;

/// Which part of a file is mapped, in bytes from its beginning and elements.
///
/// ```
/// use partools_os::FilePart;
/// FilePart::whole();
/// FilePart::from_byte(512); // all behind a header of 512 bytes
/// FilePart::from_byte(512).elements(1000); // and no more than that
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilePart {
    offset: u64,
    elements: Option<usize>,
}

impl FilePart {
    /// All of the file, which must be a whole number of elements.
    #[must_use]
    pub fn whole() -> FilePart {
        FilePart::from_byte(0)
    }

    /// All behind the first `offset` bytes, which must be a multiple of the elements' alignment (of pages it need not).
    #[must_use]
    pub fn from_byte(offset: u64) -> FilePart {
        FilePart {
            offset,
            elements: None,
        }
    }

    /// Exactly `count` elements, whatever lies behind them.
    #[must_use]
    pub fn elements(self, count: usize) -> FilePart {
        FilePart {
            elements: Some(count),
            ..self
        }
    }

    /// How many elements of type `T` that is in a file of `size` bytes.
    fn count<T: Pod>(self, size: u64) -> io::Result<usize> {
        let FilePart { offset, elements } = self;
        let (name, width, align) = (
            type_name::<T>(),
            size_of::<T>() as u64,
            align_of::<T>() as u64,
        );
        if !offset.is_multiple_of(align) {
            return Err(invalid(format!(
                "byte {offset} is no place for {name}, which is aligned to {align} bytes: take a multiple of that, or \
                 map the file as u8"
            )));
        }
        let there = size.checked_sub(offset).ok_or_else(|| {
            ended(format!(
                "the file has {size} bytes, and nothing begins at byte {offset}"
            ))
        })?;
        let count = match elements {
            Some(count) => count as u64,
            None if width == 0 => {
                return Err(invalid(format!(
                    "{name} takes no bytes, so any number of them is in the file: say how many"
                )));
            }
            None if !there.is_multiple_of(width) => {
                return Err(invalid(format!(
                    "{there} bytes are not a whole number of {name} ({width} bytes each), {} are left over: leave them \
                     out with .elements({}), or map another type",
                    there % width,
                    there / width
                )));
            }
            None => there / width,
        };
        if count.checked_mul(width).is_none_or(|bytes| bytes > there) {
            return Err(ended(format!(
                "{count} elements of {name} ({width} bytes each) are more than the {there} bytes that the file has from \
                 byte {offset} on"
            )));
        }
        usize::try_from(count).map_err(|_| {
            invalid(format!(
                "{count} elements are more than this process can address"
            ))
        })
    }
}

/// A file, or a part of one, as a slice: mapped, never read into memory. Pages come in when they are touched.
///
/// As the shared argument of a map it costs no copy on any executor: `.shared(&*mapped)`. Threads and forked children read
/// the same pages, and a fork copies no page tables for them. It does not count as writable shared memory, which
/// `Fork` refuses.
///
/// ```
/// use partools_os::{FilePart, MappedSlice};
/// let path = std::env::temp_dir().join(format!("numbers-{}", std::process::id()));
/// std::fs::write(&path, bytemuck::cast_slice(&[0.5_f64, 1.5, 2.5]))?;
/// // SAFETY: nobody else knows this file.
/// let numbers = unsafe { MappedSlice::<f64>::open(&path, FilePart::from_byte(8)) }?;
/// assert_eq!(numbers[..], [1.5, 2.5]);
/// # std::fs::remove_file(path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Why the constructors are unsafe
/// A `&[T]` tells the compiler that its elements do not change while it is there. A file can be changed at any
/// time, by any process that may write it, and the kernel offers nothing to forbid that for an ordinary file: locks are
/// advice, permissions can be changed, and a writer may have the file open already. So somebody has to promise it, and
/// only you can know. (The `memmap2` crate argues the same way.) **The promise: as long as the `MappedSlice` lives, here or
/// in a process that was forked or attached, nobody writes to the mapped part of the file and nobody shortens the file
/// into it.** Reading, appending, deleting and renaming are fine; a file that is *replaced* (a new one renamed over
/// it, as careful writers do) is fine too, and the old contents stay mapped.
///
/// Who cannot promise that takes [`SharedVec::from_reader`](crate::SharedVec::from_reader) with the opened file: it is safe,
/// reads the file once, and is shared by all processes afterwards.
///
/// # What happens when the promise is broken
/// - **The file is written to:** elements change under the slice, at once and in all processes. An item may see old
///   and new values in any mixture; what was checked (an index, a length) may not hold any more when it is used. That is
///   undefined behaviour, and nothing reports it.
/// - **The file is shortened:** elements on pages that are gone cannot be read; whoever touches one gets the signal
///   SIGBUS, which ends its process. In an item on `Fork` that is its worker: the item is named with SIGBUS, all others
///   complete, and the host lives as long as it does not touch such a page itself. On `Serial`, threads and rayon it is
///   the host. The end of the last page that is left reads as zeros. The same happens when the file lies on a disk or a
///   network that fails.
pub struct MappedSlice<T: Pod> {
    mapping: Mapping<T>,
    shape: Box<[usize]>,
    file: Arc<OwnedFd>,
}

impl<T: Pod> MappedSlice<T> {
    /// Maps `part` of the file at `path`.
    ///
    /// # Safety
    /// As long as this lives, nobody writes to that part of the file, and nobody shortens the file into it
    /// ([more](MappedSlice#why-the-constructors-are-unsafe)).
    ///
    /// # Errors
    /// When the file cannot be opened for reading, is no regular file, or lies on a file system that maps no files; when
    /// the part is not aligned for `T`, not a whole number of elements, or not in the file.
    pub unsafe fn open(path: impl AsRef<Path>, part: FilePart) -> io::Result<MappedSlice<T>> {
        let path = path.as_ref();
        let opened = File::open(path).and_then(|file| {
            // SAFETY: the caller's promise.
            unsafe { MappedSlice::from_file(file, part) }
        });
        opened.map_err(|why| at(path, &why))
    }

    /// Maps `part` of an open file.
    ///
    /// It is mapped through a descriptor that can only read, so one that can write is opened once more (by /proc).
    ///
    /// # Safety
    /// As [`MappedSlice::open`].
    ///
    /// # Errors
    /// As [`MappedSlice::open`].
    pub unsafe fn from_file(file: File, part: FilePart) -> io::Result<MappedSlice<T>> {
        let file = above_streams(file.into())?;
        let len = part.count::<T>(check_regular(&file)?)?;
        // SAFETY: the caller's promise; `count` has found that the part is aligned and lies in the file.
        unsafe { MappedSlice::map(file, part.offset, len, Box::new([len])) }
    }

    /// # Safety
    /// As [`MappedSlice::open`]; the part must be aligned and lie in the file.
    pub(super) unsafe fn map(
        file: OwnedFd,
        offset: u64,
        len: usize,
        shape: Box<[usize]>,
    ) -> io::Result<MappedSlice<T>> {
        let file = Arc::new(read_only(file)?);
        // SAFETY: the caller's promise.
        let mapping = unsafe { Mapping::readable(&file, offset, len, Backing::Promised) };
        let mapping = mapping.map_err(|why| match why.raw_os_error() {
            Some(libc::ENODEV) => io::Error::new(
                io::ErrorKind::Unsupported,
                "the file system maps no files: copy the file to another one, or read it with SharedVec::from_reader",
            ),
            _ => why,
        })?;
        Ok(MappedSlice {
            mapping,
            shape,
            file,
        })
    }

    /// The lengths of the axes, the last one being contiguous; their product is the number of elements. An `.npy` file says
    /// what they are; of other files there is one axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }
}

impl<T: Pod> Deref for MappedSlice<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.mapping.as_slice()
    }
}

impl<T: Pod> AsRef<[T]> for MappedSlice<T> {
    fn as_ref(&self) -> &[T] {
        self
    }
}

/// The file; its descriptor can only read.
impl<T: Pod> AsFd for MappedSlice<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// The shape alone: a file may be larger than memory.
impl<T: Pod> fmt::Debug for MappedSlice<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MappedSlice")
            .field("elements", &type_name::<T>())
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}

/// The size of a file that can be mapped like memory; an error for the other kinds.
pub(super) fn check_regular(file: &OwnedFd) -> io::Result<u64> {
    let stat = rustix::fs::fstat(file)?;
    let kind = FileType::from_raw_mode(stat.st_mode);
    if kind != FileType::RegularFile {
        return Err(invalid(format!(
            "it is no regular file ({kind:?}), and only such can be mapped"
        )));
    }
    // Where pages are huge, a mapping is longer than what was asked for, and is not unmapped by that length.
    if rustix::fs::fstatfs(file)?.f_type == libc::HUGETLBFS_MAGIC {
        return Err(invalid(
            "it is a file of huge pages (hugetlbfs), and such are not mapped here".to_owned(),
        ));
    }
    u64::try_from(stat.st_size).map_err(|_| invalid("its size is negative".to_owned()))
}

/// The file behind a descriptor that can only read.
pub(super) fn read_only(file: OwnedFd) -> io::Result<OwnedFd> {
    let flags = rustix::fs::fcntl_getfl(&file)?;
    if flags & OFlags::RWMODE == OFlags::RDONLY && !flags.contains(OFlags::PATH) {
        return Ok(file);
    }
    reopen(&file).map_err(|why| {
        io::Error::new(
            why.kind(),
            format!("the descriptor can do something else than read, and the file cannot be opened once more to read it: {why}"),
        )
    })
}

/// An error, with the file it is about.
pub(super) fn at(path: &Path, why: &io::Error) -> io::Error {
    io::Error::new(why.kind(), format!("{}: {why}", path.display()))
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

fn ended(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, text)
}

#[cfg(test)]
mod tests;
