//! Heads, places and segments: where pieces lie, and what a damaged head or a segment of another form is told.

use super::bench::{serve, with};
use partools_core::wire::{Parcel, SegmentBuffer};
use partools_core::{Error, Job, Loopback, Plan, PortableTask, over};
use std::io::ErrorKind;

/// Elements that are aligned to two cache lines.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C, align(128))]
struct Wide([u64; 16]);
// SAFETY: all bytes zero are numbers.
unsafe impl bytemuck::Zeroable for Wide {}
// SAFETY: numbers, without padding: 16 of 8 bytes are 128.
unsafe impl bytemuck::Pod for Wide {}

fn parcel_of<R>(
    job: &Job<impl PortableTask<Output: partools_core::Portable>>,
    look: impl FnOnce(&Parcel<'_>) -> R,
) -> R {
    look(&Parcel::pack(job.task(), &Plan::new()).expect("it packs"))
}

/// Attaches with segment 0 at `shift` bytes behind a page.
fn attach_at(parcel: &Parcel<'_>, shift: usize) -> Result<(), String> {
    let mut bytes = vec![0; shift];
    parcel.write_segment(&mut bytes).expect("memory");
    let shifted = SegmentBuffer::read(&mut &bytes[..], bytes.len() as u64).expect("memory");
    let segment = &shifted.as_bytes()[shift..];
    parcel
        .entry()
        .serve(parcel.head(), &[segment], 0, &mut |_| {})
        .map_err(|error| error.to_string())
}

#[test]
fn elements_of_large_alignment_lie_as_they_must_or_are_refused() {
    let wide = [Wide([7; 16]); 3];
    let job = over(0..3)
        .shared(("abc", wide.as_slice()))
        .map(|i, (_, wide)| wide[i].0[i]);
    assert_eq!(job.run(&Loopback).unwrap(), [7, 7, 7]);
    parcel_of(&job, |parcel| {
        assert_eq!(parcel.segment_len(), 128 + 3 * 128);
        assert_eq!(attach_at(parcel, 0), Ok(()));
        assert_eq!(attach_at(parcel, 128), Ok(()));
        let refused = attach_at(parcel, 64).unwrap_err();
        assert!(refused.contains("aligned to 128 bytes"), "{refused}");
    });
}

#[test]
fn pieces_begin_on_cache_lines_with_zeros_between() {
    let (a, b, c) = ([1_u8; 65], [2_u16; 3], [3_u8]);
    let job = over(0..1)
        .shared((a.as_slice(), b.as_slice(), &b[..0], c.as_slice()))
        .map(|_, shared| shared.0.len());
    parcel_of(&job, |parcel| {
        let segment = parcel.segment().unwrap();
        let mut expected = vec![1; 65];
        expected.resize(128, 0);
        expected.extend([2, 0, 2, 0, 2, 0]);
        expected.resize(192, 0);
        expected.push(3);
        assert_eq!(segment.as_bytes(), expected);
    });
}

#[test]
fn nothing_has_to_lie_anywhere() {
    // The segment is empty, and begins at no multiple of eight.
    let nothing: &[f64] = &[];
    let job = over(0..1).shared(nothing).map(|_, nothing| nothing.len());
    parcel_of(&job, |parcel| {
        assert_eq!(parcel.segment_len(), 0);
        for start in 0..9 {
            let bytes = [0_u8; 16];
            let segment = &bytes[start..start];
            let served = parcel
                .entry()
                .serve(parcel.head(), &[segment], 0, &mut |_| {});
            assert!(served.is_ok(), "{served:?}");
        }
    });
}

#[test]
fn a_piece_outside_its_segment_is_refused() {
    let numbers = [1.0, 2.0, 3.0];
    let job = over(0..3)
        .shared(numbers.as_slice())
        .map(|i, numbers| numbers[i]);
    parcel_of(&job, |parcel| {
        let segment = parcel.segment().unwrap();
        for cut in 0..24 {
            let segments: [&[u8]; 1] = [&segment.as_bytes()[..cut]];
            let refused = parcel
                .entry()
                .serve(parcel.head(), &segments, 0, &mut |_| {});
            let refused = refused.expect_err("it is cut off").to_string();
            assert!(refused.contains("24 bytes"), "{refused}");
        }
        assert!(
            parcel
                .entry()
                .serve(parcel.head(), &[], 0, &mut |_| {})
                .is_err()
        );
    });
}

#[test]
fn a_piece_that_lies_somewhere_already_is_not_copied() {
    let (known, other) = (vec![1.5, 2.5, 3.5], [9_u8; 10]);
    let job = over(0..3)
        .shared((other.as_slice(), &known[1..]))
        .map(|i, (other, known)| f64::from(other[i]) + known[i % 2]);
    let whole: &[u8] = bytemuck::cast_slice(&known);
    let mut locate = |bytes: &[u8]| {
        let offset = bytes.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
        (offset < whole.len()).then_some((2, offset as u64))
    };
    let parcel = Parcel::pack_with(job.task(), &Plan::new(), &mut locate).unwrap();
    assert_eq!(parcel.segment_len(), 10);
    let own = parcel.segment().unwrap();
    let segments: [&[u8]; 3] = [own.as_bytes(), &[], whole];
    let served = parcel
        .entry()
        .serve(parcel.head(), &segments, 0, &mut |_| {});
    assert!(served.is_ok(), "{served:?}");
    let refused = Parcel::pack_with(job.task(), &Plan::new(), &mut |_| Some((0, 0)));
    assert!(refused.is_err(), "segment 0 is the parcel's own");
}

#[test]
fn a_head_that_is_cut_off_or_changed_is_refused_or_harmless() {
    let numbers = [1.0, 2.0, 3.0];
    let job = over(&numbers)
        .shared((numbers.as_slice(), "abc", 7_u32))
        .map(|x, shared| x + shared.0[0]);
    let result = with(&job, &|_, _, parcel| {
        let segment = parcel.segment().expect("memory");
        let segments: [&[u8]; 1] = [segment.as_bytes()];
        let attach = |head: &[u8]| parcel.entry().serve(head, &segments, 0, &mut |_| {});
        let head = parcel.head();
        assert!(attach(head).is_ok());
        for cut in 0..head.len() {
            assert!(attach(&head[..cut]).is_err(), "cut at {cut}");
        }
        assert!(attach(&[head, &[0]].concat()).is_err());
        for at in 0..head.len() {
            for bit in 0..8 {
                let mut changed = head.to_vec();
                changed[at] ^= 1 << bit;
                // A seed may be any number; nothing panics.
                let _ = attach(&changed);
            }
        }
        let own = u16::from_le_bytes([head[4], head[5]]);
        for version in [0, own - 1, own + 1, u16::MAX] {
            let mut changed = head.to_vec();
            changed[4..6].copy_from_slice(&version.to_le_bytes());
            let refused = attach(&changed).expect_err("another version").to_string();
            assert!(refused.contains("another version"), "{refused}");
        }
        serve(parcel, |_| ())?;
        Err(Error::executor("seen"))
    });
    assert_eq!(result.unwrap_err().to_string(), "seen");
}

#[test]
fn a_length_is_not_believed_before_its_bytes_have_come() {
    for len in [4, 1 << 20, 1 << 40, (1 << 62) + 1, u64::MAX / 2] {
        let error = SegmentBuffer::read(&mut &b"abc"[..], len).expect_err("three bytes");
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{len}: {error}");
    }
    for len in [
        0_usize,
        1,
        63,
        4096,
        (1 << 20) - 1,
        1 << 20,
        (1 << 20) + 1,
        5 << 20,
    ] {
        let bytes: Vec<u8> = (0..len).map(|i| i.to_le_bytes()[0]).collect();
        let mut reader = std::io::Read::chain(&bytes[..len / 3], &bytes[len / 3..]);
        let segment = SegmentBuffer::read(&mut reader, len as u64).unwrap();
        assert!(segment.as_bytes() == bytes, "{len}");
        let address = segment.as_bytes().as_ptr().addr();
        assert!(address.is_multiple_of(SegmentBuffer::ALIGN), "{len}");
    }
}
