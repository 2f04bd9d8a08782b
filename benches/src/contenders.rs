//! Those in the race: the executors of partools, and the crates that they are compared with.
//!
//! A new executor of partools is added to `ours.rs`: `Work` makes portable tasks, so it may ask for one.

mod crates;
mod fork_map;
#[cfg(feature = "peers-fork-union")]
mod fork_union;
mod ours;
mod procspawn;
#[cfg(feature = "mpi")]
pub(crate) mod ranks;
#[cfg(not(feature = "mpi"))]
#[path = "contenders/no_ranks.rs"]
pub(crate) mod ranks;
mod reference;

use crate::contender::{Entry, Kind};

pub(crate) use procspawn::become_worker_if_asked;

/// All of this build, references first. Scripts come from `peers`.
#[must_use]
pub fn all() -> Vec<Entry> {
    let mut all = vec![
        Entry::of::<reference::Loop>("loop", Kind::Reference).alone(),
        Entry::of::<reference::Memcpy>("memcpy", Kind::Reference).alone(),
        Entry::of::<ours::OnSerial>("serial", Kind::Ours).alone(),
        Entry::of::<ours::OnLoopback>("loopback", Kind::Ours).alone(),
        Entry::of::<ours::OnThreads>("threads", Kind::Ours),
        Entry::of::<ours::OnRayon>("rayon backend", Kind::Ours),
        Entry::of::<ours::OnFork>("fork", Kind::Ours),
        Entry::of::<ours::OnIpc>("ipc", Kind::Ours),
        Entry::of::<crates::Rayon>("rayon", Kind::Rust),
        Entry::of::<crates::Orx>("orx-parallel", Kind::Rust),
        fork_union(),
        Entry::of::<crates::Scope>("thread::scope", Kind::Rust),
        Entry::of::<procspawn::Procspawn>("procspawn", Kind::Rust),
        Entry::of::<fork_map::ForkMap>("fork-map", Kind::Rust),
    ];
    all.extend(ranks::entry());
    all
}

#[cfg(feature = "peers-fork-union")]
fn fork_union() -> Entry {
    Entry::of::<fork_union::ForkUnion>("fork_union", Kind::Rust)
}

#[cfg(not(feature = "peers-fork-union"))]
fn fork_union() -> Entry {
    let why = "build with `--features peers-fork-union`; it needs a C++ compiler";
    Entry::missing("fork_union", Kind::Rust, why)
}
