//! Is a comparison complete and sane? Not whether it is fast: times are for people to judge.

use crate::catalogue::Workload;
use crate::contender::{Entry, Kind};
use crate::record::{Comparison, Record, Status};

/// What is wrong with `comparison`, of which `workloads` and `entries` are expected; nothing if it is well.
///
/// Every workload has a record of every contender that takes part in it; a measured record has all figures, in order
/// and plausible; ratios are those of the figures beside them; digests agree; and ours can do what they are asked.
#[must_use]
pub fn faults(comparison: &Comparison, workloads: &[Workload], entries: &[Entry]) -> Vec<String> {
    let mut faults = Vec::new();
    for workload in workloads {
        for entry in entries.iter().filter(|entry| entry.joins(workload)) {
            let is =
                |record: &&Record| record.workload == workload.name && record.who == entry.name;
            let records: Vec<&Record> = comparison.records.iter().filter(is).collect();
            let whose = format!("{}, {}", workload.name, entry.name);
            match records[..] {
                [record] => faults.extend(
                    record
                        .faults()
                        .into_iter()
                        .map(|fault| format!("{whose}: {fault}")),
                ),
                _ => faults.push(format!("{whose}: {} records instead of 1", records.len())),
            }
        }
        let of_it = comparison
            .records
            .iter()
            .filter(|record| record.workload == workload.name);
        let mut digests: Vec<u64> = of_it
            .filter(|r| r.status == Status::Measured)
            .filter_map(|r| r.digest)
            .collect();
        digests.dedup();
        if digests.len() > 1 {
            faults.push(format!(
                "{}: digests differ, and all count as right: {digests:?}",
                workload.name
            ));
        }
    }
    if comparison
        .records
        .iter()
        .all(|record| record.status != Status::Measured)
    {
        faults.push("nothing was measured".to_owned());
    }
    faults
}

impl Record {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut demand = |holds: bool, what: String| {
            if !holds {
                faults.push(what);
            }
        };
        let figures = [
            self.median_s,
            self.min_s,
            self.max_s,
            self.ideal_s,
            self.ratio_to_ideal,
            self.cpu_s,
        ];
        demand(self.workers > 0, "no worker".to_owned());
        if self.status != Status::Measured {
            let why = self.reason.as_deref().unwrap_or_default();
            demand(
                !why.is_empty(),
                format!("{:?} without a reason", self.status),
            );
            demand(
                figures == [None; 6],
                "figures of what was not measured".to_owned(),
            );
            let ours = matches!(self.kind, Kind::Ours | Kind::Reference);
            let may = !ours || self.status == Status::Cannot;
            demand(may, format!("{:?}: {why}", self.status));
            return faults;
        }
        let [
            Some(median),
            Some(min),
            Some(max),
            Some(ideal),
            Some(ratio),
            Some(cpu),
        ] = figures
        else {
            demand(false, format!("a figure is missing: {figures:?}"));
            return faults;
        };
        demand(self.rounds > 0, "measured in no round".to_owned());
        demand(
            min > 0.0 && min <= median && median <= max,
            format!("{min}, {median}, {max} are no spread"),
        );
        demand(
            max < 3600.0,
            format!("{max} s is longer than any round may take"),
        );
        demand(
            ideal > 0.0 && ideal.is_finite(),
            format!("an ideal of {ideal} s"),
        );
        demand(
            (ratio * ideal / median - 1.0).abs() < 1e-6,
            format!("a ratio of {ratio} is none of {median} and {ideal}"),
        );
        demand(
            cpu.is_finite() && cpu >= 0.0,
            format!("{cpu} s of processor time"),
        );
        demand(
            self.added_mb.is_none_or(|mb| mb >= 0.0),
            "less memory than nothing".to_owned(),
        );
        let looked = self.digest.is_some() || self.who == "memcpy";
        demand(looked, "nobody looked at its outputs".to_owned());
        faults
    }
}
