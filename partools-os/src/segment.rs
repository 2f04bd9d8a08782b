//! Vectors in sealed shared memory: written once, then read by every process that inherits or receives them.
//!
//! ```text
//!   SharedVecMut (memfd, mapped writable)  ── freeze: unmap, seal, map read-only ──>  SharedVec
//!   bytes, written to a memfd (writer.rs)  ── seal, map read-only ──>  SharedVec
//!   a file, whose owner promises not to change it  ── map read-only ──>  MappedSlice (file.rs, npy.rs)
//!   a slice of either  ── locate ──>  (descriptor, offset)  ── another process ──>  Attached (attach.rs)
//! ```
//!
//! Invariant: no address and no process can write to a [`SharedVec`]. That is the seals' doing (no write, shrink, grow or
//! further seals), not the protection's, which a child could change back. And page tables of such memory are not copied at a
//! fork: 1 GB adds 0.09 ms to one, where ordinary memory adds 18.6. Where the kernel has huge pages for it, all of it lies in such.

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use bytemuck::Pod;
use rustix::fs::{MemfdFlags, SealFlags};
use rustix::io::Errno;

use crate::descriptors::above_streams;
use crate::registry::Backing;

mod attach;
mod file;
mod huge_pages;
mod locate;
mod mapping;
mod npy;
mod reader;
mod writer;

pub use attach::Attached;
pub use file::{FilePart, MappedSlice};
pub use huge_pages::huge_pages;
pub use locate::{Located, locate};
use mapping::Mapping;
pub use npy::NpyElement;

/// The name of our memory files, as /proc/self/maps shows it.
pub(crate) const NAME: &str = "partools";

/// With these on a memory file, nobody can change it, and nobody can take them off.
const ALL_SEALS: SealFlags = SealFlags::WRITE
    .union(SealFlags::SHRINK)
    .union(SealFlags::GROW)
    .union(SealFlags::SEAL);

/// A vector that is frozen in sealed shared memory: nobody can change it, whichever process has it.
///
/// Made by [`SharedVec::from_fn`], [`SharedVec::from_slice`] or [`SharedVec::from_reader`], or filled in place:
/// [`SharedVec::zeroed`]. For a file that is mapped as it lies, see [`MappedSlice`].
///
/// ```
/// use partools_os::SharedVec;
/// let squares = SharedVec::from_fn(1000, |i| (i * i) as u64)?;
/// assert_eq!(squares[30], 900);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct SharedVec<T: Pod> {
    mapping: Mapping<T>,
    file: Arc<OwnedFd>,
}

/// A [`SharedVec`] in the making: it can be written, and must be frozen before anything forks.
///
/// ```
/// let mut filling = partools_os::SharedVec::<f64>::zeroed(100)?;
/// filling[3] = 0.5;
/// let frozen = filling.freeze()?;
/// assert_eq!(frozen[3], 0.5);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct SharedVecMut<T: Pod> {
    mapping: Mapping<T>,
    file: OwnedFd,
}

impl<T: Pod> SharedVec<T> {
    /// `len` elements whose bytes are all zero, to be filled and then [frozen](SharedVecMut::freeze).
    ///
    /// From 2 MB on it asks for huge pages, and its memory is taken here and now where the system has such (Linux 6.1). Else each page
    /// is taken when it is first written to.
    ///
    /// ```
    /// use partools_os::SharedVec;
    /// assert_eq!(SharedVec::<u32>::zeroed(3)?[..], [0, 0, 0]);
    /// assert!(SharedVec::<u64>::zeroed(usize::MAX).is_err());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the length overflows, or is more than the kernel would give this process; when no descriptor is left; or
    /// when `T` is aligned to more than a page.
    pub fn zeroed(len: usize) -> io::Result<SharedVecMut<T>> {
        let bytes = mapping::byte_length::<T>(len)?;
        mapping::ask_for(bytes)?;
        let file = memory_file()?;
        rustix::fs::ftruncate(&file, bytes as u64)?;
        let mut mapping = Mapping::writable(&file, len)?;
        huge_pages::lay_out(&file, &mut mapping);
        Ok(SharedVecMut { mapping, file })
    }

    /// The elements `element(0)` to `element(len - 1)`, frozen.
    ///
    /// # Errors
    /// As [`SharedVec::zeroed`] and [`SharedVecMut::freeze`].
    pub fn from_fn(len: usize, mut element: impl FnMut(usize) -> T) -> io::Result<SharedVec<T>> {
        let mut filling = SharedVec::zeroed(len)?;
        for (index, place) in filling.iter_mut().enumerate() {
            *place = element(index);
        }
        filling.freeze()
    }
}

impl<T: Pod> SharedVecMut<T> {
    /// Seals the memory for ever, and maps it read-only.
    ///
    /// # Errors
    /// When another process has it mapped writable (one that was forked while this was not frozen), or the kernel
    /// refuses the mapping. The elements are lost then.
    pub fn freeze(self) -> io::Result<SharedVec<T>> {
        let SharedVecMut { mapping, file } = self;
        let len = mapping.len;
        drop(mapping);
        SharedVec::frozen(file, len)
    }
}

impl<T: Pod> SharedVec<T> {
    /// Seals the file, which has `len` elements, and maps it.
    fn frozen(file: OwnedFd, len: usize) -> io::Result<SharedVec<T>> {
        rustix::fs::fcntl_add_seals(&file, ALL_SEALS).map_err(|refused| match refused {
            Errno::BUSY => io::Error::new(
                io::ErrorKind::ResourceBusy,
                "a SharedVecMut cannot be frozen while another process has it mapped: freeze before you fork",
            ),
            other => other.into(),
        })?;
        // SAFETY: sealed by the call above.
        let (mapping, file) = unsafe { map_sealed(Arc::new(file), 0, len) }?;
        Ok(SharedVec { mapping, file })
    }
}

/// Maps `len` elements of a sealed file, from byte `offset` on; with the descriptor that it took.
///
/// # Safety
/// The file is a memory file that has all seals.
unsafe fn map_sealed<T: Pod>(
    file: Arc<OwnedFd>,
    offset: u64,
    len: usize,
) -> io::Result<(Mapping<T>, Arc<OwnedFd>)> {
    // SAFETY: nobody can change what a sealed file holds.
    match unsafe { Mapping::readable(&file, offset, len, Backing::Sealed) } {
        // Before Linux 6.7, a descriptor that could write made every shared mapping one that might.
        Err(refused) if refused.raw_os_error() == Some(Errno::PERM.raw_os_error()) => {
            let reader = Arc::new(reopen(&file)?);
            // SAFETY: it is the same file.
            let mapping = unsafe { Mapping::readable(&reader, offset, len, Backing::Sealed) }?;
            Ok((mapping, reader))
        }
        mapped => Ok((mapped?, file)),
    }
}

/// A new descriptor of the same file that can only read.
fn reopen(file: &OwnedFd) -> io::Result<OwnedFd> {
    above_streams(File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?.into())
}

/// An empty memory file that can be sealed.
pub(crate) fn memory_file() -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Hardened systems give out no other ones; kernels before 6.3 do not know the flag.
    let file = match rustix::fs::memfd_create(NAME, flags | MemfdFlags::NOEXEC_SEAL) {
        Err(Errno::INVAL) => rustix::fs::memfd_create(NAME, flags)?,
        made => made?,
    };
    above_streams(file)
}

impl<T: Pod> Deref for SharedVec<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.mapping.as_slice()
    }
}

impl<T: Pod> AsRef<[T]> for SharedVec<T> {
    fn as_ref(&self) -> &[T] {
        self
    }
}

/// The sealed file, for a process that does not inherit it.
impl<T: Pod> AsFd for SharedVec<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl<T: Pod + fmt::Debug> fmt::Debug for SharedVec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: Pod> Deref for SharedVecMut<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.mapping.as_slice()
    }
}

impl<T: Pod> DerefMut for SharedVecMut<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.mapping.as_mut_slice()
    }
}

impl<T: Pod + fmt::Debug> fmt::Debug for SharedVecMut<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_those_that_were_written() {
        let vector = SharedVec::from_fn(10_000, |i| i as u64 * 3).expect("memory");
        assert!(
            vector
                .iter()
                .enumerate()
                .all(|(i, &element)| element == i as u64 * 3)
        );
        assert_eq!(vector.len(), 10_000);
        assert_eq!(
            &SharedVec::from_slice(&[1_u8, 2, 3]).expect("memory")[..],
            [1, 2, 3]
        );
    }

    #[test]
    fn no_elements_and_elements_of_no_size_work() {
        assert!(
            SharedVec::<f64>::from_slice(&[])
                .expect("memory")
                .is_empty()
        );
        assert_eq!(SharedVec::from_slice(&[(); 7]).expect("memory").len(), 7);
        assert_eq!(
            SharedVec::<()>::zeroed(usize::MAX)
                .expect("memory")
                .freeze()
                .expect("frozen")
                .len(),
            usize::MAX
        );
    }

    #[test]
    fn lengths_that_cannot_be_are_errors() {
        assert!(SharedVec::<u64>::zeroed(usize::MAX / 4).is_err());
        assert!(SharedVec::<u8>::zeroed(isize::MAX as usize).is_err());
        assert!(
            SharedVec::<u8>::zeroed(1 << 46).is_err(),
            "64 TB is more than any machine of today has"
        );
    }

    #[test]
    fn a_frozen_file_refuses_every_way_to_write() {
        let frozen = SharedVec::from_slice(&[1_u64; 1000]).expect("memory");
        assert_eq!(rustix::io::write(&frozen, b"x"), Err(Errno::PERM));
        assert_eq!(rustix::fs::ftruncate(&frozen, 0), Err(Errno::PERM));
        assert_eq!(rustix::fs::ftruncate(&frozen, 1 << 20), Err(Errno::PERM));
        assert_eq!(
            rustix::fs::fcntl_add_seals(&frozen, SealFlags::FUTURE_WRITE),
            Err(Errno::PERM)
        );
        assert!(Mapping::<u64>::writable(&frozen.file, 1000).is_err());
    }

    #[test]
    fn the_way_around_old_kernels_reads_the_same() {
        let frozen = SharedVec::from_slice(&[5_u32, 6, 7]).expect("memory");
        let reader = Arc::new(reopen(&frozen.file).expect("a descriptor"));
        // SAFETY: a frozen file is sealed.
        let again = unsafe { Mapping::<u32>::readable(&reader, 0, 3, Backing::Sealed) }
            .expect("a second mapping");
        drop((frozen, reader));
        assert_eq!(again.as_slice(), [5, 6, 7]);
    }
}
