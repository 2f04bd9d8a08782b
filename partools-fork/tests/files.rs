//! A file as the shared argument, on each local executor: the same answers, no page tables copied at a fork, and what
//! becomes of whom when the file is cut off under it.
//!
//! On the main thread, one trial after the other. What ends its process is played by this program started again.

mod clean;

use clean::trial;
use libtest_mimic::Arguments;
use partools_core::{Cause, Chunks, ItemError, Serial, over};
use partools_fork::Fork;
use partools_os::{FilePart, MappedSlice, SharedVec};
use partools_threads::Threads;
use std::fs::File;
use std::io::{Seek, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, Stdio};

/// With this in the environment, the program reads a file that is cut off, on the executor that it names.
const ROLE: &str = "PARTOOLS_FORK_FILES_ROLE";
const PAGE: usize = 4096;

fn main() -> ExitCode {
    if let Ok(executor) = std::env::var(ROLE) {
        return read_what_is_gone(&executor);
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let trials = vec![
        trial(
            "a_file_gives_the_same_answers_on_each_executor",
            same_answers,
        ),
        trial(
            "a_vector_that_was_read_gives_the_same_answers_as_its_file",
            read_or_mapped,
        ),
        trial(
            "a_fork_beside_a_mapped_file_copies_none_of_its_page_tables",
            page_tables,
        ),
        trial(
            "on_fork_each_item_that_touches_a_page_that_is_gone_is_named_with_sigbus",
            cut_off_before,
        ),
        trial(
            "on_fork_a_file_that_is_cut_off_meanwhile_costs_the_items_that_come_too_late",
            cut_off_meanwhile,
        ),
        trial(
            "on_serial_and_threads_it_ends_the_host_by_sigbus",
            the_host_ends,
        ),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A file that only this program has.
fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("written");
    file
}

fn map<T: bytemuck::Pod>(file: &File, part: FilePart) -> MappedSlice<T> {
    let file = file.try_clone().expect("a descriptor");
    // SAFETY: nobody else has the file; and the trials that cut it off look at nothing that is gone but to end by it.
    unsafe { MappedSlice::from_file(file, part) }.expect("a mapping")
}

/// Pages 0, 1, 2 and so on, each filled with its number.
fn pages(count: u8) -> File {
    file_of(
        &(0..count)
            .flat_map(|page| [page; PAGE])
            .collect::<Vec<u8>>(),
    )
}

/// The first byte of page `i`.
fn first(i: usize, bytes: &[u8]) -> u8 {
    // Behind the file's end it is a signal, whose place the compiler must not move.
    std::hint::black_box(bytes)[i * PAGE]
}

fn same_answers() {
    let numbers: Vec<f64> = (0..100_000).map(|i| f64::from(i).sqrt()).collect();
    let mut file = file_of(b"a header of 24 bytes ...");
    file.write_all(bytemuck::cast_slice(&numbers))
        .expect("written");
    let mapped = map::<f64>(&file, FilePart::from_byte(24));
    assert_eq!(mapped[..], numbers[..]);
    let sums = over(0..50)
        .shared(&*mapped)
        .map(|i, numbers| numbers[i * 2000..(i + 1) * 2000].iter().sum::<f64>());
    let expected: Vec<f64> = numbers.chunks(2000).map(|part| part.iter().sum()).collect();
    assert_eq!(sums.run(&Serial).expect("serial"), expected);
    assert_eq!(
        sums.run(&Threads::new().workers(2)).expect("threads"),
        expected
    );
    assert_eq!(sums.run(&Fork::new().workers(2)).expect("fork"), expected);
}

fn read_or_mapped() {
    let mut file = pages(20);
    let mapped = map::<u32>(&file, FilePart::whole());
    file.rewind().expect("its beginning");
    let read = SharedVec::<u32>::from_reader(&file, 20 * PAGE / 4).expect("memory");
    assert_eq!(read[..], mapped[..]);
    let sums = |numbers: &[u32]| {
        let job = over(0..20).shared(numbers).map(|i, numbers| {
            let page = &numbers[i * PAGE / 4..(i + 1) * PAGE / 4];
            page.iter().map(|&number| u64::from(number)).sum::<u64>()
        });
        job.run(&Fork::new().workers(2)).expect("fork")
    };
    assert_eq!(sums(&read), sums(&mapped));
}

fn page_table_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmPTE:"));
    let number = line.expect("a line").trim().trim_end_matches(" kB").trim();
    number.parse().expect("a number")
}

/// What a child has of page tables before it touches anything, less what it has without `held`.
fn inherited_kib<T>(hold: impl FnOnce() -> T) -> usize {
    let child = || {
        let job = over(0..1).map(|_| page_table_kib());
        job.run(&Fork::new().workers(1)).expect("a map")[0]
    };
    let before = child();
    let held = hold();
    let with = child();
    drop(held);
    with.saturating_sub(before)
}

fn page_tables() {
    const LEN: usize = 128 << 20;
    let file = file_of(&vec![1; LEN]);
    let tables = LEN / PAGE * 8 / 1024;
    let mapped = inherited_kib(|| {
        let mapped = map::<u8>(&file, FilePart::whole());
        assert_eq!(
            mapped
                .iter()
                .step_by(PAGE)
                .map(|&byte| usize::from(byte))
                .sum::<usize>(),
            LEN / PAGE
        );
        mapped
    });
    // The same in ordinary memory, to see that it would show.
    let ordinary = inherited_kib(|| vec![1_u8; LEN]);
    assert!(
        ordinary >= tables / 2,
        "{ordinary} KiB for an ordinary vector"
    );
    assert!(
        mapped <= tables / 4,
        "{mapped} KiB for a mapped file, {ordinary} for an ordinary vector"
    );
}

fn is_sigbus(error: &ItemError) -> bool {
    let named = error.to_string().contains("killed by SIGBUS");
    named && matches!(error.cause(), Cause::Killed { signal, .. } if *signal == libc::SIGBUS)
}

fn cut_off_before() {
    let file = pages(12);
    let mapped = map::<u8>(&file, FilePart::whole());
    file.set_len(7 * PAGE as u64).expect("cut off");
    for chunk in [1, 4] {
        let job = over(0..12)
            .shared(&*mapped)
            .chunk(Chunks::of(chunk))
            .map(first);
        let results = job.try_run(&Fork::new().workers(2)).expect("a map");
        for (i, result) in results.iter().enumerate() {
            match result {
                Ok(byte) => assert_eq!((usize::from(*byte), i < 7), (i, true)),
                Err(error) => assert!(i >= 7 && is_sigbus(error) && error.index() == i, "{error}"),
            }
        }
    }
    // The host has touched no page that is gone, and lives; it may go on with what is left.
    assert_eq!(first(6, &mapped), 6);
}

fn cut_off_meanwhile() {
    let file = pages(12);
    let mapped = map::<u8>(&file, FilePart::whole());
    let job = over(0..12)
        .shared(&*mapped)
        .chunk(Chunks::of(1))
        .map(|i, bytes| {
            if i == 4 {
                file.set_len(8 * PAGE as u64).expect("cut off");
            }
            first(i, bytes)
        });
    let results = job.try_run(&Fork::new().workers(1)).expect("a map");
    let read: Vec<usize> = results.iter().flatten().map(|&byte| byte.into()).collect();
    assert_eq!(read, (0..8).collect::<Vec<_>>());
    assert!(
        results
            .iter()
            .filter_map(|result| result.as_ref().err())
            .all(is_sigbus)
    );
}

fn the_host_ends() {
    for executor in ["serial", "threads"] {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command
            .env(ROLE, executor)
            .stderr(Stdio::piped())
            .stdout(Stdio::piped());
        let output = command.output().expect("a process");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.signal(),
            Some(libc::SIGBUS),
            "{executor}: {} {said}",
            output.status
        );
        assert_eq!(String::from_utf8_lossy(&output.stdout), "it begins\n");
    }
}

/// Role: a map over a file that is cut off.
fn read_what_is_gone(executor: &str) -> ExitCode {
    let file = pages(12);
    let mapped = map::<u8>(&file, FilePart::whole());
    file.set_len(7 * PAGE as u64).expect("cut off");
    let job = over(0..12).shared(&*mapped).map(first);
    writeln!(std::io::stdout(), "it begins").expect("somebody listens");
    let results = match executor {
        "serial" => job.try_run(&Serial),
        _ => job.try_run(&Threads::new().workers(2)),
    };
    // Not reached. The exit code would be no signal.
    ExitCode::from(u8::try_from(results.map_or(0, |results| results.len())).unwrap_or(u8::MAX))
}
