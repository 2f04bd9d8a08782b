//! Jobs of their own, each under `mpirun`: the shared argument once for each host, a rank that is killed, and the journal that
//! goes on behind it. Started by itself, this program starts itself there.
#![expect(
    clippy::print_stdout,
    reason = "what the jobs say is what is looked at"
)]

use libtest_mimic::{Arguments, Failed, Trial};
use partools_core::{Chunks, Executor, Portable, PortableTask, over};
use partools_journal::Journal;
use partools_mpi::Mpi;
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Output};

/// Set for those that `mpirun` starts: which job.
const JOB: &str = "PARTOOLS_MPI_JOB";
/// Where the killed job's journal and marks are.
const PLACE: &str = "PARTOOLS_MPI_PLACE";

fn main() -> ExitCode {
    if let Ok(job) = std::env::var(JOB) {
        return inside(&job);
    }
    let trials = vec![
        Trial::test("the_ranks_of_a_host_map_the_same_memory", same_memory),
        Trial::test("ranks_that_cannot_see_each_other_have_copies", copies)
            .with_ignored_flag(!can_hide())
            .with_kind(if can_hide() {
                ""
            } else {
                "no namespace of processes here"
            }),
        Trial::test("other_builds_are_refused_and_named", refused),
        Trial::test("a_killed_rank_ends_the_job_and_the_journal_goes_on", killed),
        Trial::test("maps_of_maps_and_large_answers", several),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn mpirun(job: &str, place: &Path, arguments: &[&str]) -> Output {
    let own = std::env::current_exe().expect("this program");
    let mut command = Command::new("mpirun");
    command.args(["--allow-run-as-root", "--oversubscribe"]);
    for part in arguments {
        match *part {
            "SELF" => command.arg(&own),
            part => command.arg(part),
        };
    }
    command.env(JOB, job).env(PLACE, place);
    command
        .output()
        .expect("mpirun comes with Open MPI (Debian: openmpi-bin)")
}

fn said(output: &Output) -> String {
    let [out, error] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{}\n{out}\n{error}", output.status)
}

// ---- the jobs

fn inside(job: &str) -> ExitCode {
    let mpi = match partools_mpi::init() {
        Ok(mpi) => mpi,
        Err(why) => {
            println!("refused: {why}");
            return ExitCode::FAILURE;
        }
    };
    match job {
        "memory" => memory(&mpi),
        "killed" => journaled(&mpi),
        "several" => maps(&mpi),
        _ => panic!("there is no job {job:?}"),
    }
    ExitCode::SUCCESS
}

/// Prints, for each worker, in which file the shared argument lies, and its sum.
fn memory(mpi: &Mpi) {
    // Longer than a piece of the broadcast.
    let numbers: Vec<u64> = (0..10_000_000).collect();
    let seen = over(0..40)
        .chunk(Chunks::of(1))
        .shared(numbers.as_slice())
        .map_cx(|_, cx| {
            let at = cx.shared.as_ptr() as usize;
            let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux");
            let line = maps.lines().find(|line| {
                let (start, end) = line
                    .split(' ')
                    .next()
                    .and_then(|r| r.split_once('-'))
                    .expect("a range");
                let [start, end] =
                    [start, end].map(|n| usize::from_str_radix(n, 16).expect("hexadecimal"));
                (start..end).contains(&at)
            });
            let inode = line
                .and_then(|line| line.split_whitespace().nth(4))
                .expect("a file")
                .to_owned();
            (cx.worker, inode, cx.shared.iter().sum::<u64>())
        })
        .run(mpi)
        .expect("a map");
    assert!(seen.iter().all(|&(_, _, sum)| sum == 49_999_995_000_000));
    let mut files: Vec<_> = seen
        .into_iter()
        .map(|(worker, inode, _)| (worker, inode))
        .collect();
    files.sort();
    files.dedup();
    let mut out = std::io::stdout().lock();
    for (worker, inode) in files {
        writeln!(out, "worker {worker} file {inode}").expect("written");
    }
}

/// Item 30 kills its rank, the first time.
fn journaled(mpi: &Mpi) {
    let place = std::env::var(PLACE).expect("set");
    let resumed = over(0..60)
        .chunk(Chunks::of(2))
        .shared(place.as_str())
        .map(|i, place| {
            let mark = format!("{place}/killed");
            if i == 30 && !Path::new(&mark).exists() {
                std::fs::write(mark, []).expect("room");
                std::thread::sleep(std::time::Duration::from_millis(300));
                let own = std::process::id().to_string();
                let _ = Command::new("kill").args(["-9", &own]).status();
            }
            i * i
        })
        .journal(Path::new(&place).join("journal"), "squares")
        .run(mpi)
        .expect("a map");
    assert!(
        resumed
            .outputs
            .iter()
            .enumerate()
            .all(|(i, &square)| square == i * i)
    );
    println!(
        "taken {} added {}",
        resumed.account.taken, resumed.account.added
    );
}

fn maps(mpi: &Mpi) {
    fn same<T: PortableTask<Output: Portable + PartialEq + std::fmt::Debug>>(
        task: &partools_core::Job<T>,
        mpi: &Mpi,
        expected: &[T::Output],
    ) where
        Mpi: Executor<T>,
    {
        assert_eq!(task.run(mpi).expect("a map"), expected);
    }
    for round in 0..50_usize {
        let count = round * 7;
        let expected: Vec<usize> = (0..count).map(|i| i + 1).collect();
        same(&over(0..count).map(|i| i + 1), mpi, &expected);
    }
    // A map inside the callback of a map.
    let mut inner = 0;
    let outer = over(0..20).map(|i| i).for_each(mpi, |_, _| {
        inner += over(0..5).map(|i| i).run(mpi).expect("a map").len();
    });
    assert!(outer.is_ok() && inner == 100);
    // Items and outputs of many pieces, and a failure that is the lowest.
    let items: Vec<Vec<u8>> = (0..12).map(|i| vec![i; 3_000_000]).collect();
    let bytes = over(&items)
        .chunk(Chunks::of(3))
        .map(|item| item.repeat(2))
        .run(mpi)
        .expect("a map");
    assert!(
        bytes
            .iter()
            .zip(0_u8..)
            .all(|(b, i)| b.len() == 6_000_000 && b.iter().all(|&x| x == i))
    );
    let error = over(0..1000)
        .map(|i| assert!(i % 400 != 399, "no"))
        .run(mpi)
        .expect_err("it fails");
    assert_eq!(error.item().expect("an item").index(), 399);
    println!("all is well");
}

// ---- what is expected of them

fn files(output: &Output) -> Vec<String> {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let file = |line: &str| Some(line.split_once(" file ")?.1.to_owned());
    said.lines().filter_map(file).collect()
}

fn same_memory() -> Result<(), Failed> {
    let output = mpirun("memory", Path::new("/"), &["-n", "4", "SELF"]);
    let files = files(&output);
    match output.status.success() && files.len() == 3 && files.iter().all(|file| *file == files[0])
    {
        true => Ok(()),
        false => Err(said(&output).into()),
    }
}

const OWN_PROC: [&str; 4] = ["unshare", "--pid", "--fork", "--mount-proc"];

/// May this process make a namespace of processes?
fn can_hide() -> bool {
    let tried = Command::new(OWN_PROC[0])
        .args(&OWN_PROC[1..])
        .arg("true")
        .output();
    tried.is_ok_and(|output| output.status.success())
}

/// Rank 1 runs a copy of this program with another build id, and another byte at the end.
fn refused() -> Result<(), Failed> {
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

/// One rank has a /proc of its own, in which rank 0 is not to be found.
fn copies() -> Result<(), Failed> {
    let mut arguments = vec![
        "--mca", "btl", "self,tcp", "-n", "2", "SELF", ":", "-n", "1",
    ];
    arguments.extend(OWN_PROC);
    arguments.push("SELF");
    let output = mpirun("memory", Path::new("/"), &arguments);
    let files = files(&output);
    match output.status.success() && files.len() == 2 && files[0] != files[1] {
        true => Ok(()),
        false => Err(said(&output).into()),
    }
}

fn killed() -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let first = mpirun("killed", dir.path(), &["-n", "3", "SELF"]);
    let words = said(&first);
    if first.status.success() || !words.contains("rank") || !dir.path().join("killed").exists() {
        return Err(format!("the first job: {words}").into());
    }
    let second = mpirun("killed", dir.path(), &["-n", "3", "SELF"]);
    let words = said(&second);
    let account = words.lines().find_map(|line| line.strip_prefix("taken "));
    let taken: usize = account
        .and_then(|line| line.split(' ').next()?.parse().ok())
        .unwrap_or(0);
    match second.status.success() && (1..60).contains(&taken) {
        true => Ok(()),
        false => Err(format!("the second job: {words}").into()),
    }
}

fn several() -> Result<(), Failed> {
    let output = mpirun("several", Path::new("/"), &["-n", "3", "SELF"]);
    match output.status.success() && said(&output).contains("all is well") {
        true => Ok(()),
        false => Err(said(&output).into()),
    }
}
