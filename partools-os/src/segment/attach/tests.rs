//! Descriptors and numbers that somebody hostile would send.

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;

use rustix::fs::{MemfdFlags, Mode, OFlags};

use super::*;
use crate::SharedVec;

fn duplicate(file: impl AsFd) -> OwnedFd {
    file.as_fd()
        .try_clone_to_owned()
        .expect("a descriptor is left")
}

/// A memory file of a page, with these seals.
fn memory(flags: MemfdFlags, seals: SealFlags) -> io::Result<OwnedFd> {
    let file = rustix::fs::memfd_create("hostile", flags | MemfdFlags::ALLOW_SEALING)?;
    rustix::fs::ftruncate(&file, 4096)?;
    rustix::fs::fcntl_add_seals(&file, seals)?;
    Ok(file)
}

fn refusal(file: OwnedFd, offset: u64, len: usize) -> String {
    Attached::sealed(file, offset, len)
        .expect_err("it is hostile")
        .to_string()
}

#[test]
fn every_part_of_a_sealed_file_is_attached() {
    let vector = SharedVec::from_fn(10_000, |i| i.to_le_bytes()[0]).expect("memory");
    for (offset, len) in [
        (0, 10_000),
        (1, 1),
        (4095, 2),
        (4096, 5904),
        (9999, 1),
        (10_000, 0),
        (5, 0),
    ] {
        let attached =
            Attached::sealed(duplicate(&vector), offset as u64, len).expect("a part of it");
        assert_eq!(attached[..], vector[offset..offset + len]);
        assert!(len == 0 || attached.as_ptr() != vector[offset..].as_ptr());
    }
}

#[test]
fn what_is_attached_outlives_what_was_located() {
    let vector = SharedVec::from_slice(&[7_u8; 5000]).expect("memory");
    let attached = Attached::sealed(duplicate(&vector), 0, 5000).expect("all of it");
    drop(vector);
    assert_eq!(attached[..], [7; 5000]);
}

#[test]
fn each_missing_seal_is_refused_by_name() {
    for (missing, name) in [
        (SealFlags::WRITE, "WRITE"),
        (SealFlags::SHRINK, "SHRINK"),
        (SealFlags::GROW, "GROW"),
        (SealFlags::SEAL, "SEAL"),
    ] {
        let file = memory(MemfdFlags::CLOEXEC, ALL_SEALS.difference(missing)).expect("a file");
        let text = refusal(file, 0, 4096);
        assert!(text.contains(&format!("lacks the seals {name}:")), "{text}");
    }
    // Not to be written in future is not enough: who has it mapped already writes on.
    let future = SealFlags::FUTURE_WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    let file = memory(MemfdFlags::CLOEXEC, future).expect("a file");
    assert!(refusal(file, 0, 4096).contains("WRITE"));
    let file = memory(MemfdFlags::CLOEXEC, SealFlags::empty()).expect("a file");
    assert!(refusal(file, 0, 4096).contains("lacks the seals"));
}

#[test]
fn parts_that_are_not_in_the_file_are_refused() {
    for (offset, len) in [
        (0, 4097),
        (4095, 2),
        (4097, 0),
        (u64::MAX, 1),
        (u64::MAX, usize::MAX),
        (0, usize::MAX),
        (1, usize::MAX),
        (1 << 63, 1 << 63),
    ] {
        let file = memory(MemfdFlags::CLOEXEC, ALL_SEALS).expect("a file");
        let text = refusal(file, offset, len);
        assert!(
            text.contains("do not lie in a file of 4096 bytes"),
            "{offset} {len}: {text}"
        );
    }
}

#[test]
fn a_file_that_claims_to_be_endless_is_an_error_or_a_mapping() {
    let file = rustix::fs::memfd_create("endless", MemfdFlags::ALLOW_SEALING).expect("a file");
    rustix::fs::ftruncate(&file, i64::MAX as u64).expect("a long one");
    rustix::fs::fcntl_add_seals(&file, ALL_SEALS).expect("sealed");
    let all = isize::MAX as usize;
    assert!(Attached::sealed(duplicate(&file), 0, all).is_err());
    assert!(Attached::sealed(duplicate(&file), 1 << 62, all).is_err());
    let far = Attached::sealed(file, (1 << 62) + 1, 1).expect("a byte of it");
    assert_eq!(far[..], [0]);
}

#[test]
fn what_is_no_memory_file_is_refused() {
    let (pipe, _writer) = rustix::pipe::pipe().expect("a pipe");
    let folder: OwnedFd = File::open("/").expect("a folder").into();
    let device: OwnedFd = File::open("/dev/zero").expect("a device").into();
    let ordinary: OwnedFd = tempfile::tempfile().expect("a file").into();
    for file in [pipe, folder, device, ordinary] {
        let text = refusal(file, 0, 1);
        assert!(text.contains("only a memory file"), "{text}");
    }
}

#[test]
fn descriptors_that_cannot_read_are_refused_or_read_through_another() {
    let vector = SharedVec::from_slice(&[7_u8; 4096]).expect("memory");
    let path = format!("/proc/self/fd/{}", vector.as_fd().as_raw_fd());
    let name_only = rustix::fs::open(&path, OFlags::PATH, Mode::empty()).expect("a name");
    assert!(Attached::sealed(name_only, 0, 4096).is_err());
    // The kernel opens a sealed file for writing, and refuses each write; where it may not be read, it is not mapped.
    if let Ok(writer) = OpenOptions::new().write(true).open(&path) {
        assert!(Attached::sealed(writer.into(), 0, 4096).is_err());
    }
}

#[test]
fn a_file_of_huge_pages_is_refused() {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::HUGETLB;
    let Ok(file) = rustix::fs::memfd_create("huge", flags | MemfdFlags::ALLOW_SEALING) else {
        eprintln!("SKIPPED: this kernel has no huge pages for memory files");
        return;
    };
    rustix::fs::ftruncate(&file, 1 << 21).expect("a length, without a page behind it");
    rustix::fs::fcntl_add_seals(&file, ALL_SEALS).expect("sealed");
    assert!(refusal(file, 0, 4096).contains("huge pages"));
}
