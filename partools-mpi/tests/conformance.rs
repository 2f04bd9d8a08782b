//! The contract, under `mpirun` with 1, 2, 3 and 5 ranks; and with 3 where rank 0 works, too. Started by itself, this
//! program starts itself there; the arguments of a test harness (a filter, say) are handed on.
#![expect(
    clippy::print_stdout,
    reason = "which ranks, and what is left out, is to be seen"
)]

use partools_conformance::{Subject, cases, run};
use partools_core::{
    Caller, Capabilities, Chunks, Error, Executor, Portable, PortableTask, Run, Serial, over,
};
use partools_mpi::Mpi;
use std::cell::RefCell;
use std::process::{Command, ExitCode};
use std::time::Duration;

/// Set for those that `mpirun` starts.
const INSIDE: &str = "PARTOOLS_MPI_TEST";

/// Set where rank 0 is to work, too.
const ROOT_WORKS: &str = "PARTOOLS_MPI_TEST_ROOT_WORKS";

/// If set, the largest maps are run, too, and 2 ranks where rank 0 works: some minutes more.
const LARGE: &str = "PARTOOLS_MPI_LARGE";

thread_local! {
    static MPI: RefCell<Option<Mpi>> = const { RefCell::new(None) };
}

/// The job; inside an item, on another rank, there is none, and none is asked for anything but to be made (C8).
enum OnRanks {
    Here(Mpi),
    Nested,
}

impl OnRanks {
    fn new(workers: usize) -> Self {
        let mpi = MPI.with_borrow(Clone::clone);
        let root_works = std::env::var_os(ROOT_WORKS).is_some();
        mpi.map_or(OnRanks::Nested, |mpi| {
            let mpi = mpi.workers(workers);
            OnRanks::Here(if root_works { mpi.rank_0_works() } else { mpi })
        })
    }
}

impl<T: PortableTask<Output: Portable>> Executor<T> for OnRanks {
    fn capabilities(&self) -> Capabilities {
        match self {
            OnRanks::Here(mpi) => Executor::<T>::capabilities(mpi),
            OnRanks::Nested => Executor::<T>::capabilities(&Serial),
        }
    }

    fn execute(
        &self,
        task: &T,
        run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        match self {
            OnRanks::Here(mpi) => mpi.execute(task, run, caller),
            OnRanks::Nested => Serial.execute(task, run, caller),
        }
    }
}

fn inside() -> ExitCode {
    let mpi = match partools_mpi::init() {
        Ok(mpi) => mpi,
        Err(error) => {
            println!("{error}");
            return ExitCode::FAILURE;
        }
    };
    MPI.set(Some(mpi.clone()));
    // MPICH makes more room for messages when they first are many, and keeps it: that is no map's (C4). Done where the first
    // case is asked for, since the suite's panic hook is there by then, and has to be there before the first map.
    let many = move || {
        let many = over(0..5_000).chunk(Chunks::of(1)).map(|i| i).run(&mpi);
        if many.is_err() {
            println!("many messages: {many:?}");
        }
        None
    };
    let many = std::iter::once_with(many).flatten();
    // Ranks that wait give way to whatever else runs: beside a compiler a case of seconds takes more than a minute.
    let subject = Subject::new("mpi", OnRanks::new).hangs_after(Duration::from_secs(300));
    let (large, others): (Vec<_>, Vec<_>) = cases(subject)
        .into_iter()
        .partition(|case| case.name().ends_with("_of_100000"));
    let all = std::env::var_os(LARGE).is_some();
    if !all {
        println!(
            "{} cases of 100,000 items are left out: in chunks of 1, each item is two messages; {LARGE}=1 runs them",
            large.len()
        );
    }
    let others = others.into_iter();
    let code = run(many.chain(others).chain(large.into_iter().filter(|_| all)));
    MPI.take();
    code
}

fn main() -> ExitCode {
    if std::env::var_os(INSIDE).is_some() {
        return inside();
    }
    let own = std::env::current_exe().expect("this program");
    let mut code = ExitCode::SUCCESS;
    let jobs = [1, 2, 3, 5].map(|ranks| (ranks, false));
    let both = std::env::var_os(LARGE).map(|_| (2, true));
    for (ranks, root_works) in jobs.into_iter().chain([(3, true)]).chain(both) {
        let whose = if root_works { ", and rank 0 works" } else { "" };
        println!("mpirun, {ranks} ranks{whose}");
        let mut command = Command::new("mpirun");
        if root_works {
            command.env(ROOT_WORKS, "1");
        }
        let status = command
            .args([
                "--allow-run-as-root",
                "--oversubscribe",
                "-n",
                &ranks.to_string(),
            ])
            .arg(&own)
            .args(std::env::args_os().skip(1))
            .env(INSIDE, "1")
            .status();
        match status {
            Ok(status) if status.success() => {}
            Ok(status) => {
                println!("with {ranks} ranks{whose}: {status}");
                code = ExitCode::FAILURE;
            }
            Err(why) => {
                println!(
                    "mpirun cannot be started ({why}); it comes with Open MPI (Debian: openmpi-bin)"
                );
                return ExitCode::FAILURE;
            }
        }
    }
    code
}
