//! Errors, and the report, say on which rank and host.

use crate::holds;
use libtest_mimic::Failed;
use partools_core::{Chunks, ItemError, Report, over};
use partools_insight::indicatif::ProgressBar;
use partools_insight::{Progress, Timeline};
use partools_mpi::Mpi;
use std::collections::BTreeSet;

/// The rank of this process, as the launcher told it: Open MPI's, MPICH's, Slurm's.
fn rank() -> String {
    let names = ["OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID"];
    let rank = names.into_iter().find_map(|name| std::env::var(name).ok());
    rank.expect("a launcher that says it")
}

/// Each item panics with the rank that it is on.
pub(crate) fn places(mpi: &Mpi) {
    let report = Report::new();
    let mpi = mpi.clone().rank_0_works();
    let failures: Vec<ItemError> = over(0..60)
        .chunk(Chunks::of(1))
        .observe(&report)
        .map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            panic!("rank {}", rank())
        })
        .try_run(&mpi)
        .expect("a map")
        .into_iter()
        .map(|result: Result<(), _>| result.expect_err("all panic"))
        .collect();
    let mut seen = BTreeSet::new();
    for failure in &failures {
        let place = failure.place().expect("a rank on a host");
        let (rank, host) = place.split_once(" on ").expect("a rank on a host");
        assert!(!host.is_empty());
        assert!(
            failure
                .to_string()
                .contains(&format!("{rank}; it was with {place}")),
            "{failure}"
        );
        seen.insert(rank.to_owned());
    }
    assert_eq!(
        seen.into_iter().collect::<Vec<_>>(),
        ["rank 0", "rank 1", "rank 2"]
    );
    let table = report.to_string();
    for rank in 0..3 {
        assert!(table.contains(&format!("  rank {rank} on ")), "{table}");
    }
    // A worker's own failure.
    let error = over(0..60)
        .chunk(Chunks::of(1))
        .try_state(|worker| match worker {
            1 => Err("no device"),
            _ => Ok(()),
        })
        .map_cx(|_, _| std::thread::sleep(std::time::Duration::from_millis(5)))
        .run(&mpi)
        .expect_err("no device");
    assert!(
        error.to_string().contains("no device; that is rank 2 on "),
        "{error}"
    );
    println!("{}\n{error}\n{table}", failures[0]);
    println!("all is well");
}

/// Observers are called on rank 0, where the map was asked for.
pub(crate) fn insight(mpi: &Mpi) {
    let (timeline, bar) = (Timeline::new(), ProgressBar::hidden());
    let outputs = over(0..60)
        .chunk(Chunks::of(1))
        .observe(&timeline)
        .observe(&Progress::with(bar.clone()))
        .map(|i| {
            std::thread::sleep(std::time::Duration::from_millis(2));
            i
        })
        .run(mpi)
        .expect("a map");
    assert_eq!(outputs.len(), 60);
    assert_eq!((bar.position(), bar.length()), (60, Some(60)));
    let json = timeline.to_json();
    for rank in 1..3 {
        assert!(json.contains(&format!("rank {rank} on ")), "{json}");
    }
    println!("all is well");
}

pub(crate) fn named() -> Result<(), Failed> {
    holds("places")
}
