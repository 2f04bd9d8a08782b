//! Huge pages for ordinary vectors, and for memory files.
//!
//! The advice goes to whole pages that lie inside the vector's own allocation, and changes how the kernel backs them:
//! never what is in them, and nothing beside them.
//!
//! For memory files the kernel does not look at advice unless an administrator has said so (`shmem_enabled`). But it puts a huge
//! page in the place of small ones when it is asked to ([`MADV_COLLAPSE`], Linux 6.1), also where all of them but one are
//! holes; then it zeroes the page and copies one. 400 MB that were asked for so and then filled took 70 ms, where writing to the
//! file took 200 to 240, filling fresh small pages 470 to 510, and a copy into fresh ordinary memory 280 to 340; a
//! child read them in 50 to 65 ms rather than 130, and the kernel took them back in 1.3 rather than 70.
//!
//! [`MADV_COLLAPSE`]: https://man7.org/linux/man-pages/man2/madvise.2.html

use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;

use bytemuck::Pod;
use rustix::fs::FallocateFlags;
use rustix::mm::Advice;

use super::mapping::{Mapping, huge_page};

/// So many are asked for at once: 0.1 s, in which no signal is looked at.
const AT_ONCE: usize = 512;

/// Lays a new memory file, nothing but one hole, out in huge pages. Is all of it there now? Then no write to the mapping can fail
/// for want of memory. Where it is not, nothing is worse than before.
pub(super) fn lay_out<T: Pod>(file: &OwnedFd, mapping: &mut Mapping<T>) -> bool {
    let (huge, bytes) = (huge_page(), mapping.bytes());
    let whole = bytes - bytes % huge;
    if whole == 0 {
        return false;
    }
    let (mut done, mut more) = (0, huge);
    while done < whole {
        let part = done..whole.min(done.saturating_add(more));
        // The kernel takes no hole for a page.
        let has_pages = part
            .clone()
            .step_by(huge)
            .all(|page| rustix::io::pwrite(file, &[0], page as u64) == Ok(1));
        if !has_pages || !collapsed(mapping, &part) {
            return false;
        }
        (done, more) = (part.end, AT_ONCE * huge);
    }
    let (rest, kept) = ((bytes - whole) as u64, FallocateFlags::empty());
    rest == 0 || rustix::fs::fallocate(file, kept, whole as u64, rest).is_ok()
}

fn collapsed<T: Pod>(mapping: &mut Mapping<T>, part: &Range<usize>) -> bool {
    // A page that is new may lie in a processor's own list for a moment.
    let again = |why: &io::Error| why.raw_os_error() == Some(libc::EAGAIN);
    match mapping.collapse(part.clone()) {
        Err(why) if again(&why) => mapping.collapse(part.clone()).is_ok(),
        done => done.is_ok(),
    }
}

/// Asks the kernel to use huge pages for a vector's memory; says for how many bytes (0 where there is no whole page).
///
/// Call it after `Vec::with_capacity` and **before the memory is first touched**. It matters for what children read:
/// 1 GB in huge pages is read by a child in 59 ms instead of 203, and a fork beside it takes 0.56 ms instead of 18.6
/// (Linux 6.18, transparent huge pages on `madvise`). Small vectors gain nothing.
///
/// ```
/// let mut numbers = Vec::<f64>::with_capacity(1 << 20);
/// // A kernel without huge pages refuses: that costs speed and nothing else.
/// let advised = partools_os::huge_pages(&mut numbers).unwrap_or(0);
/// assert!(advised == 0 || advised > 8_000_000, "{advised} of 8 MiB");
/// numbers.resize(1 << 20, 1.0); // the first touch
/// ```
///
/// # Errors
/// When the kernel was built without transparent huge pages.
pub fn huge_pages<T>(buffer: &mut Vec<T>) -> io::Result<usize> {
    let page = rustix::param::page_size();
    let start = buffer.as_mut_ptr() as usize;
    let end = start + buffer.capacity() * size_of::<T>();
    let (first, behind) = (start.next_multiple_of(page), end - end % page);
    if size_of::<T>() == 0 || first >= behind {
        return Ok(0);
    }
    let pages = buffer.as_mut_ptr().cast::<u8>().wrapping_add(first - start);
    // SAFETY: whole pages inside the vector's own allocation; the advice changes how they are backed, not what is in them.
    unsafe { rustix::mm::madvise(pages.cast(), behind - first, Advice::LinuxHugepage) }?;
    Ok(behind - first)
}

#[cfg(test)]
mod tests {
    use super::super::memory_file;
    use super::*;
    use crate::{Attached, SharedVec};
    use std::os::fd::AsFd;

    /// Of a mapping, by the kernel's own account.
    fn huge_bytes(address: usize) -> usize {
        let maps = std::fs::read_to_string("/proc/self/smaps").expect("/proc");
        let head = format!("{address:x}-");
        let own = maps.lines().skip_while(|line| !line.starts_with(&head));
        let kilobytes = own
            .skip(1)
            .find_map(|line| line.strip_prefix("ShmemPmdMapped:"))
            .and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok());
        1024 * kilobytes.unwrap_or(0_usize)
    }

    #[test]
    fn a_shared_vec_lies_in_huge_pages_where_the_kernel_has_some() {
        let (huge, words) = (huge_page(), huge_page() / 8);
        let file = memory_file().expect("a file");
        rustix::fs::ftruncate(&file, huge as u64).expect("a length");
        rustix::io::pwrite(&file, &[0], 0).expect("a page");
        let mut mapping = Mapping::<u8>::writable(&file, huge).expect("a mapping");
        let has_some = mapping.collapse(0..huge);
        if let Err(why) = &has_some {
            eprintln!(
                "no huge pages for memory files here ({why}): that a SharedVec has them is not tested"
            );
        }
        let made = [
            SharedVec::from_fn(3 * words + 100, |i| i as u64),
            SharedVec::from_slice(&(0..3 * words as u64 + 100).collect::<Vec<_>>()),
        ];
        for vector in made.map(|made| made.expect("memory")) {
            assert!(vector.iter().enumerate().all(|(i, &word)| word == i as u64));
            let start = vector.as_ptr() as usize;
            assert!(start.is_multiple_of(huge), "{start:x}");
            if has_some.is_ok() {
                assert_eq!(huge_bytes(start), 3 * huge);
            }
            let file = vector.as_fd().try_clone_to_owned().expect("a descriptor");
            let attached = Attached::sealed(file, huge as u64 + 8, 2 * huge).expect("a part");
            assert_eq!(
                bytemuck::cast_slice::<u8, u64>(&attached)[..],
                vector[words + 1..][..2 * words]
            );
            if has_some.is_ok() {
                assert_eq!(huge_bytes(attached.as_ptr() as usize - 8), 2 * huge);
            }
        }
    }

    /// Where a vector was freed, the address space has a hole of just its size, and the kernel likes to fill it.
    #[test]
    fn a_hole_without_room_for_huge_pages_is_passed_by() {
        let vector = || Vec::<u8>::with_capacity(40 << 20);
        let (_above, hole, _below) = (vector(), vector(), vector());
        drop(hole);
        let shared = SharedVec::<u8>::zeroed(40 << 20).expect("memory");
        let start = shared.as_ptr() as usize;
        assert!(start.is_multiple_of(huge_page()), "{start:x}");
    }

    #[test]
    fn less_than_a_huge_page_is_laid_out_in_small_ones() {
        let file = memory_file().expect("a file");
        rustix::fs::ftruncate(&file, 4096).expect("a page");
        let mut mapping = Mapping::<u8>::writable(&file, 4096).expect("a mapping");
        assert!(!lay_out(&file, &mut mapping));
    }

    #[test]
    fn huge_pages_cover_the_whole_pages_inside() {
        let page = rustix::param::page_size();
        assert!(matches!(huge_pages(&mut Vec::<u8>::new()), Ok(0)));
        assert!(matches!(huge_pages(&mut vec![(); 10]), Ok(0)));
        if let Ok(bytes) = huge_pages(&mut Vec::<u8>::with_capacity(1 << 20)) {
            assert!(
                bytes.is_multiple_of(page) && bytes + 2 * page >= 1 << 20,
                "{bytes}"
            );
        }
    }
}
