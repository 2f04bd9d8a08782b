//! What was found: a record for each workload and contender, in one file with the machine and the command.

use crate::catalogue::Workload;
use crate::contender::{Entry, Kind};
use crate::machine::Machine;
use crate::session::Taken;
use serde::{Deserialize, Serialize};

/// What became of a contender on a workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It was measured, and its results are those of the plain loop.
    Measured,
    /// It is not made for that.
    Cannot,
    /// It is not there.
    Missing,
    /// It should, and did not: an error, a crash, no answer in time.
    Failed,
    /// Its results are not those of the plain loop.
    Wrong,
}

/// One contender on one workload. Times are in seconds, of one map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The workload's name.
    pub workload: String,
    /// The contender's name.
    pub who: String,
    /// What kind it is.
    pub kind: Kind,
    /// What became of it.
    pub status: Status,
    /// Why there are no figures.
    pub reason: Option<String>,
    /// How many workers it was given.
    pub workers: usize,
    /// How many rounds counted.
    pub rounds: usize,
    /// The median of the rounds.
    pub median_s: Option<f64>,
    /// The fastest round.
    pub min_s: Option<f64>,
    /// The slowest round.
    pub max_s: Option<f64>,
    /// What the best would take.
    pub ideal_s: Option<f64>,
    /// `median_s / ideal_s`.
    pub ratio_to_ideal: Option<f64>,
    /// `median_s` beside that of the fastest peer; below 1 is ahead of all.
    pub ratio_to_best_peer: Option<f64>,
    /// Processor time of all its processes, the median of the rounds.
    pub cpu_s: Option<f64>,
    /// What its processes held beyond the inputs, at most, results included, in 10^6 bytes.
    pub added_mb: Option<f64>,
    /// The digest of its outputs.
    pub digest: Option<u64>,
    /// Where it was measured.
    pub machine: Machine,
}

/// A whole comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The day, in universal time.
    pub date: String,
    /// The command that was given.
    pub command: String,
    /// How long it took, in seconds.
    pub took_s: f64,
    /// Where.
    pub machine: Machine,
    /// The workloads in their order, each with a sentence on what it is.
    pub workloads: Vec<(String, String)>,
    /// What was found.
    pub records: Vec<Record>,
}

impl Comparison {
    /// Was this workload measured, by all of these contenders?
    pub(crate) fn has(&self, workload: &str, entries: &[&Entry]) -> bool {
        let of_it = |entry: &&Entry| {
            let mut records = self.records.iter();
            records.any(|record| record.workload == workload && record.who == entry.name)
        };
        entries.iter().all(of_it)
    }

    /// What was found on this workload counts no more.
    pub(crate) fn forget(&mut self, workload: &str) {
        self.workloads.retain(|(name, _)| name != workload);
        self.records.retain(|record| record.workload != workload);
    }
}

/// What came of the rounds of one contender.
#[derive(Debug, Clone)]
pub(crate) struct Findings {
    pub(crate) rounds: Vec<Taken>,
    pub(crate) added: Option<u64>,
    /// Digests, of whatever rounds there were.
    pub(crate) digests: Vec<u64>,
    pub(crate) trouble: Option<(Status, String)>,
}

impl Record {
    pub(crate) fn new(
        workload: &Workload,
        entry: &Entry,
        findings: &Findings,
        workers: usize,
        machine: &Machine,
    ) -> Self {
        let (status, reason) = match &findings.trouble {
            Some((status, reason)) => (*status, Some(reason.clone())),
            None => (Status::Measured, None),
        };
        let measured = status == Status::Measured;
        let of = |figure: fn(&Taken) -> f64| {
            measured
                .then(|| Spread::of(&findings.rounds, figure))
                .flatten()
        };
        let time = of(|taken| taken.seconds);
        Record {
            workload: workload.name.clone(),
            who: entry.name.clone(),
            kind: entry.kind,
            status,
            reason,
            workers: if entry.alone { 1 } else { workers },
            rounds: if measured { findings.rounds.len() } else { 0 },
            median_s: time.map(|time| time.median),
            min_s: time.map(|time| time.min),
            max_s: time.map(|time| time.max),
            ideal_s: None,
            ratio_to_ideal: None,
            ratio_to_best_peer: None,
            cpu_s: of(|taken| taken.cpu_s).map(|cpu| cpu.median),
            added_mb: findings
                .added
                .filter(|_| measured)
                .map(|bytes| bytes as f64 / 1e6),
            digest: findings.digests.first().copied(),
            machine: machine.clone(),
        }
    }
}

/// Fills in what records of one workload say about each other: whose results are wrong, ideals, ratios.
pub(crate) fn compare(
    records: &mut [Record],
    workload: &Workload,
    workers: usize,
    neighbours: usize,
) {
    let expected = records
        .iter()
        .find(|record| record.who == "loop")
        .and_then(|record| record.digest);
    for record in records
        .iter_mut()
        .filter(|record| record.status == Status::Measured)
    {
        let comparable = record.digest.zip(expected);
        if let Some((digest, expected)) = comparable.filter(|(digest, expected)| digest != expected)
        {
            record.wrong(format!(
                "its outputs have the digest {digest}, the plain loop's {expected}"
            ));
        } else if record.digest.is_none() && record.kind != Kind::Reference {
            record.wrong("nobody looked at its outputs".to_owned());
        }
    }
    let median = |who: &str| records.iter().find(|record| record.who == who)?.median_s;
    let ideal = match workload.ideal.reference() {
        Some(reference) => median(reference),
        None => Some(0.0),
    };
    let ideal = ideal.map(|reference| workload.ideal.seconds(reference, workers, neighbours));
    let peers = records.iter().filter(|record| record.kind.is_peer());
    let best = peers
        .filter_map(|record| record.median_s)
        .min_by(f64::total_cmp);
    for record in records
        .iter_mut()
        .filter(|record| record.status == Status::Measured)
    {
        record.ideal_s = ideal;
        record.ratio_to_ideal = record
            .median_s
            .zip(ideal)
            .map(|(median, ideal)| median / ideal);
        record.ratio_to_best_peer = record
            .median_s
            .zip(best)
            .map(|(median, best)| median / best);
    }
}

impl Record {
    fn wrong(&mut self, why: String) {
        self.status = Status::Wrong;
        self.reason = Some(why);
        self.rounds = 0;
        for figure in [
            &mut self.median_s,
            &mut self.min_s,
            &mut self.max_s,
            &mut self.cpu_s,
            &mut self.added_mb,
        ] {
            *figure = None;
        }
    }
}

#[derive(Clone, Copy)]
struct Spread {
    min: f64,
    median: f64,
    max: f64,
}

impl Spread {
    fn of(rounds: &[Taken], figure: fn(&Taken) -> f64) -> Option<Self> {
        let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        Some(Spread {
            min: *figures.first()?,
            median: *figures.get(figures.len() / 2)?,
            max: *figures.last()?,
        })
    }
}
