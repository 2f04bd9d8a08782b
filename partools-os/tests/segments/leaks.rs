//! Nothing is left: descriptors and mappings are the same after each way of making, refusing and dropping.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;

use partools_os::{Attached, FilePart, MappedSlice, SharedVec, locate};

use crate::holdings::held;
use crate::trials;

trials![
    what_is_made_and_dropped_leaves_nothing,
    what_is_refused_leaves_nothing,
    what_was_located_keeps_one_descriptor_and_no_mapping,
];

fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("written");
    file
}

fn assert_nothing_is_left(round: impl Fn()) {
    let before = held();
    (0..200).for_each(|_| round());
    assert_eq!(held(), before);
}

fn what_is_made_and_dropped_leaves_nothing() {
    assert_nothing_is_left(|| {
        let vector = SharedVec::<u16>::from_reader(&[1; 20_000][..], 10_000).expect("memory");
        let located = locate(bytemuck::cast_slice(&vector[5000..])).expect("in the vector");
        let descriptor = located.as_fd().try_clone_to_owned().expect("a descriptor");
        let attached =
            Attached::sealed(descriptor, located.offset(), located.len()).expect("attached");
        let file = file_of(&[1; 20_000]);
        // SAFETY: nobody else has this file.
        let mapped = unsafe { MappedSlice::<u16>::from_file(file, FilePart::from_byte(6000)) };
        let mapped = mapped.expect("mapped");
        assert_eq!(attached[0], 1);
        assert_eq!(mapped[0], 257);
        // Something is held now, so that the look can see it.
        assert!(
            held()
                .iter()
                .filter(|line| line.contains("memfd:partools"))
                .count()
                >= 4
        );
        drop(SharedVec::<u8>::zeroed(5000).expect("memory"));
    });
}

fn what_is_refused_leaves_nothing() {
    let vector = SharedVec::from_slice(&[1_u8; 5000]).expect("memory");
    assert_nothing_is_left(|| {
        assert!(SharedVec::<u16>::from_reader(&[1; 19_999][..], 10_000).is_err());
        let descriptor = || vector.as_fd().try_clone_to_owned().expect("a descriptor");
        assert!(Attached::sealed(descriptor(), 4999, 2).is_err());
        assert!(Attached::sealed(file_of(&[1; 10]).into(), 0, 10).is_err());
        let part = FilePart::from_byte(3);
        // SAFETY: nobody else has these files.
        assert!(unsafe { MappedSlice::<u16>::from_file(file_of(&[1; 10]), part) }.is_err());
        // SAFETY: as above.
        assert!(unsafe { MappedSlice::<u16>::from_npy_file(file_of(&[1; 10])) }.is_err());
    });
}

fn what_was_located_keeps_one_descriptor_and_no_mapping() {
    let before = held();
    let vector = SharedVec::from_slice(&[1_u8; 5000]).expect("memory");
    let located = locate(&vector).expect("in the vector");
    let again = located.clone();
    drop(vector);
    assert_eq!(held().len(), before.len() + 1);
    drop((located, again));
    assert_eq!(held(), before);
}
