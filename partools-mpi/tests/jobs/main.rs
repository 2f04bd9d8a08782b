//! Jobs of their own, each under `mpirun`: the shared argument once for each host, who is named by what fails, a rank that is
//! killed and the journal that goes on behind it, and the same bits as `Serial`. Started by itself, this program starts itself
//! there.
#![expect(
    clippy::print_stdout,
    reason = "what the jobs say is what is looked at"
)]

mod deaths;
mod places;
mod results;
mod sharing;

use libtest_mimic::{Arguments, Failed, Trial};
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
    let hides = sharing::can_hide();
    let trials = vec![
        Trial::test(
            "the_ranks_of_a_host_map_the_same_memory",
            sharing::same_memory,
        ),
        Trial::test("ranks_that_cannot_see_each_other_have_copies", || {
            sharing::copies()
        })
        .with_ignored_flag(!hides)
        .with_kind(if hides {
            ""
        } else {
            "no namespace of processes here"
        }),
        Trial::test("other_builds_are_refused_and_named", sharing::refused),
        Trial::test("what_fails_names_its_rank_and_host", places::named),
        Trial::test(
            "a_killed_rank_ends_the_job_and_the_journal_goes_on",
            deaths::killed,
        ),
        Trial::test("maps_of_maps_and_large_answers", || holds("several")),
        Trial::test("maps_of_maps_and_large_answers_where_rank_0_works", || {
            holds("several, and rank 0")
        }),
        Trial::test("an_output_of_over_two_gib_crosses_in_pieces", || {
            holds("huge")
        })
        .with_ignored_flag(true)
        .with_kind("by hand: 13 GB of memory"),
        Trial::test("progress_and_timeline_work_on_rank_0", || holds("insight")),
        Trial::test("section_sums_have_the_bits_of_serial", || holds("sums")),
        Trial::test("a_bootstrap_of_flights_has_the_bits_of_serial", || {
            holds("flights")
        }),
        Trial::test("groups_of_a_frame_have_the_bits_of_serial", || {
            holds("frame")
        }),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn inside(job: &str) -> ExitCode {
    let mpi = match partools_mpi::init() {
        Ok(mpi) => mpi,
        Err(why) => {
            println!("refused: {why}");
            return ExitCode::FAILURE;
        }
    };
    match job {
        "memory" => sharing::memory(&mpi),
        "places" => places::places(&mpi),
        "killed" => deaths::journaled(&mpi),
        "several" => results::maps(&mpi),
        "several, and rank 0" => results::maps(&mpi.rank_0_works()),
        "huge" => results::huge(&mpi),
        "insight" => places::insight(&mpi),
        "sums" => results::sums(&mpi),
        "flights" => results::flights(&mpi),
        "frame" => results::frame(&mpi),
        _ => panic!("there is no job {job:?}"),
    }
    ExitCode::SUCCESS
}

/// Where the job of this process has its files.
fn place() -> String {
    std::env::var(PLACE).expect("set")
}

/// Runs a job. `SELF` among the arguments is this program.
fn mpirun(job: &str, place: &Path, arguments: &[&str]) -> Output {
    let own = std::env::current_exe().expect("this program");
    // Several jobs run at a time, and one that ends would take away the directory that another one is about to use.
    let session = tempfile::tempdir().expect("room");
    let mut command = Command::new("mpirun");
    command.env("OMPI_MCA_orte_tmpdir_base", session.path());
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

/// The job looks at its results itself, on three ranks.
fn holds(job: &str) -> Result<(), Failed> {
    let output = mpirun(job, Path::new("/"), &["-n", "3", "SELF"]);
    match output.status.success() && said(&output).contains("all is well") {
        true => Ok(()),
        false => Err(said(&output).into()),
    }
}
