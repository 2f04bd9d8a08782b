//! `Mpi`: a job of this very executable, one rank more than there are workers. Rank 0 is the contender, the others serve it.
//!
//! ```text
//!   coordinator ── order, rounds ──> mpirun ── its standard input ──> rank 0: serve::<OnMpi>
//!                                           └──────────────────────> ranks 1..: in `partools_mpi::init`
//! ```
//! With the feature `mpi`, as it needs an MPI to build. Where there is no `mpirun`, the contender is missing, and says so.

use crate::contender::{Entry, Kind, Launch};
use crate::rival::HIDDEN;
use crate::serve::{Order, serve};
use crate::{effort, executor_contender};
use partools_mpi::Mpi;
use std::cell::RefCell;
use std::error::Error;
use std::process::{Command, Stdio};

/// What a rank is called as, behind [`HIDDEN`].
pub(crate) const RANK: &str = "__rank";

thread_local! {
    static MPI: RefCell<Option<Mpi>> = const { RefCell::new(None) };
}

executor_contender!(
    /// The ranks of the job.
    OnMpi, Mpi, |_| MPI.with_borrow(Option::clone).expect("this is rank 0 of a job")
);

pub(super) fn entry() -> Option<Entry> {
    let found = Command::new("mpirun")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map(|status| status.success());
    let own = std::env::current_exe().map(|exe| exe.to_string_lossy().into_owned());
    Some(match (found, own) {
        (Ok(true), Ok(own)) => {
            let mut words = job();
            words.extend([own, HIDDEN.to_owned(), RANK.to_owned()]);
            Entry {
                name: "mpi".to_owned(),
                kind: Kind::Ours,
                launch: Launch::Command(words),
                alone: false,
            }
        }
        _ => Entry::missing("mpi", Kind::Ours, "there is no mpirun that starts"),
    })
}

/// What starts a job, up to the program.
fn job() -> Vec<String> {
    let words = [
        "mpirun",
        "--allow-run-as-root",
        "--oversubscribe",
        "-n",
        Launch::RANKS,
    ];
    words.map(str::to_owned).into()
}

/// mpi4py's `MPICommExecutor` in a job of as many ranks: all run the script.
pub(crate) fn mpi4py(python: Result<Vec<String>, String>) -> Option<Result<Vec<String>, String>> {
    Some(python.map(|python| {
        job()
            .into_iter()
            .chain(python)
            .chain(["mpi".to_owned()])
            .collect()
    }))
}

/// This process is a rank. Does not return on others than the first.
pub(crate) fn be_rank() -> Result<(), Box<dyn Error>> {
    MPI.set(Some(partools_mpi::init()?));
    // All ranks count, not only those that this one has started.
    if let Some(launcher) = rustix::process::getppid() {
        effort::begin_at(launcher.as_raw_nonzero().get().unsigned_abs());
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let order: Order = serde_json::from_str(&line)?;
    let served = serve::<OnMpi>(&order);
    // The last one ends the job.
    MPI.take();
    Ok(served?)
}
