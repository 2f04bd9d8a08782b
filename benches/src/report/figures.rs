//! Figures as people read them.

use crate::contender::Kind;
use crate::record::{Comparison, Record, Status};

/// A time, with three digits and a unit.
pub(super) fn time(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if s >= 1.0 => (s, "s"),
        s if s >= 1e-3 => (s * 1e3, "ms"),
        s if s >= 1e-6 => (s * 1e6, "µs"),
        s => (s * 1e9, "ns"),
    };
    format!("{} {unit}", digits(value))
}

/// Three digits, or more before the point.
pub(super) fn digits(value: f64) -> String {
    match value {
        v if v >= 99.95 => format!("{v:.0}"),
        v if v >= 9.995 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}

/// Megabytes.
pub(super) fn megabytes(record: &Record) -> String {
    record
        .added_mb
        .map_or("".to_owned(), |mb| format!("{mb:.1}"))
}

/// A word for a status, with its reason.
pub(super) fn why(record: &Record) -> String {
    let word = match record.status {
        Status::Measured => return String::new(),
        Status::Cannot => "cannot",
        Status::Missing => "missing",
        Status::Failed => "failed",
        Status::Wrong => "wrong",
    };
    format!(
        "{word}: {}",
        record.reason.as_deref().unwrap_or("no reason given")
    )
}

/// Those of ours that are furthest behind by `ratio`, worst first; contenders with one worker are not in the race.
pub(super) fn worst(
    comparison: &Comparison,
    ratio: fn(&Record) -> Option<f64>,
) -> Vec<(&Record, f64)> {
    let racing = |record: &&Record| record.kind == Kind::Ours && record.workers > 1;
    let mut rows: Vec<(&Record, f64)> = comparison
        .records
        .iter()
        .filter(racing)
        .filter_map(|record| Some((record, ratio(record)?)))
        .collect();
    rows.sort_by(|a, b| b.1.total_cmp(&a.1));
    rows
}

/// On how many workloads the best of ours is ahead of every peer, within five per cent, or behind; and of how many.
pub(super) fn standing(comparison: &Comparison) -> [usize; 3] {
    let mut standing = [0; 3];
    for (name, _) in &comparison.workloads {
        let ours = comparison
            .records
            .iter()
            .filter(|r| r.workload == *name && r.kind == Kind::Ours);
        let best = ours
            .filter_map(|record| record.ratio_to_best_peer)
            .min_by(f64::total_cmp);
        match best {
            Some(ratio) if ratio < 0.95 => standing[0] += 1,
            Some(ratio) if ratio <= 1.05 => standing[1] += 1,
            Some(_) => standing[2] += 1,
            None => {}
        }
    }
    standing
}
