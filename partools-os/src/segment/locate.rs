//! In which file does this slice lie?
//!
//! ```text
//!   here     &[T] in a SharedVec, MappedSlice or Attached  ── locate ──>  descriptor, offset, length
//!   there    Attached::sealed(descriptor, offset, length)  ────────────>  the same pages, not a copy
//! ```
//!
//! Nothing that runs per item comes here: the lock is taken when a segment is made, dropped or looked for.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use crate::registry::{self, Backing};

/// Where some bytes of this process lie in a file, so that another process can map them instead of getting a copy.
///
/// It keeps the file open, also when the vector is gone. It borrows nothing.
///
/// ```
/// use partools_os::{Attached, SharedVec, locate};
/// use std::os::fd::AsFd;
/// let vector = SharedVec::from_slice(b"sealed for ever")?;
/// let located = locate(&vector[7..10]).expect("a live vector");
/// drop(vector);
/// let file = located.as_fd().try_clone_to_owned()?;
/// assert_eq!(Attached::sealed(file, located.offset(), located.len())?[..], *b"for");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Located {
    file: Arc<OwnedFd>,
    offset: u64,
    len: usize,
    backing: Backing,
}

impl Located {
    /// Where in the file the first byte lies, in bytes. It need not be at a page.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// How many bytes: as many as were looked for.
    #[expect(
        clippy::len_without_is_empty,
        reason = "no bytes are located nowhere, so it is never empty"
    )]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Why nobody changes them, which decides how the other side attaches them:
    /// [`Attached::sealed`](crate::Attached::sealed) or [`Attached::promised`](crate::Attached::promised).
    pub fn backing(&self) -> Backing {
        self.backing
    }
}

/// The file, closed on exec; to be sent, or duplicated for a child.
impl AsFd for Located {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Where `bytes` lie, if all of them lie in one live [`SharedVec`](crate::SharedVec),
/// [`MappedSlice`](crate::MappedSlice) or [`Attached`](crate::Attached) of this process. No bytes lie nowhere; nor do
/// those of a `SharedVecMut`, which may still change.
///
/// ```
/// use partools_os::{Attached, SharedVec, locate};
/// let squares = SharedVec::from_fn(10_000, |i| (i * i) as u64)?;
/// let located = locate(bytemuck::cast_slice(&squares[5000..6000])).expect("it lies in a live vector");
/// assert_eq!((located.offset(), located.len()), (40_000, 8_000));
///
/// // Another process would do this, with the descriptor that it was sent.
/// use std::os::fd::AsFd;
/// let descriptor = located.as_fd().try_clone_to_owned()?;
/// let attached = Attached::sealed(descriptor, located.offset(), located.len())?;
/// assert_eq!(bytemuck::cast_slice::<u8, u64>(&attached), &squares[5000..6000]);
///
/// assert!(locate(&[1, 2, 3]).is_none());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn locate(bytes: &[u8]) -> Option<Located> {
    locate_at(bytes.as_ptr() as usize, bytes.len())
}

/// As [`locate`], by address; nothing is read there.
fn locate_at(start: usize, len: usize) -> Option<Located> {
    if len == 0 {
        return None;
    }
    let registry = registry::lock();
    let (segment, skipped) = registry.segment_around(start, len)?;
    Some(Located {
        file: Arc::clone(&segment.file),
        offset: segment.offset + skipped as u64,
        len,
        backing: segment.backing,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SharedVec;

    #[test]
    fn every_slice_inside_is_located_at_its_offset() {
        let vector = SharedVec::from_slice(&[7_u8; 100]).expect("memory");
        for start in 0..100 {
            for end in start + 1..=100 {
                let located = locate(&vector[start..end]).expect("inside");
                assert_eq!(
                    (located.offset(), located.len()),
                    (start as u64, end - start)
                );
                assert_eq!(located.backing(), Backing::Sealed);
            }
        }
    }

    #[test]
    fn no_bytes_lie_nowhere() {
        let vector = SharedVec::from_slice(&[7_u8; 100]).expect("memory");
        assert!(locate(&vector[50..50]).is_none());
        assert!(locate(&[]).is_none());
    }

    #[test]
    fn what_lies_elsewhere_is_not_located() {
        let _vector = SharedVec::from_slice(&[7_u8; 100]).expect("memory");
        assert!(locate(&vec![1; 1000]).is_none());
        assert!(locate(&[1; 10]).is_none());
        assert!(locate(b"in the program").is_none());
        let filling = SharedVec::<u8>::zeroed(100).expect("memory");
        assert!(locate(&filling).is_none(), "it may still change");
    }

    #[test]
    fn a_slice_that_straddles_an_end_is_not_located() {
        let vector = SharedVec::from_slice(&[7_u8; 4096]).expect("memory");
        let start = vector.as_ptr() as usize;
        // The vectors of other tests may be the neighbours.
        let is_here = |start, len| {
            locate_at(start, len).is_some_and(|found| Arc::ptr_eq(&found.file, &vector.file))
        };
        assert!(is_here(start, 4096) && is_here(start, 1) && is_here(start + 4095, 1));
        assert!(!is_here(start, 4097));
        assert!(!is_here(start + 4095, 2));
        assert!(!is_here(start + 4096, 1));
        assert!(!is_here(start - 1, 2));
        assert!(!is_here(start - 1, 1));
        assert!(!is_here(start, usize::MAX));
        assert!(!is_here(usize::MAX, usize::MAX));
    }

    #[test]
    fn of_many_vectors_the_right_one_is_found() {
        let vectors: Vec<_> = (0..50_u8)
            .map(|i| SharedVec::from_slice(&[i; 5000]).expect("memory"))
            .collect();
        for (i, vector) in vectors.iter().enumerate() {
            let located = locate(&vector[4000..]).expect("inside");
            let mut first = [0];
            rustix::io::pread(&located, &mut first, located.offset()).expect("a byte");
            assert_eq!((usize::from(first[0]), located.len()), (i, 1000));
        }
    }

    #[test]
    fn a_dropped_vector_vanishes() {
        let vector = SharedVec::from_slice(&[7_u8; 4096]).expect("memory");
        let start = vector.as_ptr() as usize;
        let located = locate(&vector).expect("inside");
        drop(vector);
        // Beside other threads something of theirs may be there by now, but not a vector of this file.
        let found = locate_at(start, 1);
        assert!(found.is_none_or(|other| !Arc::ptr_eq(&other.file, &located.file)));
        // What was located before keeps the file.
        let mut first = [0];
        rustix::io::pread(&located, &mut first, 0).expect("a byte");
        assert_eq!(first, [7]);
    }
}
