//! What `Mpi` costs, each figure beside what it is to be compared with, in one run:
//!
//! ```text
//! cargo bench -p partools-mpi                     all of it: some 3 minutes, 4 GB of memory
//! cargo bench -p partools-mpi -- --quick          small numbers, to see that it goes
//! cargo bench -p partools-mpi -- items noops      these jobs alone: items, noops, chunks, published, broadcast, mpi4py
//! ```
//!
//! Jobs of three ranks on this machine, started one after the other, ours and the others in turn; of each figure the median of the
//! rounds is shown. `jobs.rs` has what runs inside, `peer.py` is `MPICommExecutor` of mpi4py, installed into an environment of
//! its own in the target directory; where it cannot be had, that is said.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a program: it prints what it found

mod jobs;
#[path = "../../examples/hosts/own_memory.rs"]
mod own_memory;
mod peer;

use std::collections::BTreeMap;
use std::error::Error;
use std::process::{Command, ExitCode};

/// The job of the others.
const PEER: &str = "mpi4py";
/// Set for those that `mpirun` starts: which job.
const JOB: &str = "PARTOOLS_MPI_BENCH";

/// How much of everything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) rounds: usize,
    /// Items of 1 ms.
    pub(crate) items: usize,
    /// Items that do nothing.
    pub(crate) noops: usize,
    /// Of them, those that Python maps.
    pub(crate) noops_of_python: usize,
    /// Chunks of one item.
    pub(crate) chunks: usize,
    /// The shared argument, in bytes.
    pub(crate) bytes: usize,
}

const WHOLE: Size = Size {
    rounds: 5,
    items: 2_000,
    noops: 20_000_000,
    noops_of_python: 500_000,
    chunks: 200_000,
    bytes: 1_000_000_000,
};
const QUICK: Size = Size {
    rounds: 1,
    items: 100,
    noops: 200_000,
    noops_of_python: 20_000,
    chunks: 5_000,
    bytes: 80_000_000,
};
/// Set for the small numbers.
const IS_QUICK: &str = "PARTOOLS_MPI_BENCH_QUICK";

fn main() -> ExitCode {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let quick = quick || std::env::var_os(IS_QUICK).is_some();
    let size = if quick { QUICK } else { WHOLE };
    let done = match std::env::var(JOB) {
        Ok(job) => jobs::inside(&job, size),
        Err(_) => compare(size, quick),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("speed: {why}");
            ExitCode::FAILURE
        }
    }
}

/// The figures that a job printed, by name: a median over the rounds.
type Figures = BTreeMap<String, f64>;

fn compare(size: Size, quick: bool) -> Result<(), Box<dyn Error>> {
    let mut rounds = BTreeMap::<String, Vec<f64>>::new();
    let named: Vec<String> = std::env::args()
        .skip(1)
        .filter(|it| !it.starts_with('-'))
        .collect();
    let wanted = |job: &str| named.is_empty() || named.iter().any(|name| name == job);
    let peer = match wanted(PEER) {
        true => peer::python(),
        false => Err("it was not asked for".to_owned()),
    };
    let jobs = ["items", "noops", "chunks", "published", "broadcast"];
    for round in 0..size.rounds {
        for job in jobs.into_iter().filter(|job| wanted(job)) {
            eprintln!("round {} of {}: {job}", round + 1, size.rounds);
            let own = std::env::current_exe()?;
            let mut command = mpirun();
            command.arg(own).env(JOB, job);
            if quick {
                command.env(IS_QUICK, "1");
            }
            take(&mut rounds, &mut command)?;
        }
        if let Ok(python) = &peer {
            eprintln!("round {} of {}: {PEER}", round + 1, size.rounds);
            take(&mut rounds, &mut peer::job(python, size.noops_of_python)?)?;
        }
    }
    let figures: Figures = rounds
        .into_iter()
        .map(|(name, mut values)| {
            values.sort_by(f64::total_cmp);
            let median = values[values.len() / 2];
            (name, median)
        })
        .collect();
    print(&figures, size);
    if let Err(why) = peer {
        println!("{PEER} is left out: {why}");
    }
    Ok(())
}

/// Three ranks, of which two work.
pub(crate) fn mpirun() -> Command {
    let mut command = Command::new("mpirun");
    command.args(["--allow-run-as-root", "--oversubscribe", "-n", "3"]);
    command
}

/// Lines of a name, a colon and a number.
fn take(rounds: &mut BTreeMap<String, Vec<f64>>, job: &mut Command) -> Result<(), Box<dyn Error>> {
    let output = job.stderr(std::process::Stdio::inherit()).output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        return Err(format!("{job:?}: {}\n{said}", output.status).into());
    }
    for line in said.lines() {
        if let Some((name, value)) = line.rsplit_once(": ")
            && let Ok(value) = value.parse()
        {
            rounds.entry(name.to_owned()).or_default().push(value);
        }
    }
    Ok(())
}

fn print(figures: &Figures, size: Size) {
    let of = |name: &str| figures.get(name).copied().unwrap_or(f64::NAN);
    // Of the jobs that were asked for.
    let line = |what: &str, here: String, beside: String, ratio: f64, wanted: &str| {
        if ratio.is_nan() {
            return;
        }
        println!("{what:44} {here:>14} {beside:>34} {ratio:>8.3}  {wanted}");
    };
    println!(
        "{:44} {:>14} {:>34} {:>8}  wanted",
        "3 ranks, 2 of them working", "Mpi", "beside", "ratio"
    );
    let (items, ideal) = (of("items s"), of("ideal s"));
    line(
        &format!("{} items of 1 ms", size.items),
        format!("{items:.3} s"),
        format!("{ideal:.3} s, the same without dealing"),
        items / ideal,
        "at most 1.05",
    );
    let (noops, python) = (of("noops per s"), of("mpi4py noops per s"));
    line(
        "items that do nothing, per second",
        format!("{:.2} M", noops / 1e6),
        format!(
            "{:.3} M, mpi4py in chunks of {}",
            python / 1e6,
            of("mpi4py chunk size")
        ),
        noops / python,
        "at least 20",
    );
    let bytes = size.bytes as f64 / 1e9;
    let (published, bare) = (of("published s"), of("broadcast s") + of("memcpy s"));
    line(
        &format!("{bytes} GB published"),
        format!("{published:.3} s"),
        format!(
            "{:.3} s, MPI_Bcast {:.3} + memcpy {:.3}",
            bare,
            of("broadcast s"),
            of("memcpy s")
        ),
        published / bare,
        "at most 2",
    );
    let again = of("published again s");
    line(
        &format!("{bytes} GB in a SharedVec, the second map"),
        format!("{again:.4} s"),
        "the first one, above".to_owned(),
        again / published,
        "",
    );
    if figures.contains_key("private grown MB") {
        println!(
            "private memory of a working rank: {:.1} MB before it has seen the argument, {:+.1} MB when it has read all of it (wanted: under 8 MB)",
            of("private before MB"),
            of("private grown MB")
        );
    }
    if !figures.contains_key("chunks per s") {
        return;
    }
    // A chunk that takes s seconds on each of P ranks makes rank 0 busy for P / (s * rate) of the time.
    let rate = of("chunks per s");
    let seconds = 1000.0 / (0.1 * rate);
    println!(
        "rank 0 deals {:.0} chunks of one item a second; so that it is busy for at most 10 % of the time with 1000 ranks, a chunk \
         must take {:.1} ms: {:.0} items of 1 ms",
        rate,
        seconds * 1e3,
        (seconds * 1e3).ceil()
    );
}
