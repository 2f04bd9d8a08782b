//! Who has the shared argument, and who is refused.

use crate::{mpirun, said};
use libtest_mimic::Failed;
use partools_core::{Chunks, over};
use partools_mpi::Mpi;
use partools_os::SharedVec;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

/// Longer than a piece of the broadcast.
const NUMBERS: u64 = 10_000_000;

/// Prints, for each worker and three maps, in which file the shared argument lies: a vector, then twice a `SharedVec`; and where
/// that one lies on rank 0.
pub(crate) fn memory(mpi: &Mpi) {
    let numbers: Vec<u64> = (0..NUMBERS).collect();
    let shared = SharedVec::from_slice(&numbers).expect("memory");
    print_files("vector", mpi, &numbers);
    // Not from its beginning.
    print_files("shared", mpi, &shared[1000..]);
    print_files("again", mpi, &shared[1000..]);
    let mut out = std::io::stdout().lock();
    let file = file_of(shared.as_ptr() as usize);
    writeln!(out, "shared rank 0 file {file}").expect("written");
}

fn print_files(what: &str, mpi: &Mpi, numbers: &[u64]) {
    let expected = numbers.iter().sum::<u64>();
    let seen = over(0..40)
        .chunk(Chunks::of(1))
        .shared(numbers)
        .map_cx(|_, cx| {
            let file = file_of(cx.shared.as_ptr() as usize);
            (cx.worker, file, cx.shared.iter().sum::<u64>())
        })
        .run(mpi)
        .expect("a map");
    assert!(seen.iter().all(|&(_, _, sum)| sum == expected));
    let files: BTreeSet<_> = seen
        .into_iter()
        .map(|(worker, file, _)| (worker, file))
        .collect();
    let mut out = std::io::stdout().lock();
    for (worker, file) in files {
        writeln!(out, "{what} worker {worker} file {file}").expect("written");
    }
}

/// The number of the file that is mapped at an address of this process.
fn file_of(at: usize) -> String {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux");
    let line = maps.lines().find(|line| {
        let (start, end) = line
            .split(' ')
            .next()
            .and_then(|r| r.split_once('-'))
            .expect("a range");
        let [start, end] = [start, end].map(|n| usize::from_str_radix(n, 16).expect("hexadecimal"));
        (start..end).contains(&at)
    });
    let file = line.and_then(|line| line.split_whitespace().nth(4));
    file.expect("a file").to_owned()
}

/// The files of the lines that begin with `what`.
fn files(output: &Output, what: &str) -> Vec<String> {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let file = |line: &str| {
        let line = line.strip_prefix(what)?;
        Some(line.split_once(" file ")?.1.to_owned())
    };
    said.lines().filter_map(file).collect()
}

/// A vector is copied once; a `SharedVec` not at all: the ranks map rank 0's own file, in both maps.
pub(crate) fn same_memory() -> Result<(), Failed> {
    let output = mpirun("memory", Path::new("/"), &["-n", "4", "SELF"]);
    let [vector, shared, again] = ["vector", "shared", "again"].map(|what| files(&output, what));
    let are_one = |files: &[String], count| {
        files.len() == count && files.iter().all(|file| *file == files[0])
    };
    let all = [&shared[..], &again[..]].concat();
    match output.status.success() && are_one(&vector, 3) && are_one(&all, 7) && vector[0] != all[0]
    {
        true => Ok(()),
        false => Err(said(&output).into()),
    }
}

const OWN_PROC: [&str; 4] = ["unshare", "--pid", "--fork", "--mount-proc"];

/// May this process make a namespace of processes?
pub(crate) fn can_hide() -> bool {
    let tried = Command::new(OWN_PROC[0])
        .args(&OWN_PROC[1..])
        .arg("true")
        .output();
    tried.is_ok_and(|output| output.status.success())
}

/// One rank has a /proc of its own, in which rank 0 is not to be found: it has a copy, and keeps that of a `SharedVec` for the
/// next map.
pub(crate) fn copies() -> Result<(), Failed> {
    let mut arguments = vec![
        "--mca", "btl", "self,tcp", "-n", "2", "SELF", ":", "-n", "1",
    ];
    arguments.extend(OWN_PROC);
    arguments.push("SELF");
    let output = mpirun("memory", Path::new("/"), &arguments);
    let [vector, shared, again] =
        ["vector", "shared worker", "again"].map(|what| files(&output, what));
    let differ = |files: &[String]| files.len() == 2 && files[0] != files[1];
    match output.status.success() && differ(&vector) && differ(&shared) && shared == again {
        true => Ok(()),
        false => Err(said(&output).into()),
    }
}

/// Rank 1 runs a copy of this program with another build id, and another byte at the end.
pub(crate) fn refused() -> Result<(), Failed> {
    let mut program = std::fs::read(std::env::current_exe()?)?;
    let note = [4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0, b'G', b'N', b'U', 0];
    if let Some(at) = program.windows(note.len()).position(|bytes| bytes == note) {
        program[at + note.len()] ^= 1;
    }
    program.push(0);
    let dir = tempfile::tempdir()?;
    let other = dir.path().join("other");
    std::fs::copy(std::env::current_exe()?, &other)?; // its permissions
    std::fs::write(&other, program)?;
    let other = other.to_str().ok_or("a plain path")?;
    let arguments = [
        "-n", "1", "SELF", ":", "-n", "1", other, ":", "-n", "1", "SELF",
    ];
    let output = mpirun("refused", dir.path(), &arguments);
    let words = said(&output);
    let is_named = words.contains("refused: rank 1 on ") && words.contains("another build");
    match is_named && !words.contains("rank 2 on") {
        true => Ok(()),
        false => Err(words.into()),
    }
}
