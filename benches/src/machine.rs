//! Where and when figures were taken: without that they say little.

use crate::processes::total_memory;
use serde::{Deserialize, Serialize};
use std::fs;

/// Facts of a machine, as far as it tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's model.
    pub cpu: String,
    /// How many processors this process may use.
    pub processors: usize,
    /// Its memory, in gigabytes.
    pub memory_gb: f64,
    /// The kernel's name and version.
    pub system: String,
    /// What the kernel does about huge pages nobody asked for.
    pub huge_pages: String,
    /// The compiler that built this.
    pub compiler: String,
    /// Processes that wanted to run, over the last minute, when the comparison began: what else was going on.
    pub load: f64,
}

impl Machine {
    /// This one.
    #[must_use]
    pub fn this() -> Self {
        let read = |path: &str| {
            fs::read_to_string(path)
                .unwrap_or_default()
                .trim()
                .to_owned()
        };
        let cpu = read("/proc/cpuinfo")
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
            .map_or("unknown".to_owned(), |(_, model)| model.trim().to_owned());
        let huge_pages = read("/sys/kernel/mm/transparent_hugepage/enabled");
        let chosen = huge_pages
            .split_once('[')
            .and_then(|(_, rest)| rest.split_once(']'));
        let load = read("/proc/loadavg");
        Machine {
            cpu,
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gb: (total_memory().unwrap_or(0) as f64 / 1e8).round() / 10.0,
            system: format!("Linux {}", read("/proc/sys/kernel/osrelease")),
            huge_pages: chosen.map_or("unknown".to_owned(), |(chosen, _)| chosen.to_owned()),
            compiler: compiler(),
            load: load
                .split(' ')
                .next()
                .and_then(|load| load.parse().ok())
                .unwrap_or(0.0),
        }
    }
}

/// As `rustc --version` says it now, which is nearly always the one that built this.
fn compiler() -> String {
    let output = std::process::Command::new("rustc")
        .arg("--version")
        .output();
    let text = output
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok());
    let version = text.as_deref().and_then(|text| text.split(" (").next());
    version.map_or("rustc".to_owned(), |version| version.trim().to_owned())
}

/// Today, as `2026-11-22`, in universal time.
#[must_use]
pub fn today() -> String {
    let seconds = std::time::UNIX_EPOCH
        .elapsed()
        .map_or(0, |since| since.as_secs());
    // Days to a date, after Howard Hinnant's `civil_from_days`: years that begin in March.
    let days = (seconds / 86_400) as i64 + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, (month + 2) % 12 + 1);
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}
