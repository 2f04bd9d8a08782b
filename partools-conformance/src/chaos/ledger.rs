//! What was done: a file that items append a byte to before they die, since nobody else lives to tell; and the totals.

use super::round::Outcome;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// What an item does before it gives its output, if it comes to that; "once" is at its first attempt.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub(super) enum Deed {
    Panic,
    PanicOnce,
    Abort,
    AbortOnce,
    Exit,
    Segfault,
    Kill,
    KillOnce,
    Devour,
    Hang,
    /// Nothing: it is called at a later attempt.
    Again,
}

impl Deed {
    const ALL: [Deed; 11] = [
        Deed::Panic,
        Deed::PanicOnce,
        Deed::Abort,
        Deed::AbortOnce,
        Deed::Exit,
        Deed::Segfault,
        Deed::Kill,
        Deed::KillOnce,
        Deed::Devour,
        Deed::Hang,
        Deed::Again,
    ];

    /// In a word of the totals; `None` where no worker dies of it.
    fn death(self) -> Option<&'static str> {
        match self {
            Deed::Abort | Deed::AbortOnce => Some("aborted"),
            Deed::Exit => Some("exited"),
            Deed::Segfault => Some("segmentation faults"),
            Deed::Kill | Deed::KillOnce => Some("raised SIGKILL"),
            Deed::Devour => Some("ran out of memory"),
            Deed::Hang => Some("hung"),
            Deed::Panic | Deed::PanicOnce | Deed::Again => None,
        }
    }
}

/// Writes into a ledger. Plain data: any worker can have a copy.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct Quill {
    path: PathBuf,
}

impl Quill {
    /// Appends one byte, which is written whole or not at all.
    pub(super) fn write(&self, deed: Deed) {
        let file = OpenOptions::new().append(true).open(&self.path);
        let byte = b'a' + deed as u8;
        file.and_then(|mut file| file.write_all(&[byte]))
            .expect("the ledger can be written");
    }
}

/// The file; removed when dropped.
pub(super) struct Ledger {
    path: PathBuf,
}

impl Ledger {
    pub(super) fn new() -> Self {
        let name = format!("partools-chaos-{}.ledger", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::File::create(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        Ledger { path }
    }

    pub(super) fn quill(&self) -> Quill {
        Quill {
            path: self.path.clone(),
        }
    }

    fn counts(&self) -> BTreeMap<Deed, usize> {
        let bytes = fs::read(&self.path).expect("the ledger can be read");
        let count = |deed: Deed| {
            let byte = b'a' + deed as u8;
            bytes.iter().filter(|&&found| found == byte).count()
        };
        Deed::ALL.map(|deed| (deed, count(deed))).into()
    }

    /// How many workers died by their items.
    pub(super) fn deaths(&self) -> usize {
        let counts = self.counts().into_iter();
        counts
            .filter(|(deed, _)| deed.death().is_some())
            .map(|(_, count)| count)
            .sum()
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// What came of all maps.
#[derive(Debug, Default)]
pub(super) struct Totals {
    seed: u64,
    pub(super) maps: usize,
    items: usize,
    outputs: usize,
    failures: usize,
    pub(super) given_up: usize,
    stopped_maps: usize,
    stopped_items: usize,
    pub(super) killed_from_outside: usize,
    counts: BTreeMap<Deed, usize>,
    deaths: usize,
    longest: Duration,
    took: Duration,
}

impl Totals {
    pub(super) fn new(seed: u64) -> Self {
        Totals {
            seed,
            ..Totals::default()
        }
    }

    pub(super) fn enter(&mut self, outcome: &Outcome, took: Duration) {
        self.maps += 1;
        self.items += outcome.items;
        self.outputs += outcome.outputs;
        self.failures += outcome.failures;
        self.given_up += usize::from(outcome.given_up);
        self.stopped_maps += usize::from(outcome.stopped);
        self.stopped_items += outcome.stopped_items;
        self.longest = self.longest.max(took);
    }

    pub(super) fn close(&mut self, ledger: &Ledger, took: Duration) {
        self.counts = ledger.counts();
        self.deaths = ledger.deaths();
        self.took = took;
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut deaths = BTreeMap::<&str, usize>::new();
        for (deed, count) in &self.counts {
            if let Some(death) = deed.death() {
                *deaths.entry(death).or_default() += count;
            }
        }
        let deaths: Vec<_> = deaths
            .iter()
            .map(|(death, count)| format!("{count} {death}"))
            .collect();
        let of = |deed| self.counts.get(&deed).copied().unwrap_or(0);
        writeln!(
            f,
            "seed {}, {} maps of {} items in {:.1} s, the longest {:.2} s",
            self.seed,
            self.maps,
            self.items,
            self.took.as_secs_f64(),
            self.longest.as_secs_f64()
        )?;
        writeln!(
            f,
            "  {} workers died by their items ({}), and {} were killed from outside",
            self.deaths,
            deaths.join(", "),
            self.killed_from_outside
        )?;
        writeln!(
            f,
            "  {} items panicked, {} were called again",
            of(Deed::Panic) + of(Deed::PanicOnce),
            of(Deed::Again)
        )?;
        write!(
            f,
            "  {} outputs as they must be, {} failures named; {} maps were cancelled or late, with {} items; {} gave up, \
             since each of their workers was killed",
            self.outputs, self.failures, self.stopped_maps, self.stopped_items, self.given_up
        )
    }
}
