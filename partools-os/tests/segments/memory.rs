//! Memory that must not exist twice. Each figure is that of a fresh process, in KiB.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::process::Stdio;

use partools_os::{Attached, SharedVec, locate};

use crate::holdings::{kib, memory_files_kib, own_kib, proportional_kib};
use crate::roles::{numbers, say};
use crate::trials;

trials![
    a_vector_that_is_read_never_exists_twice,
    a_vector_that_is_filled_never_exists_twice,
    the_measure_sees_a_second_copy,
    an_attached_slice_is_the_same_memory_in_this_process,
    an_attached_slice_is_the_same_memory_in_another_process,
];

/// 400 MB of numbers.
const LEN: usize = 50_000_000;
const ARRAY_KIB: usize = LEN * 8 / 1024;
/// Page tables, buffers, and what the allocator keeps: far below a part of the array that would matter.
const SLACK_KIB: usize = 8 * 1024;
/// A look at /proc after so many bytes.
const STEP: usize = 16 << 20;

fn assert_once(role: &str) {
    let [own, resident] = numbers(role, Stdio::null())[..] else {
        panic!("two figures")
    };
    for (what, peak) in [("own", own), ("resident", resident)] {
        let bound = ARRAY_KIB + SLACK_KIB;
        assert!(
            (ARRAY_KIB - 64..=bound).contains(&peak),
            "{role}: the peak of {what} memory is {peak} KiB for an array of {ARRAY_KIB} KiB"
        );
    }
}

fn a_vector_that_is_read_never_exists_twice() {
    assert_once("read");
}

fn a_vector_that_is_filled_never_exists_twice() {
    assert_once("fill");
}

fn the_measure_sees_a_second_copy() {
    let peaks = numbers("twice", Stdio::null());
    assert!(peaks.iter().all(|&peak| peak >= 2 * ARRAY_KIB), "{peaks:?}");
}

/// The highest figures, beyond what was there before.
struct Peak {
    own_before: usize,
    resident_before: usize,
    own: usize,
}

impl Peak {
    fn new() -> Peak {
        Peak {
            own_before: own_kib(),
            resident_before: kib("status", "VmRSS"),
            own: 0,
        }
    }

    fn look(&mut self) {
        self.own = self.own.max(own_kib() - self.own_before);
    }

    /// The kernel keeps the highest resident size by itself.
    fn print(&mut self) {
        self.look();
        let resident = kib("status", "VmHWM") - self.resident_before;
        say(&format!("{} {resident}", self.own));
    }
}

/// A reader that looks at the memory of its process while it is read.
struct Looking<'a> {
    peak: &'a mut Peak,
    next: u64,
}

impl Read for Looking<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.peak.look();
        let len = buffer.len().min(STEP);
        for place in buffer[..len].chunks_exact_mut(8) {
            place.copy_from_slice(&self.next.to_ne_bytes());
            self.next += 1;
        }
        Ok(len)
    }
}

fn assert_counting(vector: &[u64]) {
    assert_eq!(vector.len(), LEN);
    assert!(vector.iter().zip(0..).all(|(&element, i)| element == i));
}

/// Role: `from_reader`.
pub(crate) fn read() {
    let mut peak = Peak::new();
    let looking = Looking {
        peak: &mut peak,
        next: 0,
    };
    let vector = SharedVec::<u64>::from_reader(looking, LEN).expect("memory");
    peak.look();
    assert_counting(&vector);
    peak.print();
}

/// Role: zeroed, then filled.
pub(crate) fn fill() {
    let mut peak = Peak::new();
    let mut filling = SharedVec::<u64>::zeroed(LEN).expect("memory");
    let mut next = 0;
    for part in filling.chunks_mut(STEP / 8) {
        peak.look();
        for place in part {
            *place = next;
            next += 1;
        }
    }
    peak.look();
    let vector = filling.freeze().expect("frozen");
    assert_counting(&vector);
    peak.print();
}

/// Role: what both are there to avoid.
pub(crate) fn twice() {
    let mut peak = Peak::new();
    let ordinary: Vec<u64> = (0..LEN as u64).collect();
    let vector = SharedVec::from_slice(&ordinary).expect("memory");
    peak.look();
    assert_counting(&vector);
    peak.print();
}

/// 200 MB, of which all but some at both ends is located.
const SHARED: usize = 25_000_000;
const SHARED_KIB: usize = SHARED * 8 / 1024;

fn sum(numbers: &[u64]) -> usize {
    usize::try_from(numbers.iter().sum::<u64>()).expect("a sum")
}

fn an_attached_slice_is_the_same_memory_in_this_process() {
    let vector = SharedVec::from_fn(SHARED, |i| i as u64).expect("memory");
    let part = &vector[1000..SHARED - 1000];
    let total = sum(part);
    let (before, files) = (proportional_kib(), memory_files_kib());
    let located = locate(bytemuck::cast_slice(part)).expect("it lies in the vector");
    let descriptor = located.as_fd().try_clone_to_owned().expect("a descriptor");
    let attached = Attached::sealed(descriptor, located.offset(), located.len()).expect("attached");
    assert_eq!(sum(bytemuck::cast_slice(&attached)), total);
    let added = proportional_kib().saturating_sub(before);
    assert!(added < SLACK_KIB, "a second mapping added {added} KiB");
    assert_eq!(memory_files_kib(), files);
}

fn an_attached_slice_is_the_same_memory_in_another_process() {
    let vector = SharedVec::from_fn(SHARED, |i| i as u64).expect("memory");
    let total = sum(&vector[1000..]);
    let located = locate(bytemuck::cast_slice(&vector[1000..])).expect("it lies in the vector");
    let descriptor = located.as_fd().try_clone_to_owned().expect("a descriptor");
    assert_eq!((located.offset(), located.len()), ATTACHED);
    let [its_total, anonymous, proportional] = numbers("attach", descriptor.into())[..] else {
        panic!("three figures")
    };
    assert_eq!(its_total, total);
    assert!(anonymous < SLACK_KIB, "it has {anonymous} KiB of its own");
    // Two processes have each page, so half of each counts here.
    assert!(
        proportional < SHARED_KIB / 2 + SLACK_KIB,
        "its share is {proportional} of {SHARED_KIB} KiB"
    );
}

const ATTACHED: (u64, usize) = (8000, (SHARED - 1000) * 8);

/// Role: attaches what standard input is, reads it, and tells the sum and what that added.
pub(crate) fn attach() {
    let (anonymous, proportional) = (kib("smaps_rollup", "Pss_Anon"), proportional_kib());
    let descriptor = io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .expect("a descriptor");
    let attached = Attached::sealed(descriptor, ATTACHED.0, ATTACHED.1).expect("attached");
    let total = sum(bytemuck::cast_slice(&attached));
    let anonymous = kib("smaps_rollup", "Pss_Anon").saturating_sub(anonymous);
    let proportional = proportional_kib() - proportional;
    say(&format!("{total} {anonymous} {proportional}"));
}
