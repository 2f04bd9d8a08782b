//! What can be wrong with an offset, an address, or an executable.

use std::error::Error;
use std::fmt;

use super::Identity;

/// Why a function cannot be named by offset, or found by one.
///
/// ```
/// use partools_os::image::{Image, ImageError};
/// let on_the_heap = Box::new(1);
/// let error = Image::this()?.offset_of((&raw const *on_the_heap).cast()).unwrap_err();
/// assert!(matches!(error, ImageError::Elsewhere { object: None, .. }));
/// # Ok::<(), ImageError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageError {
    /// The address does not lie in the executable.
    Elsewhere {
        /// The address.
        address: usize,
        /// The shared library that it lies in, if any.
        object: Option<String>,
    },
    /// The address lies in the executable, in a part that can be written to.
    Writable {
        /// The address.
        address: usize,
    },
    /// There are not so many bytes at this offset that are never written to.
    OutOfRange {
        /// The offset.
        offset: u64,
        /// How many bytes were asked for.
        len: usize,
    },
    /// The place is not aligned as it should be.
    Misaligned {
        /// The offset.
        offset: u64,
        /// The alignment that was asked for.
        align: usize,
    },
    /// At this offset lies something else than an [`Entry`](partools_core::wire::Entry).
    NoEntry {
        /// The offset.
        offset: u64,
    },
    /// The offset was made by another executable.
    Mismatch {
        /// The executable of this process.
        ours: Identity,
        /// The other one.
        theirs: Identity,
    },
    /// These bytes are no identity.
    NoIdentity {
        /// How many bytes there are.
        len: usize,
    },
    /// The executable of this process cannot be used for this.
    Unusable {
        /// What is in the way.
        why: String,
    },
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImageError::Elsewhere {
                address,
                object: Some(object),
            } => write!(
                f,
                "address {address:#x} lies in the shared library {object} and not in the executable, which is all that a \
                 worker has for certain: pass a function that is compiled into the program"
            ),
            ImageError::Elsewhere {
                address,
                object: None,
            } => write!(
                f,
                "address {address:#x} lies neither in the executable nor in a library (on the heap or a stack, or made at \
                 run time): pass a function that is compiled into the program"
            ),
            ImageError::Writable { address } => write!(
                f,
                "address {address:#x} lies in the executable where it can be written to, so another process may have \
                 something else there: it is a static that changes, or the program was linked so that constants with \
                 addresses in them stay open (build it with -C relro-level=full; a static program of musl also with \
                 -C relocation-model=static)"
            ),
            ImageError::OutOfRange { offset, len } => write!(
                f,
                "the {len} bytes at offset {offset:#x} are not all in a part of the executable that is never written to: \
                 the offset is damaged, or was made by another program"
            ),
            ImageError::Misaligned { offset, align } => write!(
                f,
                "offset {offset:#x} is no place for something aligned to {align} bytes: the offset is damaged, or was made \
                 by another program"
            ),
            ImageError::NoEntry { offset } => write!(
                f,
                "there is no entry of a task at offset {offset:#x}: the offset is damaged, or was made by another program"
            ),
            ImageError::Mismatch { ours, theirs } => write!(
                f,
                "this process runs another executable ({ours}) than the one that made the offset ({theirs}): start workers \
                 from the same file, and build it once"
            ),
            ImageError::NoIdentity { len } => {
                write!(
                    f,
                    "{len} bytes that are not the identity of an executable: they are damaged, or of another version"
                )
            }
            ImageError::Unusable { why } => write!(
                f,
                "functions of this process cannot be sent by offset: {why}"
            ),
        }
    }
}

impl Error for ImageError {}
