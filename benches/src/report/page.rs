//! One page with charts: a map of all ratios, then a card with bars for each workload. Nothing is loaded from anywhere,
//! and nothing runs: it is HTML and CSS alone.

use super::figures::{digits, standing, time, why, worst};
use crate::catalogue::family;
use crate::contender::Kind;
use crate::record::{Comparison, Record, Status};
use std::fmt::Write;

/// More than so many times between the shortest and the longest bar, and lengths are logarithms.
const TOO_WIDE: f64 = 12.0;

/// The page.
pub(crate) fn page(comparison: &Comparison) -> String {
    let mut text = String::from("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n");
    text.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    let _ = write!(
        text,
        "<title>partools, measured</title>\n<style>\n{}</style>\n",
        include_str!("page.css")
    );
    head(&mut text, comparison);
    overview(&mut text, comparison);
    let mut last = String::new();
    for (name, about) in &comparison.workloads {
        let section = section(name);
        if section != last {
            if !last.is_empty() {
                text.push_str("</div>\n");
            }
            let _ = write!(
                text,
                "<h2 id=\"{0}\">{0}</h2>\n<div class=\"cards\">\n",
                escape(&section)
            );
            last = section;
        }
        card(&mut text, comparison, name, about);
    }
    text.push_str("</div>\n</html>\n");
    text
}

/// The heading that a workload stands under.
fn section(name: &str) -> String {
    if name.starts_with("busy/") {
        "busy".to_owned()
    } else {
        family(name).to_owned()
    }
}

fn head(text: &mut String, comparison: &Comparison) {
    let machine = &comparison.machine;
    let _ = write!(
        text,
        "<h1>partools and its peers, measured</h1>\n\
         <p class=\"soft\">{}, on {} ({} processors, {} GB), {}, huge pages: {}, {}; load before: {}.<br>\
         <code>{}</code>, {:.0} s.</p>\n",
        comparison.date,
        escape(&machine.cpu),
        machine.processors,
        machine.memory_gb,
        escape(&machine.system),
        escape(&machine.huge_pages),
        escape(&machine.compiler),
        machine.load,
        escape(&comparison.command),
        comparison.took_s,
    );
    let [ahead, level, behind] = standing(comparison);
    let _ = writeln!(
        text,
        "<div class=\"standing\"><div><b>{ahead}</b>workloads ahead of every peer</div>\
         <div><b>{level}</b>level, within 5 %</div><div><b>{behind}</b>behind the best peer</div></div>"
    );
    for (title, ratio) in [
        (
            "beside the best peer",
            (|r: &Record| r.ratio_to_best_peer) as fn(&Record) -> Option<f64>,
        ),
        ("beside the ideal", |r: &Record| r.ratio_to_ideal),
    ] {
        let worst = worst(comparison, ratio);
        let rows: Vec<String> = worst
            .iter()
            .take(3)
            .map(|(record, ratio)| {
                format!(
                    "{} on <code>{}</code> ({})",
                    escape(&record.who),
                    escape(&record.workload),
                    digits(*ratio)
                )
            })
            .collect();
        let _ = writeln!(
            text,
            "<p>Worst rows of ours {title}: {}.</p>",
            rows.join(", ")
        );
    }
    text.push_str(
        "<p class=\"soft\">Bars are medians, thin lines go from the fastest to the slowest round, the dashed line is the ideal. \
         Where times differ by much, lengths are logarithms, and the card says so. Ratios in the table are green below 1.1, \
         yellow below 2. MB: memory that was added, results \
         included.</p>\n<p class=\"key\">",
    );
    for (kind, name) in [
        (Kind::Ours, "partools"),
        (Kind::Rust, "Rust"),
        (Kind::Python, "Python"),
        (Kind::R, "R"),
        (Kind::Reference, "reference"),
    ] {
        if comparison.records.iter().any(|record| record.kind == kind) {
            let _ = write!(text, "<span><i class=\"{}\"></i>{name}</span>", class(kind));
        }
    }
    text.push_str("</p>\n");
}

/// All ratios to the ideal at a glance.
fn overview(text: &mut String, comparison: &Comparison) {
    let mut columns: Vec<&str> = Vec::new();
    for record in comparison
        .records
        .iter()
        .filter(|r| r.status != Status::Missing && r.who != "memcpy")
    {
        if !columns.contains(&&*record.who) {
            columns.push(&record.who);
        }
    }
    let mut sections: Vec<String> = comparison
        .workloads
        .iter()
        .map(|(name, _)| section(name))
        .collect();
    sections.dedup();
    let links: Vec<String> = sections
        .iter()
        .map(|s| format!("<a href=\"#{0}\">{0}</a>", escape(s)))
        .collect();
    let _ = write!(
        text,
        "<h2>Times, as multiples of the ideal</h2>\n<nav>{}</nav>\n",
        links.join("")
    );
    text.push_str("<div class=\"wide\"><table><thead><tr><th>workload</th>");
    for who in &columns {
        let _ = write!(text, "<th>{}</th>", escape(who));
    }
    text.push_str("</tr></thead><tbody>\n");
    for (name, _) in &comparison.workloads {
        let _ = write!(text, "<tr><td>{}</td>", escape(name));
        for who in &columns {
            let record = comparison
                .records
                .iter()
                .find(|r| r.workload == *name && r.who == *who);
            let _ = match record.and_then(|record| Some((record, record.ratio_to_ideal?))) {
                Some((_, ratio)) => {
                    let class = if ratio < 1.1 {
                        "g"
                    } else if ratio < 2.0 {
                        "m"
                    } else {
                        "b"
                    };
                    write!(text, "<td class=\"{class}\">{}</td>", digits(ratio))
                }
                None => {
                    let reason = record.map(why).unwrap_or_default();
                    let mark = if reason.starts_with("cannot") || reason.is_empty() {
                        "–"
                    } else {
                        "×"
                    };
                    write!(
                        text,
                        "<td class=\"none\" title=\"{}\">{mark}</td>",
                        escape(&reason)
                    )
                }
            };
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody></table></div>\n");
}

/// One workload: a bar for each contender, fastest first.
fn card(text: &mut String, comparison: &Comparison, name: &str, about: &str) {
    let mut records: Vec<&Record> = comparison
        .records
        .iter()
        .filter(|record| record.workload == name)
        .collect();
    records.sort_by(|a, b| {
        a.median_s
            .unwrap_or(f64::MAX)
            .total_cmp(&b.median_s.unwrap_or(f64::MAX))
    });
    let ideal = records.iter().find_map(|record| record.ideal_s);
    let figures = || {
        records
            .iter()
            .flat_map(|r| [r.min_s, r.max_s])
            .flatten()
            .chain(ideal)
    };
    let (low, high) = (
        figures().fold(f64::MAX, f64::min),
        figures().fold(0.0, f64::max),
    );
    let logarithms = high / low > TOO_WIDE;
    let place = |seconds: f64| {
        let part = if logarithms {
            0.04 + 0.96 * (seconds / low).ln() / (high / low).ln()
        } else {
            seconds / high
        };
        part.clamp(0.0, 1.0) * 100.0
    };
    let scale = if logarithms { ", logarithmic" } else { "" };
    let ideal_text = ideal
        .map(|ideal| format!(" Ideal: {}{scale}.", time(ideal)))
        .unwrap_or_default();
    let _ = writeln!(
        text,
        "<div class=\"card\"><h3>{}</h3><p class=\"soft\">{}.{ideal_text}</p>",
        escape(name),
        escape(about)
    );
    let racing = |record: &&&Record| record.kind != Kind::Reference && record.workers > 1;
    let best = records.iter().find(racing).map(|record| record.who.clone());
    for record in records {
        let (Some(median), Some(min), Some(max)) = (record.median_s, record.min_s, record.max_s)
        else {
            if record.status != Status::Missing {
                let _ = writeln!(
                    text,
                    "<div class=\"row\"><span>{}</span><span class=\"why\">{}</span></div>",
                    escape(&record.who),
                    escape(&why(record))
                );
            }
            continue;
        };
        let class = if best.as_deref() == Some(&*record.who) {
            "row best"
        } else {
            "row"
        };
        let dashed = ideal
            .map(|ideal| format!("<s style=\"left:{:.1}%\"></s>", place(ideal)))
            .unwrap_or_default();
        let ratio = record.ratio_to_ideal.map(digits).unwrap_or_default();
        let memory = record
            .added_mb
            .filter(|mb| *mb >= 1.0)
            .map(|mb| format!(" · {mb:.0} MB"))
            .unwrap_or_default();
        let _ = writeln!(
            text,
            "<div class=\"{class}\"><span>{}</span><span class=\"track\"><i class=\"{}\" style=\"width:{:.1}%\"></i>\
             <u style=\"left:{:.1}%;width:{:.1}%\"></u>{dashed}</span><span><b>{}</b> <small>{ratio}×{memory}</small></span></div>",
            escape(&record.who),
            self::class(record.kind),
            place(median),
            place(min),
            place(max) - place(min),
            time(median),
        );
    }
    text.push_str("</div>\n");
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Reference => "reference",
        Kind::Ours => "ours",
        Kind::Rust => "rust",
        Kind::Python => "python",
        Kind::R => "r",
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
