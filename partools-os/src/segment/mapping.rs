//! A file's elements in this process's address space: the raw calls of `segment.rs` and its rooms.
//!
//! Invariants: a [`Mapping`] is what its part of the file holds, no more and no less, for as long as it lives; it is
//! written to through an exclusive borrow of the one that was made writable, or not at all; and one that can only be read
//! is in the registry ([`locate`](crate::locate) asks there) from before its first borrow until after its last.

use std::io;
use std::marker::PhantomData;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;

use bytemuck::Pod;
use rustix::mm::{MapFlags, ProtFlags};

use crate::registry::{self, Backing, Segment};

/// `MADV_COLLAPSE`, which the libc crate does not have for every C library.
const COLLAPSE: libc::c_int = 25;

/// Elements of a file, mapped; nothing is mapped for none.
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
    /// Maps the first `len` elements of a memory file of ours, which has that many, for writing.
    pub(super) fn writable(file: &OwnedFd, len: usize) -> io::Result<Mapping<T>> {
        Mapping::map(file, 0, len, ProtFlags::READ | ProtFlags::WRITE)
    }

    /// Maps `len` elements of `file` from byte `offset` on, for reading. The file must reach that far (what lies behind
    /// its end is a fault), and `offset` must suit the alignment of `T`.
    ///
    /// # Safety
    /// As long as the mapping lives, nobody may change those bytes: the file is sealed, or somebody has promised.
    pub(super) unsafe fn readable(
        file: &Arc<OwnedFd>,
        offset: u64,
        len: usize,
        backing: Backing,
    ) -> io::Result<Mapping<T>> {
        let mapping = Mapping::map(file, offset, len, ProtFlags::READ)?;
        if mapping.bytes() > 0 {
            let segment = Segment {
                bytes: mapping.bytes(),
                file: Arc::clone(file),
                offset,
                backing,
            };
            registry::lock().enter_segment(mapping.address(), segment);
        }
        Ok(mapping)
    }

    fn map(file: &OwnedFd, offset: u64, len: usize, access: ProtFlags) -> io::Result<Mapping<T>> {
        let bytes = byte_length::<T>(len)?;
        // Mappings begin at a page; what lies before the offset on its page is mapped and never shown.
        let before = offset % rustix::param::page_size() as u64;
        let skipped = usize::try_from(before).map_err(|_| io::ErrorKind::InvalidInput)?;
        let start = match bytes {
            0 => NonNull::dangling(),
            _ => {
                let page = pages(file, offset - before, bytes + skipped, access)?;
                let first = page.cast::<u8>().wrapping_add(skipped).cast::<T>();
                debug_assert!(first.is_aligned(), "offset {offset}");
                NonNull::new(first).ok_or(io::ErrorKind::OutOfMemory)?
            }
        };
        Ok(Mapping {
            start,
            len,
            elements: PhantomData,
        })
    }

    pub(super) fn as_slice(&self) -> &[T] {
        // SAFETY: `len` elements are mapped (or take no bytes) while `self` lives, readable, and aligned for T, as the
        // page and the offset are; any bytes are a T, which is Pod. Nobody writes: that is the promise of `readable`, and
        // what is writable is written through `&mut self` alone (the spawner refuses to fork then).
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    /// Only for a mapping that was made writable.
    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as in `as_slice`, and `self` is borrowed exclusively. SharedVecMut and the writer alone call this.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }

    /// Has the kernel put one huge page in the place of small ones, for each that lies whole in these bytes. Where it has none left,
    /// or knows no such thing (before Linux 6.1), what is not done stays as it was.
    ///
    /// # Errors
    /// Where not all was done; `EAGAIN` where it might be if it were asked again.
    pub(super) fn collapse(&mut self, bytes: Range<usize>) -> io::Result<()> {
        assert!(bytes.start <= bytes.end && bytes.end <= self.bytes());
        let start = self.start.as_ptr().cast::<u8>().wrapping_add(bytes.start);
        // SAFETY: inside the mapping, as asserted; what is in the pages stays the same.
        match unsafe { libc::madvise(start.cast(), bytes.len(), COLLAPSE) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// The size of a huge page: what one page of the lowest page table stands for.
pub(super) fn huge_page() -> usize {
    let page = rustix::param::page_size();
    page * (page / size_of::<u64>())
}

/// Maps pages of `file`, from byte `from` on; the huge ones of the file as such, where there is room for that.
fn pages(
    file: &OwnedFd,
    from: u64,
    bytes: usize,
    access: ProtFlags,
) -> io::Result<*mut libc::c_void> {
    let huge = huge_page();
    let mut wish = 0;
    // Where there is no room for more, any place does.
    if bytes >= huge
        && let Ok(room) = free_room(bytes.saturating_add(huge), ProtFlags::empty())
    {
        // A huge page is mapped as such where its address and its place in the file are alike.
        let place = usize::try_from(from % huge as u64).map_err(|_| io::ErrorKind::InvalidInput)?;
        wish = room + place.wrapping_sub(room) % huge;
    }
    let wish = ptr::without_provenance_mut(wish);
    // SAFETY: an address is a wish, not an order, so the kernel picks one that is free.
    Ok(unsafe { rustix::mm::mmap(wish, bytes, access, MapFlags::SHARED, file, from) }?)
}

impl<T> Mapping<T> {
    fn address(&self) -> usize {
        self.start.as_ptr() as usize
    }

    pub(super) fn bytes(&self) -> usize {
        self.len * size_of::<T>()
    }
}

impl<T> Drop for Mapping<T> {
    fn drop(&mut self) {
        if self.bytes() == 0 {
            return;
        }
        // First, since the address may be somebody else's as soon as it is free. What was writable is not listed.
        let listed = registry::lock().leave_segment(self.address());
        let skipped = self.address() % rustix::param::page_size();
        let page = self.start.as_ptr().cast::<u8>().wrapping_sub(skipped);
        // SAFETY: exactly what `map` mapped; the borrows of it ended with `self`.
        let unmap = || unsafe { rustix::mm::munmap(page.cast(), self.bytes() + skipped) };
        // It fails where the kernel has no memory to note the hole, for a moment. There is nobody to tell.
        let _ = unmap().or_else(|_| unmap());
        drop(listed);
    }
}

/// The length in bytes, if there can be a slice of that many elements in shared memory.
pub(super) fn byte_length<T>(len: usize) -> io::Result<usize> {
    if align_of::<T>() > rustix::param::page_size() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "shared memory holds elements that are aligned to a page at most",
        ));
    }
    len.checked_mul(size_of::<T>())
        .filter(|&bytes| isize::try_from(bytes).is_ok())
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "the length overflows: no process has room for that many elements",
            )
        })
}

/// Asks for ordinary memory of that size and gives it back untouched. A memory file would get any length and
/// fail at the touch of a page that is not there, with a signal; for ordinary memory the kernel says no beforehand.
pub(super) fn ask_for(bytes: usize) -> io::Result<()> {
    match bytes {
        0 => Ok(()),
        _ => free_room(bytes, ProtFlags::READ | ProtFlags::WRITE).map(drop),
    }
}

/// Where ordinary memory would lie that can be used so. Another thread may take the place meanwhile.
fn free_room(bytes: usize, access: ProtFlags) -> io::Result<usize> {
    // SAFETY: no address is asked for, so the kernel picks one that is free.
    let start =
        unsafe { rustix::mm::mmap_anonymous(ptr::null_mut(), bytes, access, MapFlags::PRIVATE) }?;
    // SAFETY: mapped by the line above, and nobody was told.
    unsafe { rustix::mm::munmap(start, bytes) }?;
    Ok(start as usize)
}
