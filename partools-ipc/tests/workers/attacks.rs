//! A worker that tries to change what is shared, in every way that a process has: each fails, or changes its own view alone.
//! After each the parent's bytes are what they were, and those of the other workers.
//!
//! `cargo test -p partools-ipc --test workers -- attacks` prints what became of each attempt.

use super::Trials;
use super::sharing::mapping_at;
use partools_core::{Cause, Chunks, over};
use partools_ipc::Ipc;
use partools_os::SharedVec;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

pub(super) fn all() -> Trials {
    vec![
        ("attacks_on_a_plain_vector_all_fail", plain),
        ("attacks_on_a_shared_vec_all_fail", shared_vec),
        ("attacks_on_what_is_published_all_fail", published),
        ("a_plain_write_is_a_fault_of_the_item_alone", fault),
        (
            "who_maps_something_else_there_deceives_itself_alone",
            own_view,
        ),
    ]
}

/// It succeeded in writing, or why it did not.
type Attempt = fn(&[u64]) -> io::Result<()>;

/// What the item with this number tries.
const ATTEMPTS: [(&str, Attempt); 12] = [
    ("mprotect", unprotect),
    ("madvise(MADV_REMOVE)", punch_mapping),
    ("write through /proc/self/mem", write_memory),
    ("write to its file by /proc/self/fd", write_file),
    (
        "write to its file by /proc/self/map_files",
        write_mapped_file,
    ),
    (
        "write to the parent's file by /proc/PARENT/fd",
        write_parents_file,
    ),
    ("ftruncate to nothing", |numbers| resize(numbers, 0)),
    ("ftruncate to more", |numbers| resize(numbers, 1 << 30)),
    ("fallocate(FALLOC_FL_PUNCH_HOLE)", punch_file),
    ("map its file for writing", map_for_writing),
    (
        "write by the descriptor that it was given",
        write_descriptor,
    ),
    ("another seal", seal),
];

fn numbers() -> Vec<u64> {
    (0..10_000).collect()
}

/// Each attempt as an item of its own, in a worker that has the numbers; `here` are the parent's.
fn attack(ipc: &Ipc, here: &[u64]) {
    let job = over(0..ATTEMPTS.len()).chunk(Chunks::of(1)).shared(here);
    let job = job.map(|i, numbers| {
        let outcome = match ATTEMPTS[i].1(numbers) {
            Ok(()) => "IT SUCCEEDED".to_owned(),
            Err(why) => why.to_string(),
        };
        (outcome, is_whole(numbers))
    });
    let results = job.run(ipc).unwrap();
    for ((what, _), (outcome, is_whole_there)) in ATTEMPTS.iter().zip(results) {
        tell(what, &outcome);
        assert_ne!(outcome, "IT SUCCEEDED", "{what}");
        assert!(
            is_whole_there && is_whole(here),
            "{what}: something was changed"
        );
    }
}

#[expect(clippy::print_stderr, reason = "to be looked at")]
fn tell(what: &str, outcome: &str) {
    if std::env::args().any(|argument| argument.contains("attacks")) {
        eprintln!("{what}: {outcome}");
    }
}

fn is_whole(numbers: &[u64]) -> bool {
    numbers.len() == 10_000 && numbers.iter().zip(0..).all(|(&number, i)| number == i)
}

fn plain() {
    attack(&Ipc::new().workers(2), &numbers());
}

fn shared_vec() {
    attack(
        &Ipc::new().workers(2),
        &SharedVec::from_slice(&numbers()).unwrap(),
    );
}

fn published() {
    let (ipc, numbers) = (Ipc::new().workers(2), numbers());
    let published = ipc.publish(&numbers).unwrap();
    attack(&ipc, &published);
    assert!(is_whole(&numbers));
}

// ---- attempts, in a worker

/// The pages of a mapping begin here.
fn page(numbers: &[u64]) -> *mut libc::c_void {
    let address = numbers.as_ptr() as usize;
    (address - address % 4096) as *mut libc::c_void
}

fn done(result: libc::c_int) -> io::Result<()> {
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn unprotect(numbers: &[u64]) -> io::Result<()> {
    // SAFETY: the mapping is this process's own; whether the kernel lets it be written is the question.
    done(unsafe { libc::mprotect(page(numbers), 4096, libc::PROT_READ | libc::PROT_WRITE) })
}

fn punch_mapping(numbers: &[u64]) -> io::Result<()> {
    // SAFETY: as above.
    done(unsafe { libc::madvise(page(numbers), 4096, libc::MADV_REMOVE) })
}

fn write_memory(numbers: &[u64]) -> io::Result<()> {
    let mut memory = OpenOptions::new().write(true).open("/proc/self/mem")?;
    memory.seek(SeekFrom::Start(numbers.as_ptr() as u64))?;
    memory.write_all(&[7; 64])
}

/// The paths by which the file of the numbers can be opened again among the descriptors of a process.
fn paths(numbers: &[u64], process: &str) -> io::Result<Vec<std::path::PathBuf>> {
    let (_, inode) = mapping_at(numbers.as_ptr() as usize);
    let is_it = |path: &std::path::PathBuf| {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(path).is_ok_and(|file| file.ino() == inode)
    };
    let entries = fs::read_dir(format!("/proc/{process}/fd"))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let found: Vec<_> = paths.filter(is_it).collect();
    assert!(
        !found.is_empty(),
        "its file is not among the descriptors of {process}"
    );
    Ok(found)
}

/// Writes to a file in each way that there is; the error of the last.
fn write_to(mut file: File) -> io::Result<()> {
    if file.write_all(&[7; 64]).is_ok() {
        return Ok(());
    }
    use std::os::unix::fs::FileExt;
    file.write_at(&[7; 64], 0).map(drop)
}

fn opened_again(numbers: &[u64], process: &str) -> io::Result<File> {
    let path = paths(numbers, process)?.remove(0);
    OpenOptions::new().read(true).write(true).open(path)
}

fn write_file(numbers: &[u64]) -> io::Result<()> {
    write_to(opened_again(numbers, "self")?)
}

fn write_parents_file(numbers: &[u64]) -> io::Result<()> {
    let parent = std::os::unix::process::parent_id().to_string();
    write_to(opened_again(numbers, &parent)?)
}

fn write_mapped_file(numbers: &[u64]) -> io::Result<()> {
    let (range, _) = mapping_at(numbers.as_ptr() as usize);
    let path = format!("/proc/self/map_files/{range}");
    write_to(OpenOptions::new().write(true).open(path)?)
}

fn resize(numbers: &[u64], len: u64) -> io::Result<()> {
    opened_again(numbers, "self")?.set_len(len)
}

fn punch_file(numbers: &[u64]) -> io::Result<()> {
    let file = opened_again(numbers, "self")?;
    let how = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    // SAFETY: plain numbers, and a descriptor that is open.
    done(unsafe { libc::fallocate(file.as_raw_fd(), how, 0, 4096) })
}

fn map_for_writing(numbers: &[u64]) -> io::Result<()> {
    let file = opened_again(numbers, "self")?;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let (nowhere, file) = (std::ptr::null_mut(), file.as_raw_fd());
    // SAFETY: no address is asked for.
    let at = unsafe { libc::mmap(nowhere, 4096, access, libc::MAP_SHARED, file, 0) };
    match at == libc::MAP_FAILED {
        true => Err(io::Error::last_os_error()),
        false => Ok(()),
    }
}

fn write_descriptor(numbers: &[u64]) -> io::Result<()> {
    let path = paths(numbers, "self")?.remove(0);
    let number = path
        .file_name()
        .and_then(|name| name.to_str()?.parse().ok());
    let number: i32 = number.ok_or(io::ErrorKind::InvalidData)?;
    // SAFETY: a plain number.
    let again = unsafe { libc::dup(number) };
    done(i32::from(again < 0))?;
    // SAFETY: made by the line above, and nobody else's.
    write_to(unsafe { OwnedFd::from_raw_fd(again) }.into())
}

/// One that is not there yet: writes by mappings to come.
fn seal(numbers: &[u64]) -> io::Result<()> {
    let file = opened_again(numbers, "self")?;
    // SAFETY: plain numbers, and a descriptor that is open.
    let sealed = unsafe {
        libc::fcntl(
            file.as_raw_fd(),
            libc::F_ADD_SEALS,
            libc::F_SEAL_FUTURE_WRITE,
        )
    };
    done(sealed)
}

// ---- what is no attempt on the others

fn fault() {
    let numbers = SharedVec::from_slice(&numbers()).unwrap();
    let job = over(0..5)
        .chunk(Chunks::of(1))
        .shared(&numbers[..])
        .map(|i, numbers| {
            if i == 3 {
                let first = numbers.as_ptr().cast_mut();
                // SAFETY: none: it is not this process's to write to, and the kernel says so.
                unsafe { first.write_volatile(7) };
            }
            numbers[i]
        });
    let results = job.try_run(&Ipc::new().workers(2)).unwrap();
    for (i, result) in results.iter().enumerate() {
        match result {
            Ok(number) => assert!(i != 3 && *number == i as u64),
            Err(error) => {
                assert_eq!(i, 3, "{error}");
                assert!(
                    matches!(error.cause(), Cause::Killed { name, .. } if name == "SIGSEGV"),
                    "{error}"
                );
            }
        }
    }
    assert!(is_whole(&numbers));
}

fn own_view() {
    let numbers = SharedVec::from_slice(&numbers()).unwrap();
    let ipc = Ipc::new().workers(1);
    let job = over(0..1).shared(&numbers[..]).map(|_, numbers| {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
        // SAFETY: over a page that nobody reads meanwhile; it takes this worker's view of the numbers away.
        let at = unsafe { libc::mmap(page(numbers), 4096, access, flags, -1, 0) };
        at != libc::MAP_FAILED
    });
    assert_eq!(job.run(&ipc).unwrap(), [true]);
    assert!(is_whole(&numbers));
    // Its next map attaches them anew, and so does every other worker.
    for ipc in [ipc, Ipc::new().workers(1)] {
        let job = over(0..2)
            .shared(&numbers[..])
            .map(|_, numbers| is_whole(numbers));
        assert_eq!(job.run(&ipc).unwrap(), [true; 2]);
    }
}
