//! A memory file's elements in this process's address space: the raw calls of `segment.rs`.
//!
//! Invariant: a [`Mapping`] is what its file holds, no more and no less, for as long as it lives; and it is written to
//! through an exclusive borrow of the one that was made writable, or not at all.

use std::io;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::ptr::{self, NonNull};
use std::slice;

use bytemuck::Pod;
use rustix::mm::{MapFlags, ProtFlags};

/// The elements of a memory file, mapped; nothing is mapped for none.
pub(super) struct Mapping<T> {
    /// Dangling, but aligned, where `len * size_of::<T>()` is 0.
    start: NonNull<T>,
    pub(super) len: usize,
    elements: PhantomData<T>,
}

// SAFETY: the mapping belongs to the process, not to a thread, and is owned like a Box<[T]>.
unsafe impl<T: Send> Send for Mapping<T> {}
// SAFETY: as above; `&Mapping` gives out `&[T]` alone.
unsafe impl<T: Sync> Sync for Mapping<T> {}

impl<T: Pod> Mapping<T> {
    /// Maps `len` elements of `file`, which has that many.
    pub(super) fn new(file: &OwnedFd, len: usize, access: ProtFlags) -> io::Result<Mapping<T>> {
        let bytes = byte_length::<T>(len)?;
        let start = match bytes {
            0 => NonNull::dangling(),
            _ => {
                // SAFETY: no address is asked for, so the kernel picks one that is free.
                let start = unsafe {
                    rustix::mm::mmap(ptr::null_mut(), bytes, access, MapFlags::SHARED, file, 0)
                }?;
                NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?
            }
        };
        Ok(Mapping {
            start,
            len,
            elements: PhantomData,
        })
    }

    pub(super) fn as_slice(&self) -> &[T] {
        // SAFETY: `len` elements are mapped (or take no bytes) while `self` lives, readable, aligned to a page and so
        // for T (`byte_length` refuses the rest); any bytes are a T, which is Pod. Nobody writes: a frozen file is
        // sealed, and one that is not yet is written through `&mut self` alone (the spawner refuses to fork then).
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    /// Only for a mapping that was made writable.
    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as in `as_slice`, and `self` is borrowed exclusively. SharedVecMut alone calls this.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl<T> Drop for Mapping<T> {
    fn drop(&mut self) {
        let bytes = self.len * size_of::<T>();
        if bytes > 0 {
            // SAFETY: exactly what `new` mapped; the borrows of it ended with `self`. Nothing can fail, or be done.
            let _ = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), bytes) };
        }
    }
}

/// The length in bytes, if there can be a slice of that many elements at the start of a page.
pub(super) fn byte_length<T>(len: usize) -> io::Result<usize> {
    if align_of::<T>() > rustix::param::page_size() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a SharedVec aligns its elements to a page at most",
        ));
    }
    len.checked_mul(size_of::<T>())
        .filter(|&bytes| isize::try_from(bytes).is_ok())
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "the length of a SharedVec overflows",
            )
        })
}

/// Asks for ordinary memory of that size and gives it back untouched. A memory file would get any length and
/// fail at the touch of a page that is not there, with a signal; for ordinary memory the kernel says no beforehand.
pub(super) fn ask_for(bytes: usize) -> io::Result<()> {
    if bytes == 0 {
        return Ok(());
    }
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: no address is asked for, so the kernel picks one that is free.
    let start =
        unsafe { rustix::mm::mmap_anonymous(ptr::null_mut(), bytes, access, MapFlags::PRIVATE) }?;
    // SAFETY: mapped by the line above, and nobody was told.
    Ok(unsafe { rustix::mm::munmap(start, bytes) }?)
}
