//! A rank is killed in the middle of a map, and the next start does only what is missing.
//!
//! ```text
//! cargo build -p partools-mpi --example killed
//! mpirun -n 3 target/debug/examples/killed squares.journal 30   a rank kills itself (SIGKILL) at item 30: the job ends
//! mpirun -n 3 target/debug/examples/killed squares.journal      takes what was finished from the journal, and does the rest
//! ```
//!
//! `mpirun` says which rank was killed, and rank 0, which it tells to end, at which item each rank was.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a program: it prints what it found

use partools_core::{Chunks, over};
use partools_journal::Journal;
use std::error::Error;
use std::process::{Command, ExitCode};
use std::time::Duration;

const ITEMS: usize = 60;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("killed: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mpi = partools_mpi::init()?; // first of all: every rank but 0 stays here
    let mut arguments = std::env::args().skip(1);
    let usage = "the name of a journal, and if one is to die, the item at which";
    let journal = arguments.next().ok_or(usage)?;
    let deadly = arguments.next().map(|item| item.parse::<usize>());
    let deadly = deadly.transpose()?.unwrap_or(ITEMS);
    let resumed = over(0..ITEMS)
        .chunk(Chunks::of(1))
        .shared([deadly].as_slice())
        .map(|item, deadly| {
            std::thread::sleep(Duration::from_millis(20)); // some work
            if item == deadly[0] {
                let own = std::process::id().to_string();
                let _ = Command::new("kill").args(["-9", &own]).status();
            }
            item * item
        })
        .journal(&journal, "squares")
        .run(&mpi)?;
    let (taken, added) = (resumed.account.taken, resumed.account.added);
    println!("{taken} of {ITEMS} squares were in {journal}, {added} were missing");
    println!("their sum is {}", resumed.outputs.iter().sum::<usize>());
    Ok(())
}
