//! A summary as a small table, and its numbers as people write them.

use super::summary::{Summary, WorkerUse};
use crate::observe::Timed;
use std::fmt;
use std::time::Duration;

/// Of more workers, the rest is a line.
const ROWS: usize = 16;

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(ending) = self.ending.as_deref().or((self.items > 0).then_some("")) else {
            return f.write_str("no map was observed");
        };
        self.headline(f)?;
        if ending.is_empty() {
            writeln!(f, "it is still running")?;
        } else {
            writeln!(f, "{ending}")?;
        }
        self.counts(f)?;
        self.work(f)?;
        self.processes(f)?;
        for (place, timed) in self.slowest.iter().enumerate() {
            let title = if place == 0 { "slowest" } else { "" };
            writeln!(
                f,
                "  {title:<9}{:>10}  {}",
                Time(timed.took()).to_string(),
                Named(timed)
            )?;
        }
        for warning in &self.warnings {
            writeln!(f, "  warning  {warning}")?;
        }
        for advice in self.advice() {
            writeln!(f, "  advice   {advice}")?;
        }
        Ok(())
    }
}

impl Summary {
    fn headline(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.finished as f64 / self.elapsed.as_secs_f64().max(1e-9);
        write!(f, "{} of {} items", self.finished, self.items)?;
        if !self.executor.is_empty() {
            write!(f, " on {}", self.executor)?;
        }
        write!(f, " in {}", Time(self.elapsed))?;
        if self.finished > 0 {
            write!(f, ", {}/s", Count(rate))?;
        }
        if self.failed > 0 {
            write!(f, "; {} failed", self.failed)?;
        }
        f.write_str(": ")
    }

    fn counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "  chunks {}, retries {}, respawns {}",
            self.chunks, self.retries, self.respawns
        )?;
        if self.windows > 1 {
            write!(f, ", windows {}", self.windows)?;
        }
        if self.bytes_moved > 0 {
            write!(f, ", moved {}", Bytes(self.bytes_moved))?;
        }
        if let Some(balance) = self.balance() {
            write!(f, ", balance {balance:.2}")?;
        }
        writeln!(f)
    }

    fn work(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.workers.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "  worker       items       busy       idle  busy %  starts  deaths"
        )?;
        for worker in self.workers.iter().take(ROWS) {
            self.row(f, worker)?;
        }
        match self.workers.len().saturating_sub(ROWS) {
            0 => Ok(()),
            more => writeln!(f, "  and {more} workers more"),
        }
    }

    fn row(&self, f: &mut fmt::Formatter<'_>, worker: &WorkerUse) -> fmt::Result {
        let name = worker
            .worker
            .map_or_else(|| "others".to_owned(), |number| number.to_string());
        let part = worker.busy.as_secs_f64() / self.elapsed.as_secs_f64().max(1e-9);
        write!(
            f,
            "  {name:>6}  {:>10} {:>10} {:>10}  {:>6}  {:>6}  {:>6}",
            worker.items,
            Time(worker.busy).to_string(),
            Time(worker.idle).to_string(),
            Percent(part).to_string(),
            worker.starts,
            worker.deaths
        )?;
        match &worker.place {
            Some(place) => writeln!(f, "  {place}"),
            None => writeln!(f),
        }
    }

    fn processes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.forks > 0 {
            write!(
                f,
                "  forks    {} in {}, the longest {}",
                self.forks,
                Time(self.fork_time),
                Time(self.longest_fork)
            )?;
            if let Some(bytes) = self.page_tables {
                write!(f, "; page tables {} each", Bytes(bytes))?;
            }
            writeln!(f)?;
        }
        if let Some(bytes) = self.memory_dirtied {
            writeln!(
                f,
                "  memory   workers dirtied {} of their own",
                Bytes(bytes)
            )?;
        }
        Ok(())
    }
}

/// As in "item 7" or "items 10..25 together".
struct Named<'t>(&'t Timed);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items = self.0.items();
        match items.len() {
            1 => write!(f, "item {}", items.start),
            n => write!(
                f,
                "items {}..{}, these {n} together",
                items.start, items.end
            ),
        }
    }
}

/// Three digits and a unit.
fn scaled(f: &mut fmt::Formatter<'_>, value: f64, units: &[&str], base: f64) -> fmt::Result {
    let (mut value, mut unit) = (value, 0);
    // What would be written as 1000 is one of the next unit.
    while value >= base - 0.5 && unit + 1 < units.len() {
        value /= base;
        unit += 1;
    }
    let decimals = match value {
        _ if value == 0.0 || value >= 99.95 => 0,
        v if v >= 9.995 => 1,
        _ => 2,
    };
    write!(f, "{value:.decimals$}{}", units[unit])
}

pub(super) struct Time(pub(super) Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        match seconds {
            s if s >= 3600.0 => write!(f, "{:.2} h", s / 3600.0),
            s if s >= 119.5 => write!(f, "{:.1} min", s / 60.0),
            s if s >= 0.9995 => scaled(f, s, &[" s"], 1e3),
            s => scaled(f, s * 1e9, &[" ns", " µs", " ms"], 1e3),
        }
    }
}

pub(super) struct Bytes(pub(super) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            small if small < 1000 => write!(f, "{small} B"),
            large => scaled(f, large as f64, &[" B", " kB", " MB", " GB", " TB"], 1e3),
        }
    }
}

struct Count(f64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        scaled(f, self.0, &["", " k", " M", " G"], 1e3)
    }
}

pub(super) struct Percent(pub(super) f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} %", self.0 * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits_and_a_unit() {
        let texts = [0, 999, 1_000, 12_345, 999_400, 999_600, 20_456_000]
            .map(|ns| Time(Duration::from_nanos(ns)).to_string());
        assert_eq!(
            texts,
            [
                "0 ns", "999 ns", "1.00 µs", "12.3 µs", "999 µs", "1.00 ms", "20.5 ms"
            ]
        );
        let texts =
            [1.0, 42.0, 180.0, 7200.0].map(|s| Time(Duration::from_secs_f64(s)).to_string());
        assert_eq!(texts, ["1.00 s", "42.0 s", "3.0 min", "2.00 h"]);
    }

    #[test]
    fn bytes_are_counted_in_thousands() {
        let texts = [0, 999, 1_000, 2_100_000, 40_000_000_000].map(|n| Bytes(n).to_string());
        assert_eq!(texts, ["0 B", "999 B", "1.00 kB", "2.10 MB", "40.0 GB"]);
    }
}
