//! What is published once for several maps.

use super::Trials;
use super::hosts::eventually;
use super::sharing::inode_at;
use partools_conformance::leaks::Snapshot;
use partools_core::{Chunks, Report, Serial, over};
use partools_fork::Fork;
use partools_ipc::{Ipc, Published};
use partools_os::{FilePart, MappedSlice, SharedVec, locate};
use std::collections::BTreeSet;
use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

pub(super) fn all() -> Trials {
    vec![
        ("what_is_published_is_copied_once_and_attached_once", once),
        ("what_is_published_is_let_go_of_with_the_guard", released),
        (
            "a_worker_that_is_busy_lets_go_when_it_is_given_back",
            released_later,
        ),
        ("a_shared_vec_is_published_without_a_copy", shared_vec),
        (
            "a_mapped_file_is_published_without_a_copy_and_attached_once",
            mapped_file,
        ),
        ("parts_of_what_is_published_are_not_copied", parts),
        (
            "a_worker_that_takes_anothers_place_attaches_it_anew",
            replaced,
        ),
        ("other_executors_take_what_is_published", elsewhere),
        ("what_does_not_fit_is_refused_with_figures", no_room),
        ("nothing_is_left_of_what_was_published", nothing_left),
    ]
}

fn numbers() -> Vec<u64> {
    (0..100_000).collect()
}

fn inode(numbers: &[u64]) -> u64 {
    let located = locate(bytemuck::cast_slice(numbers)).expect("it lies in a segment");
    let file = located.as_fd().try_clone_to_owned().expect("a descriptor");
    fs::File::from(file).metadata().expect("it is open").ino()
}

/// Of each worker: its process, and the file and address at which it has the numbers.
type Places = BTreeSet<(u32, u64, usize)>;

fn places(ipc: &Ipc, published: &Published<'_, u64>) -> Places {
    let report = Report::new();
    let job = over(0..8)
        .chunk(Chunks::of(1))
        .observe(&report)
        .shared(published);
    let job = job.map(|i, numbers| {
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(numbers[i * 7], i as u64 * 7);
        let address = numbers.as_ptr() as usize;
        (std::process::id(), inode_at(address), address)
    });
    let places: Places = job.run(ipc).unwrap().into_iter().collect();
    let moved = report.summary().bytes_moved;
    assert!(moved < 10_000, "{moved} bytes were moved");
    places
}

/// Has this process the file mapped?
fn has(process: u32, inode: u64) -> bool {
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap_or_default();
    maps.lines()
        .any(|line| line.split_ascii_whitespace().nth(4) == Some(&inode.to_string()))
}

fn once() {
    let (ipc, numbers) = (Ipc::new().workers(2), numbers());
    let published = ipc.publish(&numbers).unwrap();
    let file = inode(&published);
    let first = places(&ipc, &published);
    assert!(
        first.len() == 2 && first.iter().all(|place| place.1 == file),
        "{first:?}"
    );
    for _ in 0..5 {
        assert_eq!(places(&ipc, &published), first);
        // Also between maps.
        assert!(first.iter().all(|place| has(place.0, file)));
    }
}

fn released() {
    let (ipc, numbers) = (Ipc::new().workers(2), numbers());
    let published = ipc.publish(&numbers).unwrap();
    let file = inode(&published);
    let there = places(&ipc, &published);
    drop(published);
    eventually("they let go", || {
        !there.iter().any(|place| has(place.0, file))
    });
    // And the next one is another.
    let published = ipc.publish(&numbers).unwrap();
    let next = places(&ipc, &published);
    let workers = |places: &Places| places.iter().map(|place| place.0).collect::<Vec<_>>();
    assert_eq!(workers(&next), workers(&there));
    assert!(next.iter().all(|place| place.1 != file));
}

fn released_later() {
    let (ipc, numbers) = (Ipc::new().workers(1), numbers());
    let published = ipc.publish(&numbers).unwrap();
    let file = inode(&published);
    let there = places(&ipc, &published);
    let worker = there.first().unwrap().0;
    let mut published = Some(published);
    let job = over(0..3).chunk(Chunks::of(1)).map(|i| i);
    let delivered = job.for_each(&ipc, |_, _| {
        drop(published.take());
        assert!(has(worker, file), "it is at another map");
    });
    delivered.unwrap();
    eventually("it lets go", || !has(worker, file));
}

fn shared_vec() {
    let ipc = Ipc::new().workers(2);
    let numbers = SharedVec::from_slice(&numbers()).unwrap();
    let published = ipc.publish(&numbers).unwrap();
    assert_eq!(published.as_ptr(), numbers.as_ptr());
    let there = places(&ipc, &published);
    assert!(there.iter().all(|place| place.1 == inode(&numbers)));
    drop(published);
    eventually("they let go", || {
        !there.iter().any(|place| has(place.0, inode(&numbers)))
    });
}

fn mapped_file() {
    let ipc = Ipc::new().workers(2);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("numbers");
    fs::write(&path, bytemuck::cast_slice(&numbers())).unwrap();
    // SAFETY: nobody else knows this file.
    let mapped = unsafe { MappedSlice::<u64>::open(&path, FilePart::whole()) }.unwrap();
    let file = inode(&mapped);
    {
        let published = ipc.publish(&mapped).unwrap();
        assert_eq!(published.as_ptr(), mapped.as_ptr());
        let first = places(&ipc, &published);
        for _ in 0..5 {
            assert_eq!(places(&ipc, &published), first);
            // Between maps, too, so it was not attached again.
            assert!(first.iter().all(|place| has(place.0, file)));
        }
        drop(published);
        eventually("they let go", || {
            !first.iter().any(|place| has(place.0, file))
        });
    }
    // Unpublished, it is there for one map at a time.
    let job = over(0..4).shared(&mapped[..]);
    let job = job.map(|i, numbers| (std::process::id(), numbers[i]));
    let there = job.run(&ipc).unwrap();
    assert!(!there.iter().any(|&(process, _)| has(process, file)));
}

fn parts() {
    let (ipc, numbers) = (Ipc::new().workers(2), numbers());
    let published = ipc.publish(&numbers).unwrap();
    let there = places(&ipc, &published);
    let report = Report::new();
    let parts = (&published[100..200], &published[50_000..], "and a text");
    let job = over(0..4)
        .chunk(Chunks::of(1))
        .observe(&report)
        .shared(parts);
    let job = job.map_cx(|i, cx| {
        let (few, many, text) = cx.shared;
        assert_eq!((few.len(), many.len(), text), (100, 50_000, "and a text"));
        let address = few.as_ptr() as usize - 100 * size_of::<u64>();
        assert_eq!(many.as_ptr() as usize, address + 50_000 * size_of::<u64>());
        (few[i], many[i], address)
    });
    let results = job.run(&ipc).unwrap();
    for (i, &(few, many, address)) in results.iter().enumerate() {
        assert_eq!((few, many), (100 + i as u64, 50_000 + i as u64));
        assert!(
            there.iter().any(|place| place.2 == address),
            "it was attached again"
        );
    }
    // The text is copied.
    let moved = report.summary().bytes_moved;
    assert!((10..10_000).contains(&moved), "{moved} bytes were moved");
}

fn replaced() {
    let (ipc, numbers) = (Ipc::new().workers(1), numbers());
    let published = ipc.publish(&numbers).unwrap();
    let file = inode(&published);
    let job = over(0..4).shared(&published).map(|i, numbers| {
        if i == 1 {
            std::process::abort();
        }
        inode_at(numbers.as_ptr() as usize)
    });
    let results = job.try_run(&ipc).unwrap();
    let sound: Vec<u64> = results.into_iter().filter_map(Result::ok).collect();
    assert_eq!(sound, [file; 3]);
}

fn elsewhere() {
    let (ipc, numbers) = (Ipc::new().workers(2), numbers());
    let published = ipc.publish(&numbers).unwrap();
    let job = over(0..4)
        .shared(&published)
        .map(|i, numbers| numbers[i] + numbers[99_999]);
    let expected = job.run(&Serial).unwrap();
    assert_eq!(expected, [99_999, 100_000, 100_001, 100_002]);
    assert_eq!(job.run(&Fork::new().workers(2)).unwrap(), expected);
    assert_eq!(job.run(&partools_core::Loopback).unwrap(), expected);
    // Workers of another pool know nothing of it.
    assert_eq!(job.run(&Ipc::new().workers(2)).unwrap(), expected);
    let nothing: [u64; 0] = [];
    let published = ipc.publish(&nothing).unwrap();
    let job = over(0..4)
        .shared(&published)
        .map(|i, nothing| i + nothing.len());
    assert_eq!(job.run(&ipc).unwrap(), [0, 1, 2, 3]);
}

/// A field of /proc/meminfo, in bytes.
fn memory(name: &str) -> usize {
    let text = fs::read_to_string("/proc/meminfo").expect("/proc");
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let figure = line.and_then(|line| line.split_ascii_whitespace().next());
    figure
        .and_then(|figure| figure.parse::<usize>().ok())
        .expect("a figure")
        << 10
}

fn no_room() {
    let ipc = Ipc::new().workers(1);
    // Memory that nobody touches, and that would not fit if somebody copied it: here it is shared several times.
    let half = vec![0_u8; memory("MemTotal:") / 2];
    let quarters = (&half[..], &half[..], &half[..]);
    let job = over(0..2).shared(quarters).map_cx(|i, cx| cx.shared.0[i]);
    let error = job.run(&ipc).unwrap_err();
    let text = error.to_string();
    assert!(error.is_refused(), "{text}");
    assert!(
        text.contains("there is no room for a copy of the shared argument: "),
        "{text}"
    );
    assert!(
        text.contains(" MB are needed, and ") && text.contains(" MB are left of "),
        "{text}"
    );
    // Nothing of it was made; what fits is served.
    assert_eq!(over(0..2).map(|i| i).run(&ipc).unwrap(), [0, 1]);
    drop(half);
    let more = memory("MemAvailable:") + (memory("MemTotal:") - memory("MemAvailable:")) / 2;
    let mut large: Vec<u8> = Vec::new();
    // A machine that promises nothing that it does not have gives none to begin with.
    if large.try_reserve_exact(more).is_ok() {
        drop(large);
        let large = vec![0_u8; more];
        let error = ipc.publish(&large).unwrap_err();
        assert!(
            error.is_refused() && error.to_string().contains(" MB are left of "),
            "{error}"
        );
    }
}

fn nothing_left() {
    let numbers = numbers();
    let before = Snapshot::take();
    for _ in 0..3 {
        let ipc = Ipc::new().workers(2);
        let published = ipc.publish(&numbers).unwrap();
        places(&ipc, &published);
        // In either order.
        drop(ipc);
        drop(published);
        before.assert_unchanged();
    }
}
