//! Shared memory between a parent and the children it forks.
//!
//! ```text
//!   | halves: AtomicU32, whole 128-byte blocks | words: AtomicU64, to the end of the last page |
//! ```
//!
//! Invariant: a region stays behind at every fork (`MADV_DONTFORK` from its creation on), except at the one fork that
//! lends it. And its memory is only ever touched through atomics of one size per place: another process may be
//! writing at the same moment, and atomics are what makes that a race without undefined behaviour.

use std::io;
use std::os::fd::OwnedFd;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::{AtomicU32, AtomicU64};

use rustix::fs::SealFlags;
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags};

use crate::{registry, segment};

/// Halves come in blocks of this many bytes: two cache lines, since lines are fetched in pairs.
const HALVES_BLOCK: usize = 128;
/// A file that can be neither cut off, which would make touching it a fault, nor made longer.
const OF_ONE_LENGTH: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW);

/// Anonymous shared memory, zeroed, that a parent and the children it lends it to both see.
///
/// A child that is not lent a region (see [`spawn`](crate::spawn)) has a hole in its place, whoever forks it.
///
/// ```
/// use std::sync::atomic::Ordering::Relaxed;
/// let region = partools_os::Region::new(10_000)?;
/// assert_eq!(region.len() % 4096, 0);
/// region.words()[7].store(1, Relaxed);
/// assert_eq!(region.words()[7].load(Relaxed), 1);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Region {
    start: NonNull<u8>,
    /// Whole pages, all of them mapped as long as `self` lives.
    bytes: usize,
    /// How many bytes in front hold halves: whole blocks, at most `bytes`.
    halves_bytes: usize,
    id: u64,
}

// SAFETY: the mapping belongs to the process, not to a thread, and is reached through atomics alone.
unsafe impl Send for Region {}
// SAFETY: as above; `&Region` gives out nothing but atomics.
unsafe impl Sync for Region {}

/// What a child may do with a region that it is lent.
///
/// ```standalone_crate
/// use partools_os::{Access, Exit, Region, SpawnOptions, spawn};
/// use std::sync::atomic::Ordering::Relaxed;
///
/// fn main() -> std::io::Result<()> {
///     let region = Region::with_halves(1, 8)?;
///     // SAFETY: this process has no other thread.
///     let mut child = unsafe {
///         spawn(&[(&region, Access::ReadOnly)], &region.halves()[0], &SpawnOptions::default(), || {
///             region.words()[0].store(42, Relaxed);
///             0
///         })
///     }?;
///     assert!(matches!(child.reap(), Exit::Signal { number: 11, .. })); // SIGSEGV
///     assert_eq!(region.words()[0].load(Relaxed), 0);
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read and write.
    ReadWrite,
    /// Read only: a write ends the child with SIGSEGV. This guards against accidents; a child that sets out to change
    /// the protection can.
    ReadOnly,
}

impl Region {
    /// Maps at least `bytes` bytes, rounded up to whole pages (at least one), all zero and all of them words.
    ///
    /// # Errors
    /// When the length overflows, or the kernel has no address space or memory left.
    pub fn new(bytes: usize) -> io::Result<Region> {
        Region::with_halves(0, bytes)
    }

    /// Maps room for at least `halves` 32-bit words (futexes need them), and at least `bytes` bytes of words behind.
    ///
    /// The two kinds never overlap: atomic accesses of different sizes to the same place may not race.
    ///
    /// ```
    /// use std::sync::atomic::Ordering::Relaxed;
    /// let region = partools_os::Region::with_halves(1, 64)?;
    /// region.halves()[0].store(u32::MAX, Relaxed);
    /// assert!(region.words().iter().all(|word| word.load(Relaxed) == 0));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the length overflows, or the kernel has no address space or memory left.
    pub fn with_halves(halves: usize, bytes: usize) -> io::Result<Region> {
        let (halves_bytes, bytes) = lengths(halves, bytes)?;
        Region::map(halves_bytes, bytes, None)
    }

    /// The same in a memory file, for a process that is not forked from this one: it has [`attach`](Region::attach) and the
    /// descriptor, which this process need not keep. Nobody can cut the file off or make it longer.
    ///
    /// ```
    /// use std::sync::atomic::Ordering::Relaxed;
    /// let (near, file) = partools_os::Region::shared(1, 64)?;
    /// let far = partools_os::Region::attach(file, 1)?; // there
    /// far.words()[3].store(7, Relaxed);
    /// assert_eq!((near.words()[3].load(Relaxed), near.len()), (7, far.len()));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`with_halves`](Region::with_halves), and where no memory file can be had.
    pub fn shared(halves: usize, bytes: usize) -> io::Result<(Region, OwnedFd)> {
        let (halves_bytes, bytes) = lengths(halves, bytes)?;
        let file = segment::memory_file()?;
        rustix::fs::ftruncate(&file, bytes as u64)?;
        rustix::fs::fcntl_add_seals(&file, OF_ONE_LENGTH.union(SealFlags::SEAL))?;
        Ok((Region::map(halves_bytes, bytes, Some(&file))?, file))
    }

    /// The region of another process, by the descriptor that [`shared`](Region::shared) gave there. `halves` is what it was
    /// made with.
    ///
    /// # Errors
    /// Where the file is none of fixed length, so that touching it might be a fault one day; where it is too short for so many
    /// halves; where it cannot be mapped.
    pub fn attach(file: OwnedFd, halves: usize) -> io::Result<Region> {
        let invalid = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, why.to_owned());
        let seals = rustix::fs::fcntl_get_seals(&file)?;
        if !seals.contains(OF_ONE_LENGTH) {
            return Err(invalid("a shared region whose length may change"));
        }
        let bytes = usize::try_from(rustix::fs::fstat(&file)?.st_size).unwrap_or(0);
        let (halves_bytes, least) = lengths(halves, 1)?;
        if bytes < least || !bytes.is_multiple_of(rustix::param::page_size()) {
            return Err(invalid("a shared region that is too short"));
        }
        Region::map(halves_bytes, bytes, Some(&file))
    }

    /// Maps whole pages: of a file from its beginning, or anonymous ones.
    fn map(halves_bytes: usize, bytes: usize, file: Option<&OwnedFd>) -> io::Result<Region> {
        let mut registry = registry::lock();
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::SHARED | MapFlags::NORESERVE;
        let start = match file {
            // SAFETY: no address is asked for, so the kernel picks one that is free, and nobody else's memory is touched.
            None => unsafe { rustix::mm::mmap_anonymous(ptr::null_mut(), bytes, access, flags) },
            // SAFETY: as above.
            Some(file) => unsafe {
                rustix::mm::mmap(ptr::null_mut(), bytes, access, flags, file, 0)
            },
        }?;
        let start = NonNull::new(start.cast::<u8>()).ok_or(io::ErrorKind::OutOfMemory)?;
        let id = registry.enter(start.as_ptr() as usize, bytes);
        drop(registry);
        let region = Region {
            start,
            bytes,
            halves_bytes,
            id,
        };
        region.withhold()?;
        Ok(region)
    }

    /// How many bytes are mapped, halves included: whole pages.
    #[expect(clippy::len_without_is_empty, reason = "a region is never empty")]
    pub fn len(&self) -> usize {
        self.bytes
    }

    /// The region as 64-bit words (all of it, but for the halves in front).
    pub fn words(&self) -> &[AtomicU64] {
        let count = (self.bytes - self.halves_bytes) / size_of::<AtomicU64>();
        // SAFETY: `halves_bytes <= bytes` by construction, so this stays inside the mapping.
        let first = unsafe { self.start.add(self.halves_bytes) }.cast::<AtomicU64>();
        // SAFETY: mapped while `self` lives; aligned, as the start is to a page and `halves_bytes` to 128; any bytes
        // are an AtomicU64; and whoever else reaches this memory, in any process, does so through such atomics.
        unsafe { slice::from_raw_parts(first.as_ptr(), count) }
    }

    /// The 32-bit words in front: as many as were asked for, rounded up to whole blocks of 32; none from [`Region::new`].
    pub fn halves(&self) -> &[AtomicU32] {
        let count = self.halves_bytes / size_of::<AtomicU32>();
        // SAFETY: as in `words`: mapped, aligned to a page, valid for any bytes, reached through atomics of this size.
        unsafe { slice::from_raw_parts(self.start.cast::<AtomicU32>().as_ptr(), count) }
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Whether `half` is one of [`Region::halves`].
    pub(crate) fn holds(&self, half: &AtomicU32) -> bool {
        self.halves().as_ptr_range().contains(&ptr::from_ref(half))
    }

    /// Lets the next fork copy the mapping. Only `supervise.rs` calls this, and withholds the region again at once.
    pub(crate) fn lend(&self) -> io::Result<()> {
        // SAFETY: exactly our own mapping; the advice changes what a fork copies, nothing in this process.
        Ok(unsafe {
            rustix::mm::madvise(self.start.as_ptr().cast(), self.bytes, Advice::LinuxDoFork)
        }?)
    }

    /// Makes forks leave a hole where this region is.
    pub(crate) fn withhold(&self) -> io::Result<()> {
        // SAFETY: as in `lend`.
        Ok(unsafe {
            rustix::mm::madvise(
                self.start.as_ptr().cast(),
                self.bytes,
                Advice::LinuxDontFork,
            )
        }?)
    }

    /// In a child: writing here is a fault from now on.
    pub(crate) fn forbid_writing(&self) -> io::Result<()> {
        // SAFETY: exactly our own mapping, still readable; a write becomes a SIGSEGV, which is what is wanted.
        Ok(unsafe {
            rustix::mm::mprotect(self.start.as_ptr().cast(), self.bytes, MprotectFlags::READ)
        }?)
    }
}

/// How many bytes of halves, and of all, whole pages.
fn lengths(halves: usize, bytes: usize) -> io::Result<(usize, usize)> {
    let too_long = || {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "the length of a shared region overflows",
        )
    };
    let halves_bytes = halves
        .checked_mul(size_of::<AtomicU32>())
        .and_then(|front| front.checked_next_multiple_of(HALVES_BLOCK))
        .ok_or_else(too_long)?;
    let bytes = halves_bytes
        .checked_add(bytes.max(1))
        .and_then(|all| all.checked_next_multiple_of(rustix::param::page_size()))
        .filter(|&all| isize::try_from(all).is_ok())
        .ok_or_else(too_long)?;
    Ok((halves_bytes, bytes))
}

impl Drop for Region {
    fn drop(&mut self) {
        let mut registry = registry::lock();
        if registry.leave(self.id) {
            // SAFETY: the registry had it, so it is mapped in this process; every borrow of it ended with `self`.
            let unmap = || unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), self.bytes) };
            // It fails where the kernel has no memory to note the hole, for a moment. There is nobody to tell.
            let _ = unmap().or_else(|_| unmap());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn lengths_are_rounded_up_to_whole_pages() {
        let page = rustix::param::page_size();
        let lengths = [0, 1, page, page + 1]
            .map(|bytes| Region::new(bytes).map(|region| region.len()).unwrap_or(0));
        assert_eq!(lengths, [page, page, page, 2 * page]);
    }

    #[test]
    fn a_length_that_overflows_is_an_error() {
        assert!(Region::new(usize::MAX).is_err());
        assert!(Region::new(usize::MAX / 2 - 100).is_err());
        assert!(Region::with_halves(usize::MAX / 2, 8).is_err());
    }

    #[test]
    fn a_file_that_may_be_cut_off_is_no_region() {
        let file = segment::memory_file().expect("a file");
        rustix::fs::ftruncate(&file, 4096).expect("a page");
        assert!(Region::attach(file, 0).is_err());
        let (_near, file) = Region::shared(0, 10).expect("a region");
        assert!(rustix::fs::ftruncate(&file, 0).is_err());
        assert!(
            Region::attach(file, 10_000).is_err(),
            "too short for so many halves"
        );
    }

    #[test]
    fn halves_and_words_never_overlap() {
        let region = Region::with_halves(33, 4096).expect("a region");
        assert_eq!(region.halves().len(), 64);
        region
            .halves()
            .iter()
            .for_each(|half| half.store(u32::MAX, Relaxed));
        assert!(region.words().iter().all(|word| word.load(Relaxed) == 0));
        assert_eq!(
            region.words().len() * 8 + region.halves().len() * 4,
            region.len()
        );
    }

    #[test]
    fn fresh_regions_are_zero_and_writable_to_the_last_word() {
        let region = Region::new(12_345).expect("a region");
        assert!(region.words().iter().all(|word| word.load(Relaxed) == 0));
        region
            .words()
            .iter()
            .for_each(|word| word.store(u64::MAX, Relaxed));
        assert!(
            region
                .words()
                .iter()
                .all(|word| word.load(Relaxed) == u64::MAX)
        );
    }
}
