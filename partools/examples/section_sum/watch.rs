//! How much memory a process and its children take, watched by another process: this program again, with
//! `--watch`. A thread would not do, since `Fork` refuses to run beside one.
//!
//! ```text
//!   measured process                      watcher (a child of it, not counted)
//!   start, wait for a line    <---------  the first look: what is there before
//!   the run                               looks every few milliseconds, keeps the most
//!   close its standard input  --------->
//!   read the line             <---------  the most, less what was before
//! ```
//!
//! A look is not one instant: while it reads one process after the other, pages become shared that were not,
//! and would be counted twice or not at all. So the children are read before and after the process, and a look
//! during which they changed is thrown away. The measured run rests now and then, for looks that hold.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const EVERY: Duration = Duration::from_millis(3);
/// After so many first looks that did not hold, none will.
const FIRST_LOOKS: usize = 100;
/// Other programs come and go, with which a process shares its libraries' pages: so many bytes are no change.
const NOISE: u64 = 100_000;

/// A watcher of this process, at work.
pub(crate) struct Watcher {
    process: Child,
    says: BufReader<ChildStdout>,
}

impl Watcher {
    /// Starts one, and waits until it has had its first look.
    pub(crate) fn start() -> io::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["--watch", &std::process::id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let says = process
            .stdout
            .take()
            .ok_or_else(|| io::Error::other("the watcher has no output"))?;
        let mut watcher = Watcher {
            process,
            says: BufReader::new(says),
        };
        watcher.line()?;
        Ok(watcher)
    }

    /// Ends the watch: the most bytes beyond those of the first look; `None` where the system does not tell,
    /// or where there were `children` and no look at one held.
    pub(crate) fn added(mut self, children: bool) -> io::Result<Option<u64>> {
        drop(self.process.stdin.take());
        let line = self.line()?;
        self.process.wait()?;
        let mut figures = line.split_whitespace().map(str::parse);
        let (Some(Ok(added)), Some(Ok(looks))) = (figures.next(), figures.next()) else {
            return Ok(None);
        };
        Ok((looks > 0 || !children).then_some(added))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.says.read_line(&mut line)? {
            0 => Err(io::Error::other("the watcher of the memory ended too soon")),
            _ => Ok(line),
        }
    }
}

/// The watcher's whole life.
pub(crate) fn serve(process: u32) -> io::Result<()> {
    let mut before = look(process);
    for _ in 0..FIRST_LOOKS {
        if before.is_some() {
            break;
        }
        // Workers of an earlier run are about to end.
        std::thread::sleep(EVERY);
        before = look(process);
    }
    println!("watching");
    io::stdout().flush()?;
    let over = AtomicBool::new(false);
    let (mut most, mut looks_at_children) = (before, 0_u64);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Ends when the other side closes, or is gone.
            let _ = io::stdin().read(&mut [0]);
            over.store(true, Ordering::Relaxed);
        });
        while !over.load(Ordering::Relaxed) {
            let now = look(process);
            looks_at_children += u64::from(now.is_some_and(|now| now.children > 0));
            most = most.max(now);
            std::thread::sleep(EVERY);
        }
    });
    match most.zip(before) {
        Some((most, before)) => println!("{} {looks_at_children}", most.bytes - before.bytes),
        None => println!("unknown"),
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Look {
    bytes: u64,
    children: usize,
}

/// What `process` and its children have; `None` where the children changed meanwhile, or the system does not
/// tell.
fn look(process: u32) -> Option<Look> {
    let children = children_of(process);
    let all = || {
        children
            .iter()
            .map(|&child| memory_of(child))
            .sum::<Option<u64>>()
    };
    let (before, own, after) = (all()?, memory_of(process)?, all()?);
    let holds = before.abs_diff(after) <= NOISE && children_of(process) == children;
    holds.then_some(Look {
        bytes: own + after,
        children: children.len(),
    })
}

/// The proportional set size and the page tables of a process.
fn memory_of(process: u32) -> Option<u64> {
    let set = field(&format!("/proc/{process}/smaps_rollup"), "Pss:")?;
    Some(set + field(&format!("/proc/{process}/status"), "VmPTE:")?)
}

/// The children of `process` that have memory (one that is ending has none), but for this process.
fn children_of(process: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_child = |id: &u32| *id != std::process::id() && parent_of(*id) == Some(process);
    let mut children: Vec<u32> = ids.filter(is_child).collect();
    children.retain(|id| field(&format!("/proc/{id}/status"), "VmPTE:").is_some());
    children.sort_unstable();
    children
}

fn parent_of(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name stands in brackets and may hold anything; behind it come the state and the parent.
    stat.rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

/// A figure in a file of `name: figure kB` lines, in bytes.
fn field(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// How much memory the system could give now, in bytes.
pub(crate) fn available() -> Option<u64> {
    field("/proc/meminfo", "MemAvailable:")
}
