//! What workers share with this process, and what they cannot do to it.

use super::Trials;
use partools_core::{Cause, Chunks, ItemError, over};
use partools_ipc::{Capture, Ipc, Limits};
use partools_os::{FilePart, MappedSlice, SharedVec};
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

pub(super) fn all() -> Trials {
    vec![
        ("a_plain_vector_is_laid_out_once_for_all_workers", plain),
        ("a_shared_vec_is_the_same_pages_there", shared_vec),
        ("a_mapped_file_is_the_same_pages_there", mapped_file),
        ("a_large_head_and_large_items_arrive", large),
        (
            "an_item_that_overwrites_what_its_worker_reports_by_harms_no_other",
            scribbler,
        ),
        ("a_worker_that_takes_too_much_memory_is_named", hog),
        ("last_words_are_in_the_error", words),
    ]
}

/// The range of addresses around this one that is mapped in this process, as the system writes it, and the inode of its file.
pub(super) fn mapping_at(address: usize) -> (String, u64) {
    let maps = fs::read_to_string("/proc/self/maps").expect("/proc");
    let line = maps.lines().find(|line| {
        let range = line
            .split(' ')
            .next()
            .and_then(|range| range.split_once('-'));
        let number = |text| usize::from_str_radix(text, 16).expect("an address");
        range.is_some_and(|(start, end)| (number(start)..number(end)).contains(&address))
    });
    let mut fields = line.unwrap_or_default().split_ascii_whitespace();
    let range = fields.next().unwrap_or_default().to_owned();
    let inode = fields.nth(3).and_then(|inode| inode.parse().ok());
    (range, inode.unwrap_or(0))
}

/// The inode of the file in which this address is mapped, in this process.
pub(super) fn inode_at(address: usize) -> u64 {
    mapping_at(address).1
}

/// Where each of some workers has the shared slice.
fn inodes(ipc: &Ipc, numbers: &[u64]) -> Vec<u64> {
    let job = over(0..4)
        .chunk(Chunks::of(1))
        .shared(numbers)
        .map(|i, numbers| {
            std::thread::sleep(Duration::from_millis(5));
            assert_eq!(numbers[i], i as u64);
            inode_at(numbers.as_ptr() as usize)
        });
    job.run(ipc).unwrap()
}

fn inode_of(file: &impl AsFd) -> u64 {
    let file: OwnedFd = file.as_fd().try_clone_to_owned().expect("a descriptor");
    fs::File::from(file).metadata().expect("it is open").ino()
}

fn plain() {
    let numbers: Vec<u64> = (0..100_000).collect();
    let found = inodes(&Ipc::new().workers(2), &numbers);
    assert!(
        found[0] != 0 && found.iter().all(|&inode| inode == found[0]),
        "{found:?}"
    );
}

fn shared_vec() {
    let numbers = SharedVec::from_fn(100_000, |i| i as u64).unwrap();
    let ipc = Ipc::new().workers(2);
    assert_eq!(inodes(&ipc, &numbers), [inode_of(&numbers); 4]);
    // A part of it that begins at no page.
    let job = over(0..4).shared(&numbers[777..]).map(|i, part| part[i]);
    assert_eq!(job.run(&ipc).unwrap(), [777, 778, 779, 780]);
}

fn mapped_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("numbers");
    let bytes: Vec<u8> = (0..100_000_u64).flat_map(u64::to_ne_bytes).collect();
    fs::write(&path, bytes).unwrap();
    // SAFETY: nobody else knows of the file.
    let numbers = unsafe { MappedSlice::<u64>::open(&path, FilePart::whole()) }.unwrap();
    let inode = fs::metadata(&path).unwrap().ino();
    assert_eq!(inodes(&Ipc::new().workers(2), &numbers), [inode; 4]);
}

fn large() {
    let ipc = Ipc::new().workers(2);
    let items: Vec<String> = (0..6).map(|i| "x".repeat(i * 1_000_000)).collect();
    let job = over(&items).chunk(Chunks::of(1)).map(|text| text.len());
    assert_eq!(
        job.run(&ipc).unwrap(),
        [0, 1, 2, 3, 4, 5].map(|n| n * 1_000_000)
    );
    let words: Vec<String> = (0..100_000).map(|i| i.to_string()).collect();
    let shared = partools_core::Serialized(&words);
    let job = over(0..4)
        .shared(shared)
        .map(|i, words| words[i * 1000].clone());
    assert_eq!(job.run(&ipc).unwrap(), ["0", "1000", "2000", "3000"]);
}

/// Overwrites all memory that this process shares and may write.
fn scribble() {
    use std::io::{Seek, SeekFrom, Write};
    let maps = fs::read_to_string("/proc/self/maps").expect("/proc");
    let mut memory = fs::OpenOptions::new()
        .write(true)
        .open("/proc/self/mem")
        .expect("/proc");
    for line in maps.lines().filter(|line| line.contains(" rw-s ")) {
        let range = line
            .split(' ')
            .next()
            .and_then(|range| range.split_once('-'));
        let (start, end) = range.expect("a range");
        let number = |text| u64::from_str_radix(text, 16).expect("an address");
        let junk = vec![0xA5; usize::try_from(number(end) - number(start)).expect("a length")];
        memory
            .seek(SeekFrom::Start(number(start)))
            .expect("a place");
        memory.write_all(&junk).expect("written");
    }
}

fn scribbler() {
    for workers in [1, 2] {
        let job = over(0..40).map(|i| {
            if i == 17 {
                scribble();
            }
            i
        });
        let results = job.try_run(&Ipc::new().workers(workers)).unwrap();
        for (i, result) in results.iter().enumerate() {
            match result {
                // Its own output may well arrive: what it overwrote was read already.
                Ok(output) => assert_eq!(*output, i),
                Err(error) => assert_eq!(i, 17, "{error}"),
            }
        }
    }
}

fn hog() {
    let ipc = Ipc::new().workers(2).limits(Limits::new().memory(64 << 20));
    let job = over(0..6).chunk(Chunks::of(1)).map(|i| {
        let hoard = vec![1_u8; if i == 3 { 1 << 30 } else { 1000 }];
        std::hint::black_box(&hoard).len()
    });
    let results = job.try_run(&ipc).unwrap();
    let failed: Vec<&ItemError> = results.iter().filter_map(|r| r.as_ref().err()).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0].index(), 3);
    assert!(
        matches!(failed[0].cause(), Cause::Memory { .. }),
        "{}",
        failed[0]
    );
}

#[expect(clippy::print_stderr, reason = "that is what is heard")]
fn complain(row: usize) {
    eprintln!("row {row} has no date");
}

fn words() {
    let ipc = Ipc::new().workers(2).capture_stderr(Capture::Swallow);
    let job = over(0..4).chunk(Chunks::of(1)).map(|i| {
        if i > 1 {
            complain(i);
        }
        match i {
            2 => std::process::abort(),
            3 => panic!("no date"),
            _ => i,
        }
    });
    let results = job.try_run(&ipc).unwrap();
    let words = |i: usize| {
        results[i]
            .as_ref()
            .unwrap_err()
            .stderr()
            .unwrap_or_default()
    };
    assert!(words(2).ends_with("row 2 has no date\n"), "{}", words(2));
    assert!(words(3).ends_with("row 3 has no date\n"), "{}", words(3));
}
