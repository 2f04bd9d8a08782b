//! A rank is killed: the output says which and at which item, and the journal goes on.

use crate::{mpirun, place, said};
use libtest_mimic::Failed;
use partools_core::{Chunks, over};
use partools_journal::Journal;
use partools_mpi::Mpi;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Item 30 kills its rank, the first time.
pub(crate) fn journaled(mpi: &Mpi) {
    let place = place();
    let resumed = over(0..60)
        .chunk(Chunks::of(2))
        .shared(place.as_str())
        .map(|i, place| {
            let mark = format!("{place}/killed");
            if i == 30 && !Path::new(&mark).exists() {
                std::fs::write(mark, []).expect("room");
                std::thread::sleep(Duration::from_millis(300));
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

/// The rank that `mpirun` says was killed, and the items that rank 0 says it was at.
fn blamed(words: &str) -> Option<(&str, &str)> {
    let noticed = words
        .lines()
        .find(|line| line.contains("noticed that process rank"))?;
    let rank = noticed.split_once("process rank ")?.1.split(' ').next()?;
    let line = words
        .lines()
        .find_map(|line| line.strip_prefix(&format!("  rank {rank} on ")))?;
    Some((rank, line))
}

pub(crate) fn killed() -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let first = mpirun("killed", dir.path(), &["-n", "3", "SELF"]);
    let words = said(&first);
    if first.status.success() || !words.contains("rank") || !dir.path().join("killed").exists() {
        return Err(format!("the first job: {words}").into());
    }
    // Open MPI gives rank 0 a second for its last words; what gives it none is said by the launcher alone.
    let is_told = words.contains("partools-mpi: the job is being ended");
    let is_blamed = blamed(&words).is_some_and(|(_, items)| items.contains(": item 30 and "));
    if words.contains("noticed that process rank") && !(is_told && is_blamed) {
        return Err(format!("who was at item 30 is not said: {words}").into());
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
