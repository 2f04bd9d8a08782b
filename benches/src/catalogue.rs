//! The workloads of a comparison, their sizes and their ideals. One place for all of it: scripts are sent the numbers.
//!
//! Names are `family/size` or `family/kind/size`; those with other processes on all processors begin with `busy/`.

use crate::ideal::Ideal;
use crate::shape::Shape;
use families::{List, noop, outputs, programs, sequences, skewed, sums, timed};

mod families;

/// A workload.
#[derive(Debug, Clone)]
pub struct Workload {
    /// Its name.
    pub name: String,
    /// What it is, in a sentence.
    pub about: String,
    /// In numbers.
    pub shape: Shape,
    /// Its ideal.
    pub ideal: Ideal,
    /// Whether other processes keep all processors busy.
    pub busy: bool,
    /// Whether each round is a process's first.
    pub fresh: bool,
    /// What a contender's processes hold at most, in bytes, if it copies no input.
    pub bytes: u64,
}

impl Workload {
    /// The part of the name that says what it is about.
    #[must_use]
    pub fn family(&self) -> &str {
        family(&self.name)
    }
}

/// The family of a workload's name: `sum` of `busy/sum/8MB/plain`.
#[must_use]
pub fn family(name: &str) -> &str {
    let name = name.strip_prefix("busy/").unwrap_or(name);
    name.split('/').next().unwrap_or(name)
}

/// How much is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// All of it.
    Full,
    /// The same shapes, smaller: two minutes for all contenders of this executable.
    Quick,
}

impl Size {
    fn of<T>(self, full: T, quick: T) -> T {
        match self {
            Size::Full => full,
            Size::Quick => quick,
        }
    }
}

/// All workloads, for `workers` workers.
#[must_use]
pub fn catalogue(size: Size, workers: usize) -> Vec<Workload> {
    let mut list = List {
        workers,
        workloads: Vec::new(),
    };
    noop(&mut list, size);
    timed(&mut list, size);
    skewed(&mut list, size);
    sums(&mut list, size);
    outputs(&mut list, size);
    sequences(&mut list, size);
    programs(&mut list, size);
    let busy: Vec<Workload> = list
        .workloads
        .iter()
        .filter_map(|workload| busy(workload, size))
        .collect();
    list.workloads.extend(busy);
    list.workloads
}

/// The same once more, with other processes on all processors. What needs more than a gigabyte is left out.
fn busy(workload: &Workload, size: Size) -> Option<Workload> {
    let chosen = [
        "noop/1e6",
        "items/100us",
        "items/10ms",
        "few/3",
        "skew/last",
        "sum/8MB/plain",
    ];
    let wanted = match size {
        Size::Full => workload.bytes <= 1_000_000_000,
        Size::Quick => chosen.contains(&&*workload.name),
    };
    wanted.then(|| Workload {
        name: format!("busy/{}", workload.name),
        busy: true,
        ..workload.clone()
    })
}
