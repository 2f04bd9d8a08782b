//! The other side of [`locate`](crate::locate): a part of a file that somebody else made, mapped for reading.
//!
//! What comes from another process is checked before it is believed: a memory file must have all seals, so that
//! nobody can change it or cut it off while it is read here; the part must lie in the file; and kinds of files whose
//! mappings behave otherwise (huge pages, devices, pipes) are refused. After that nothing the sender does is seen here.

use std::fmt;
use std::io;
use std::ops::Deref;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::SealFlags;

use super::file::{check_regular, read_only};
use super::mapping::Mapping;
use super::{ALL_SEALS, map_sealed};
use crate::descriptors::above_streams;
use crate::registry::Backing;

/// A part of a file of another process, mapped for reading: the same memory, not a copy.
///
/// Its bytes; `bytemuck::try_cast_slice` makes numbers of them, and checks that their offset suits the alignment.
/// Made from what [`locate`](crate::locate) says, or from any memory file that is sealed:
///
/// ```
/// use partools_os::{Attached, SharedVec};
/// use std::os::fd::AsFd;
/// let vector = SharedVec::from_slice(&[0.5, 1.5, 2.5])?;
/// let attached = Attached::sealed(vector.as_fd().try_clone_to_owned()?, 8, 16)?;
/// assert_eq!(bytemuck::cast_slice::<u8, f64>(&attached), [1.5, 2.5]);
///
/// // Neither the numbers nor the file are trusted.
/// assert!(Attached::sealed(vector.as_fd().try_clone_to_owned()?, 8, 1 << 20).is_err());
/// assert!(Attached::sealed(std::fs::File::open("/proc/self/exe")?.into(), 0, 16).is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Attached {
    mapping: Mapping<u8>,
    file: Arc<OwnedFd>,
}

impl Attached {
    /// Maps `len` bytes from byte `offset` on of a memory file that nobody can change any more. Neither the
    /// descriptor nor the numbers need be trusted.
    ///
    /// # Errors
    /// When the descriptor is no memory file, lacks one of the seals (write, shrink, grow, and the seal on further
    /// seals), or is one of huge pages; when the part does not lie within the file; or when the kernel refuses the
    /// mapping.
    pub fn sealed(file: OwnedFd, offset: u64, len: usize) -> io::Result<Attached> {
        let file = above_streams(file)?;
        let seals = rustix::fs::fcntl_get_seals(&file).map_err(|why| {
            invalid(format!(
                "only a memory file (memfd) can be attached as sealed, and this descriptor is none ({why})"
            ))
        })?;
        let missing = ALL_SEALS.difference(seals);
        if !missing.is_empty() {
            return Err(invalid(format!(
                "the memory file lacks the seals {}: somebody could change it while it is read; seal it before it \
                 is sent (a SharedVec is)",
                named(missing)
            )));
        }
        check_part(&file, offset, len)?;
        // SAFETY: it has all seals, which can never be taken away.
        let (mapping, file) = unsafe { map_sealed(Arc::new(file), offset, len) }?;
        Ok(Attached { mapping, file })
    }

    /// Maps `len` bytes from byte `offset` on of an ordinary file.
    ///
    /// # Safety
    /// As for [`MappedSlice`](crate::MappedSlice): as long as this lives, nobody changes those bytes.
    ///
    /// # Errors
    /// When the descriptor is no regular file, or cannot be read; when the part does not lie within the file; or when
    /// the kernel refuses the mapping.
    pub unsafe fn promised(file: OwnedFd, offset: u64, len: usize) -> io::Result<Attached> {
        let file = above_streams(file)?;
        check_part(&file, offset, len)?;
        let file = Arc::new(read_only(file)?);
        // SAFETY: the caller promises that nobody changes those bytes.
        let mapping = unsafe { Mapping::readable(&file, offset, len, Backing::Promised) }?;
        Ok(Attached { mapping, file })
    }
}

/// Refuses a file that cannot be mapped like memory, and a part that does not lie in it.
fn check_part(file: &OwnedFd, offset: u64, len: usize) -> io::Result<()> {
    let size = check_regular(file)?;
    let end = offset.checked_add(len as u64);
    if end.is_none_or(|end| end > size) {
        return Err(invalid(format!(
            "{len} bytes at byte {offset} do not lie in a file of {size} bytes"
        )));
    }
    Ok(())
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

fn named(seals: SealFlags) -> String {
    let names: Vec<_> = seals.iter_names().map(|(name, _)| name).collect();
    names.join(", ")
}

impl Deref for Attached {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.mapping.as_slice()
    }
}

impl AsRef<[u8]> for Attached {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl AsFd for Attached {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// The length alone: the bytes are many, and mean nothing before they are cast.
impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attached")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
