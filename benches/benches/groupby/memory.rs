//! How much memory a piece of work takes at most: of this process by its high-water mark, which the system sets back on request;
//! of its children together with it by another process that looks on, since none of them knows what the others share.

use std::fs;
use std::io::{Read, Write, stdin};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The word by which this program is started to look on.
pub(crate) const WATCH: &str = "--watch-memory-of";

/// What was resident at most while `work` ran, beyond what was before, in bytes; `None` where the system does not tell.
pub(crate) fn added_by(work: impl FnOnce()) -> Option<f64> {
    // 5 sets the mark back to what is resident now (proc(5), since Linux 4.0).
    fs::write("/proc/self/clear_refs", "5").ok()?;
    let before = kilobytes("/proc/self/status", "VmRSS:")?;
    work();
    let most = kilobytes("/proc/self/status", "VmHWM:")?;
    Some((most - before).max(0.0) * 1024.0)
}

/// The same of this process and its children together, each page counted once, with their page tables.
pub(crate) fn added_with_children(work: impl FnOnce()) -> Option<f64> {
    let own = std::process::id();
    let before = of_family(own, None)?;
    let mut watcher = Command::new(std::env::current_exe().ok()?)
        .args([WATCH, &own.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut answer = watcher.stdout.take()?;
    answer.read_exact(&mut [0]).ok()?; // it looks
    let in_parent = added_by(work);
    drop(watcher.stdin.take());
    let mut most = String::new();
    answer.read_to_string(&mut most).ok()?;
    watcher.wait().ok()?;
    let together = most.trim().parse::<f64>().ok()? - before;
    // It may have looked between the peaks of this process alone, when there were no children.
    Some(together.max(in_parent?))
}

/// Looks at the process `of` until standard input ends, then says what was there at most.
pub(crate) fn watch(of: u32) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    out.write_all(b".")?;
    out.flush()?;
    let most = std::thread::scope(|scope| {
        let ended = scope.spawn(|| stdin().read_to_end(&mut Vec::new()));
        let mut most = 0.0_f64;
        while !ended.is_finished() {
            most = most.max(of_family(of, Some(std::process::id())).unwrap_or(0.0));
            std::thread::sleep(Duration::from_millis(1));
        }
        most
    });
    write!(out, "{most}")
}

/// Of a process and its children but one, in bytes.
fn of_family(parent: u32, without: Option<u32>) -> Option<f64> {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    let children = children
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok());
    let own = of_process(parent)?;
    // One that has ended takes nothing.
    let of_children = children
        .filter(|pid| Some(*pid) != without)
        .filter_map(of_process);
    Some(own + of_children.sum::<f64>())
}

/// The memory of one process, what is shared in proportion, and its page tables.
fn of_process(pid: u32) -> Option<f64> {
    let shares = kilobytes(&format!("/proc/{pid}/smaps_rollup"), "Pss:")?;
    let tables = kilobytes(&format!("/proc/{pid}/status"), "VmPTE:")?;
    Some((shares + tables) * 1024.0)
}

fn kilobytes(file: &str, name: &str) -> Option<f64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
