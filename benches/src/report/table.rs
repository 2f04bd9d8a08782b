//! Tables for a terminal.

use super::figures::{digits, megabytes, standing, time, why, worst};
use crate::catalogue::Workload;
use crate::record::{Comparison, Record, Status};
use std::fmt::Write;

/// One workload, under its name.
pub(crate) fn table(workload: &Workload, records: &[Record]) -> String {
    titled_table(
        &workload.name,
        &workload.about,
        &records.iter().collect::<Vec<_>>(),
    )
}

/// One workload, under its name.
pub(crate) fn titled_table(name: &str, about: &str, records: &[&Record]) -> String {
    let mut text = format!("{name}: {about}\n");
    if let Some(ideal) = records.iter().find_map(|record| record.ideal_s) {
        let _ = writeln!(text, "  {:22}{:>10}", "(ideal)", time(ideal));
    }
    for record in records {
        let _ = writeln!(text, "  {:22}{}", record.who, row(record));
    }
    text
}

fn row(record: &Record) -> String {
    if record.status != Status::Measured {
        return format!("{:>10}  {}", "-", why(record));
    }
    let figure = |value: Option<f64>, show: fn(f64) -> String| value.map(show).unwrap_or_default();
    format!(
        "{:>10}  {:>9} to {:<9} {:>7} of ideal {:>7} of best peer  cpu {:>8}  added {:>8} MB",
        figure(record.median_s, time),
        figure(record.min_s, time),
        figure(record.max_s, time),
        figure(record.ratio_to_ideal, digits),
        figure(record.ratio_to_best_peer, digits),
        figure(record.cpu_s, time),
        megabytes(record),
    )
}

/// Where ours stand, and their worst rows.
pub(crate) fn summary(comparison: &Comparison) -> String {
    let [ahead, level, behind] = standing(comparison);
    let mut text = format!(
        "{} workloads, {:.0} s. The best of ours beside the best peer: ahead on {ahead}, level (5 %) on {level}, behind on \
         {behind}.\n",
        comparison.workloads.len(),
        comparison.took_s
    );
    let mut rows = |title: &str, ratio: fn(&Record) -> Option<f64>| {
        let _ = writeln!(text, "Worst rows, {title}:");
        for (record, ratio) in worst(comparison, ratio).iter().take(3) {
            let _ = writeln!(
                text,
                "  {:28}{:16}{:>8}",
                record.workload,
                record.who,
                digits(*ratio)
            );
        }
    };
    rows("beside the best peer", |record| record.ratio_to_best_peer);
    rows("beside the ideal", |record| record.ratio_to_ideal);
    let troubled = comparison
        .records
        .iter()
        .filter(|r| matches!(r.status, Status::Failed | Status::Wrong));
    for record in troubled {
        let _ = writeln!(text, "{}, {}: {}", record.workload, record.who, why(record));
    }
    text
}
