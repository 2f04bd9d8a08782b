//! Tables for a document.

use super::figures::{digits, standing, time, why, worst};
use crate::catalogue::family;
use crate::contender::Kind;
use crate::record::{Comparison, Record, Status};
use std::fmt::Write;

const BEGIN: &str = "<!-- measured -->";
const END: &str = "<!-- /measured -->";

/// `document` with `text` between its marks; none if it has none.
pub(crate) fn put_between_marks(document: &str, text: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{text}\n{END}{after}"))
}

/// The machine, the command, and a table for each family: a row for each workload, a column for each contender.
pub(crate) fn markdown(comparison: &Comparison) -> String {
    let machine = &comparison.machine;
    let [ahead, level, behind] = standing(comparison);
    let mut text = format!(
        "Measured {} on {} ({} processors, {} GB), {}, huge pages: {}, {}; load before: {}.\n\
         Command: `{}`, {:.0} s.\n\n\
         The best of ours beside the best peer: ahead on {ahead} workloads, level (within 5 %) on {level}, behind on {behind}.\n",
        comparison.date,
        machine.cpu,
        machine.processors,
        machine.memory_gb,
        machine.system,
        machine.huge_pages,
        machine.compiler,
        machine.load,
        comparison.command,
        comparison.took_s,
    );
    worst_rows(&mut text, comparison);
    let mut families: Vec<(bool, &str)> = Vec::new();
    for (name, _) in &comparison.workloads {
        let key = (name.starts_with("busy/"), family(name));
        if !families.contains(&key) {
            families.push(key);
        }
    }
    for (busy, name) in families {
        let title = if busy {
            format!("{name}, beside busy neighbours")
        } else {
            name.to_owned()
        };
        let _ = write!(text, "\n### {title}\n");
        let of_family: Vec<&(String, String)> = comparison
            .workloads
            .iter()
            .filter(|(workload, _)| {
                (workload.starts_with("busy/"), family(workload)) == (busy, name)
            })
            .collect();
        table(&mut text, comparison, &of_family);
    }
    reasons(&mut text, comparison);
    text
}

fn worst_rows(text: &mut String, comparison: &Comparison) {
    let mut list = |title: &str, ratio: fn(&Record) -> Option<f64>| {
        let worst = worst(comparison, ratio);
        let rows: Vec<String> = worst
            .iter()
            .take(3)
            .map(|(record, ratio)| {
                format!(
                    "{} on `{}` ({})",
                    record.who,
                    record.workload,
                    digits(*ratio)
                )
            })
            .collect();
        let _ = writeln!(
            text,
            "The three worst rows of ours {title}: {}.",
            rows.join("; ")
        );
    };
    list("beside the best peer", |record| record.ratio_to_best_peer);
    list("beside the ideal", |record| record.ratio_to_ideal);
}

/// A cell: the median, and how often the ideal it is. In bold, the best of all that are in the race.
fn table(text: &mut String, comparison: &Comparison, workloads: &[&(String, String)]) {
    let mut columns: Vec<&Record> = Vec::new();
    for record in &comparison.records {
        let here = workloads.iter().any(|(name, _)| *name == record.workload);
        if here
            && columns.iter().all(|column| column.who != record.who)
            && record.status != Status::Missing
        {
            columns.push(record);
        }
    }
    let heads: Vec<&str> = columns.iter().map(|column| &*column.who).collect();
    let _ = writeln!(text, "\n| workload | ideal | {} |", heads.join(" | "));
    let _ = writeln!(text, "|---|--:|{}", "--:|".repeat(heads.len()));
    for (name, _) in workloads {
        let of_it: Vec<&Record> = comparison
            .records
            .iter()
            .filter(|r| r.workload == *name)
            .collect();
        let racing = of_it
            .iter()
            .filter(|record| record.kind != Kind::Reference && record.workers > 1);
        let best = racing
            .filter_map(|record| record.median_s)
            .min_by(f64::total_cmp);
        let ideal = of_it
            .iter()
            .find_map(|record| record.ideal_s)
            .map(time)
            .unwrap_or_default();
        let cells: Vec<String> = heads
            .iter()
            .map(|who| match of_it.iter().find(|record| record.who == *who) {
                Some(record) => cell(record, best),
                None => String::new(),
            })
            .collect();
        let _ = writeln!(text, "| `{name}` | {ideal} | {} |", cells.join(" | "));
    }
}

fn cell(record: &Record, best: Option<f64>) -> String {
    let Some(median) = record.median_s else {
        return match record.status {
            Status::Cannot => "–".to_owned(),
            Status::Wrong => "wrong".to_owned(),
            _ => "failed".to_owned(),
        };
    };
    let ratio = record
        .ratio_to_ideal
        .map(|ratio| format!(" ({})", digits(ratio)))
        .unwrap_or_default();
    let added = record
        .added_mb
        .filter(|mb| *mb >= 10.0)
        .map(|mb| format!(", {mb:.0} MB"))
        .unwrap_or_default();
    let cell = format!("{}{ratio}{added}", time(median));
    if best == Some(median) && record.kind != Kind::Reference {
        format!("**{cell}**")
    } else {
        cell
    }
}

/// Why cells are empty: each reason once.
fn reasons(text: &mut String, comparison: &Comparison) {
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for record in comparison
        .records
        .iter()
        .filter(|record| record.status != Status::Measured)
    {
        let reason = format!("{}: {}", record.who, why(record));
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, on)) => on.push(&record.workload),
            None => reasons.push((reason, vec![&record.workload])),
        }
    }
    if reasons.is_empty() {
        return;
    }
    let _ = write!(text, "\n### Without a figure\n\n");
    for (reason, on) in reasons {
        let on = if on.len() > 6 {
            format!("{} workloads", on.len())
        } else {
            format!("`{}`", on.join("`, `"))
        };
        let _ = writeln!(text, "- {reason} ({on})");
    }
}
