//! What a parent does with workers that are the same executable, or just not.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use partools_os::image::{Image, ImageError};

use crate::worker::{ROLE, TABLE, entry, hex, some_function};

pub(crate) fn all() -> Vec<(&'static str, fn())> {
    vec![
        ("what_this_executable_is", what_this_executable_is),
        (
            "a_function_is_called_in_another_process",
            a_function_is_called_in_another_process,
        ),
        (
            "closures_that_capture_nothing_are_called_in_another_process",
            closures_are_called_in_another_process,
        ),
        (
            "a_table_of_functions_is_found_in_another_process",
            a_table_of_functions_is_found_in_another_process,
        ),
        (
            "offsets_that_are_wrong_are_refused_in_another_process",
            wrong_offsets_are_refused,
        ),
        (
            "another_executable_is_refused",
            another_executable_is_refused,
        ),
        (
            "a_file_that_is_replaced_while_it_runs_is_the_same_executable",
            a_replaced_file_is_the_same_executable,
        ),
        (
            "a_program_started_through_the_loader_by_hand_is_refused",
            a_program_started_by_hand_is_refused,
        ),
    ]
}

/// Another process, asked line by line.
struct Worker {
    child: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Worker {
    fn start() -> Worker {
        Worker::run(Command::new("/proc/self/exe"))
    }

    fn run(mut command: Command) -> Worker {
        command
            .env(ROLE, "worker")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("a process");
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        Worker { child, answers }
    }

    fn ask(&mut self, line: &str) -> String {
        writeln!(self.child.stdin.as_mut().expect("piped"), "{line}").expect("it listens");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("an answer");
        answer.trim_end().to_owned()
    }

    /// To call what is at `offset` of this executable with `argument`.
    fn call(&mut self, offset: u64, argument: u64) -> String {
        self.ask(&format!("{} {offset} {argument}", identity()))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn image() -> &'static Image {
    Image::this().expect("an ordinary program")
}

fn identity() -> String {
    hex(&image().identity().to_bytes())
}

fn what_this_executable_is() {
    let begun = Instant::now();
    let image = image();
    let took = begun.elapsed();
    let kind = match fs::read("/proc/self/exe").expect("this program")[16] {
        2 => "at a fixed address",
        _ => "position-independent",
    };
    // In one piece, since other trials print too.
    let line = format!(
        "{kind}, static: {}, {}, looked at in {took:?}\n",
        cfg!(target_feature = "crt-static"),
        image.identity()
    );
    eprint!("{line}");
}

fn a_function_is_called_in_another_process() {
    let offset = image()
        .offset_of(some_function as *const ())
        .expect("of this program");
    let mut worker = Worker::start();
    for argument in [0, 1, 12_345_678_901] {
        let expected = format!("ok {}", some_function(argument));
        assert_eq!(worker.call(offset, argument), expected);
    }
}

fn closures_are_called_in_another_process() {
    let mut worker = Worker::start();
    let entries = [
        entry(|x| x + 1),
        entry(|x| x * 10),
        entry(|x| x.pow(2)),
        entry(some_function),
    ];
    for function in entries {
        let offset = image()
            .offset_of(function as *const ())
            .expect("of this program");
        assert_eq!(worker.call(offset, 7), format!("ok {}", function(7)));
    }
}

fn a_table_of_functions_is_found_in_another_process() {
    let offset = match image().offset_of((&raw const TABLE).cast()) {
        Ok(offset) => offset,
        // Not where nobody closes the page on which addresses are filled in: then it could be changed, and is refused.
        Err(ImageError::Writable { .. }) if is_open() => {
            eprintln!(
                "SKIPPED: linked without relocation read-only, so the table can be written to, and is refused"
            );
            return;
        }
        Err(other) => panic!("{other}"),
    };
    assert!(!is_open(), "a table that can be written to has an offset");
    let answer = Worker::start().ask(&format!("table {} {offset} 99", identity()));
    assert_eq!(answer, format!("ok {}", some_function(99)));
}

/// Whether the kernel would let this process write to the table.
fn is_open() -> bool {
    let address = (&raw const TABLE) as usize;
    let maps = fs::read_to_string("/proc/self/maps").expect("maps");
    let mut lines = maps.lines().filter(|line| {
        let (start, end) = line
            .split(' ')
            .next()
            .and_then(|range| range.split_once('-'))
            .expect("a range");
        let number = |text| usize::from_str_radix(text, 16).expect("an address");
        (number(start)..number(end)).contains(&address)
    });
    lines.next().is_some_and(|line| {
        line.split(' ')
            .nth(1)
            .is_some_and(|access| access.contains('w'))
    })
}

fn wrong_offsets_are_refused() {
    static COUNTER: AtomicU64 = AtomicU64::new(1);
    let mut worker = Worker::start();
    let right = image()
        .offset_of(some_function as *const ())
        .expect("of this program");
    let counter = (&raw const COUNTER) as u64 - some_function as *const () as u64;
    for offset in [counter.wrapping_add(right), 1 << 40, u64::MAX, u64::MAX / 2] {
        let answer = worker.call(offset, 1);
        assert!(
            answer.starts_with("error the 1 bytes at offset"),
            "{offset:#x}: {answer}"
        );
    }
    let answer = worker.ask(&format!("table {} {} 1", identity(), right | 1));
    assert!(answer.starts_with("error offset"), "{answer}");
    // It lives on, and does what is right.
    assert_eq!(worker.call(right, 5), format!("ok {}", some_function(5)));
}

/// The program's file, copied to `path`.
fn copy_to(path: &Path) {
    fs::copy("/proc/self/exe", path).expect("a copy");
}

fn another_executable_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("other");
    copy_to(&path);
    let right = image()
        .offset_of(some_function as *const ())
        .expect("of this program");
    // An exact copy is the same executable.
    assert_eq!(
        Worker::run(Command::new(&path)).call(right, 5),
        format!("ok {}", some_function(5))
    );
    // One byte more at the end, where no program looks, and it is another one.
    let mut file = OpenOptions::new()
        .append(true)
        .open(&path)
        .expect("the copy");
    file.write_all(b"x").expect("written");
    drop(file);
    let mut other = Worker::run(Command::new(&path));
    let answer = other.call(right, 5);
    assert!(
        answer.starts_with("error this process runs another executable")
            && answer.contains(&image().identity().to_string()),
        "{answer}"
    );
    // What it says of itself is refused here too.
    let introduced = other.ask("");
    let its_identity = introduced.split(' ').next().expect("an identity");
    assert_ne!(its_identity, identity());
    let damaged = Worker::start().ask(&format!("{} 0 0", &identity()[2..]));
    assert!(damaged.contains("not the identity"), "{damaged}");
}

fn a_replaced_file_is_the_same_executable() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, new) = (folder.path().join("program"), folder.path().join("new"));
    copy_to(&path);
    let mut early = Worker::run(Command::new(&path));
    fs::write(&new, "#!/bin/sh\necho something else\n").expect("written");
    fs::rename(&new, &path).expect("replaced");
    // It looks at itself only now, and finds what it runs and not what lies at its path.
    let introduced = early.ask("");
    let offset = image()
        .offset_of(some_function as *const ())
        .expect("of this program");
    assert_eq!(introduced, format!("{} {offset}", identity()));
}

/// `ld.so program` makes /proc/self/exe the loader, which would be started in place of a worker.
fn a_program_started_by_hand_is_refused() {
    let Some(loader) = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"]
        .into_iter()
        .find(|path| Path::new(path).exists())
    else {
        eprintln!("SKIPPED: the loader is not where it is looked for");
        return;
    };
    if cfg!(target_feature = "crt-static") {
        eprintln!("SKIPPED: a static program has no loader");
        return;
    }
    let mut command = Command::new(loader);
    command.arg(fs::read_link("/proc/self/exe").expect("a path"));
    let answer = Worker::run(command).ask("");
    assert!(
        answer.contains("is not the program that runs here"),
        "{answer}"
    );
}
