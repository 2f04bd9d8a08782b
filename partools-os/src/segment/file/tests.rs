//! Parts of files, files that are none, and what a mapping leaves behind.

use std::fs::{self, OpenOptions};
use std::io::Write;

use super::*;
use crate::{Attached, foreign_writable_shared, locate};

/// A file of `len` bytes, 0, 1, 2 and so on.
fn counting(len: usize) -> File {
    let mut file = tempfile::tempfile().expect("a file");
    let bytes: Vec<u8> = (0..len).map(|i| i.to_le_bytes()[0]).collect();
    file.write_all(&bytes).expect("written");
    file
}

fn map<T: Pod>(file: &File, part: FilePart) -> io::Result<MappedSlice<T>> {
    // SAFETY: nobody else has this file.
    unsafe { MappedSlice::from_file(file.try_clone()?, part) }
}

fn refusal<T: Pod>(file: &File, part: FilePart) -> String {
    map::<T>(file, part)
        .expect_err("it cannot be mapped")
        .to_string()
}

#[test]
fn every_part_is_what_the_file_has_there() {
    let file = counting(10_000);
    let bytes = map::<u8>(&file, FilePart::whole()).expect("a slice");
    assert_eq!((bytes.len(), bytes.shape()), (10_000, &[10_000][..]));
    assert!(
        bytes
            .iter()
            .enumerate()
            .all(|(i, &byte)| byte == i.to_le_bytes()[0])
    );
    for offset in (0..10_000).step_by(8).chain([4088, 4096, 4104, 8192]) {
        let behind = map::<u64>(&file, FilePart::from_byte(offset as u64)).expect("a slice");
        assert_eq!(
            bytemuck::cast_slice::<u64, u8>(&behind),
            &bytes[offset..],
            "{offset}"
        );
        let one =
            map::<u64>(&file, FilePart::from_byte(offset as u64).elements(1)).expect("a slice");
        assert_eq!((&one[..], one.shape()), (&behind[..1], &[1][..]));
    }
}

#[test]
fn no_elements_are_a_slice_too() {
    let empty = counting(0);
    assert!(
        map::<u64>(&empty, FilePart::whole())
            .expect("a slice")
            .is_empty()
    );
    let file = counting(16);
    assert!(
        map::<u64>(&file, FilePart::from_byte(16))
            .expect("a slice")
            .is_empty()
    );
    assert!(
        map::<u64>(&file, FilePart::from_byte(8).elements(0))
            .expect("a slice")
            .is_empty()
    );
    assert_eq!(
        map::<()>(&file, FilePart::whole().elements(7))
            .expect("a slice")
            .len(),
        7
    );
    assert!(refusal::<()>(&file, FilePart::whole()).contains("say how many"));
}

#[test]
fn parts_that_cannot_be_are_refused_with_a_way_out() {
    let file = counting(100);
    let text = refusal::<u64>(&file, FilePart::whole());
    assert!(
        text.contains("4 are left over") && text.contains(".elements(12)"),
        "{text}"
    );
    let text = refusal::<u64>(&file, FilePart::from_byte(4));
    assert!(text.contains("aligned to 8 bytes"), "{text}");
    let text = refusal::<u64>(&file, FilePart::from_byte(104));
    assert!(text.contains("nothing begins at byte 104"), "{text}");
    let text = refusal::<u64>(&file, FilePart::from_byte(8).elements(12));
    assert!(text.contains("more than the 92 bytes"), "{text}");
    for part in [
        FilePart::whole().elements(usize::MAX),
        FilePart::from_byte(u64::MAX - 7),
        FilePart::from_byte(u64::MAX - 7).elements(usize::MAX),
        FilePart::whole().elements(usize::MAX / 8 + 2),
    ] {
        assert_eq!(
            map::<u64>(&file, part).expect_err("no room").kind(),
            io::ErrorKind::UnexpectedEof
        );
    }
}

#[test]
fn what_is_no_regular_file_is_refused() {
    let folder = File::open("/").expect("a folder");
    assert!(refusal::<u8>(&folder, FilePart::whole()).contains("Directory"));
    let device = File::open("/dev/zero").expect("a device");
    assert!(refusal::<u8>(&device, FilePart::whole().elements(1)).contains("no regular file"));
}

#[test]
fn an_error_names_the_file() {
    // SAFETY: there is no such file.
    let missing = unsafe { MappedSlice::<u8>::open("/nowhere/at all", FilePart::whole()) };
    let missing = missing.expect_err("no file");
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    assert!(
        missing.to_string().starts_with("/nowhere/at all: "),
        "{missing}"
    );
}

#[test]
fn the_mapping_cannot_be_made_writable_and_is_not_refused_by_a_fork() {
    let path = tempfile::NamedTempFile::new().expect("a file");
    fs::write(&path, [1; 4096]).expect("written");
    // Through a descriptor that can write, the kernel would let anybody change the protection.
    let both = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .expect("a file");
    let mapped = map::<u8>(&both, FilePart::whole()).expect("a slice");
    let start = mapped.as_ptr() as usize;
    // SAFETY: a page of ours; that it is refused is the point.
    let unprotected = unsafe {
        rustix::mm::mprotect(
            mapped.as_ptr().cast_mut().cast(),
            4096,
            rustix::mm::MprotectFlags::WRITE,
        )
    };
    assert_eq!(unprotected, Err(rustix::io::Errno::ACCESS));
    let listed = foreign_writable_shared().expect("maps");
    assert!(listed.iter().all(|mapping| mapping.start != start));
    // Nor can who gets the descriptor.
    let located = locate(&mapped).expect("it lies in a file");
    assert_eq!(
        rustix::io::pwrite(&located, b"x", 0),
        Err(rustix::io::Errno::BADF)
    );
}

#[test]
fn a_file_that_is_replaced_stays_mapped_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, new) = (folder.path().join("numbers"), folder.path().join("new"));
    fs::write(&path, [1; 5000]).expect("written");
    // SAFETY: the file at this path is replaced, not changed.
    let mapped = unsafe { MappedSlice::<u8>::open(&path, FilePart::whole()) }.expect("a slice");
    fs::write(&new, [2; 10]).expect("written");
    fs::rename(&new, &path).expect("renamed");
    assert_eq!(mapped[..], [1; 5000]);
    fs::remove_file(&path).expect("removed");
    assert_eq!(mapped[..], [1; 5000]);
}

#[test]
fn slices_of_it_are_located_and_attached() {
    let file = counting(20_000);
    let mapped = map::<u16>(&file, FilePart::from_byte(5000)).expect("a slice");
    let located = locate(bytemuck::cast_slice(&mapped[100..400])).expect("it lies in a file");
    assert_eq!((located.offset(), located.len()), (5200, 600));
    assert_eq!(located.backing(), Backing::Promised);
    let descriptor = || located.as_fd().try_clone_to_owned().expect("a descriptor");
    // SAFETY: nobody else has this file.
    let attached = unsafe { Attached::promised(descriptor(), 5200, 600) }.expect("attached");
    assert_eq!(
        bytemuck::cast_slice::<u8, u16>(&attached),
        &mapped[100..400]
    );
    let refused = Attached::sealed(descriptor(), 5200, 600).expect_err("it has no seals");
    assert!(
        refused.to_string().contains("only a memory file"),
        "{refused}"
    );
    // SAFETY: as above.
    let refused =
        unsafe { Attached::promised(descriptor(), 19_500, 600) }.expect_err("it is too long");
    assert!(
        refused
            .to_string()
            .contains("do not lie in a file of 20000 bytes"),
        "{refused}"
    );
    drop(mapped);
    assert!(locate(&attached).is_some_and(|again| again.offset() == 5200));
}
