//! What a process has taken: memory of its own, and processor time.
//!
//! A forked child begins with all of its parent's memory in its books, and what it then takes comes in two kinds. New pages
//! are counted by the kernel (resident and swapped anonymous memory). Inherited pages that it writes to become its own,
//! too, and no counter tells: only a walk through all of its page tables does (`smaps_rollup`), which holds up the child's
//! own page faults meanwhile. So the walk is made only where the count of page faults says that it could matter.
//!
//! ```text
//!   new pages                          exact, 30 µs a look, whatever the size
//!   + what the last walk found         exact then
//!   + page faults since, times 4 KiB   the most that can have become its own since
//! ```

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use nix::time::ClockId;

/// After a walk through the page tables there is none for so many times as long as it took.
const WALKS_APART: u32 = 20;

/// The processor time that this process has used, all of its threads together.
///
/// ```
/// let before = partools_os::cpu_time();
/// let sum: u64 = (0..1_000_000_u64).map(std::hint::black_box).sum();
/// assert!(sum > 0 && partools_os::cpu_time() > before);
/// ```
pub fn cpu_time() -> Duration {
    ClockId::CLOCK_PROCESS_CPUTIME_ID
        .now()
        .map_or(Duration::ZERO, Duration::from)
}

/// The processor time of another process; `None` where it is not there any more.
pub(super) fn cpu_time_of(pid: rustix::process::Pid) -> Option<Duration> {
    let pid = nix::unistd::Pid::from_raw(pid.as_raw_pid());
    let clock = ClockId::pid_cpu_clock_id(pid).ok()?;
    clock.now().ok().map(Duration::from)
}

/// How much a process has grown since this was made.
#[derive(Debug)]
pub(crate) struct Growth {
    /// As the directory in /proc is called.
    process: String,
    base: Count,
    /// Inherited memory that had become its own when page tables were walked last, and the faults at that time.
    walked: (u64, u64),
    /// No walk before.
    rest_until: Option<Instant>,
}

/// What the kernel counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    /// Bytes of anonymous memory, resident or swapped.
    anonymous: u64,
    /// Page faults that needed no disk.
    faults: u64,
}

impl Growth {
    /// Of this process, from now on.
    pub(crate) fn of_this_process() -> io::Result<Growth> {
        Growth::of("self".to_owned())
    }

    /// Of another process, from now on.
    pub(crate) fn of_process(pid: u32) -> io::Result<Growth> {
        Growth::of(pid.to_string())
    }

    fn of(process: String) -> io::Result<Growth> {
        let base = count(&process)?;
        Ok(Growth {
            process,
            base,
            walked: (0, base.faults),
            rest_until: None,
        })
    }

    /// Bytes of memory of its own since then. Exact where it comes near `limit`, or too little for a moment; below that it
    /// may be too little by what it wrote to of inherited memory.
    pub(crate) fn look(&mut self, limit: u64) -> io::Result<u64> {
        let now = count(&self.process)?;
        let new = now.anonymous.saturating_sub(self.base.anonymous);
        let (copied, faults) = self.walked;
        let may_be_copied = now.faults.saturating_sub(faults).saturating_mul(PAGE);
        let known = new.saturating_add(copied);
        let may_walk = self.rest_until.is_none_or(|until| Instant::now() >= until);
        if known >= limit || known.saturating_add(may_be_copied) < limit || !may_walk {
            return Ok(known);
        }
        let begun = Instant::now();
        let own = walk(&self.process)?;
        self.rest_until = Some(begun + begun.elapsed() * WALKS_APART);
        self.walked = (own.saturating_sub(new), now.faults);
        Ok(own.max(new))
    }
}

/// What one fault brings at most of inherited memory: huge pages are copied a small page at a time.
const PAGE: u64 = 4096;

/// The counts, of one file each.
fn count(process: &str) -> io::Result<Count> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    parse(&status, &stat).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "no memory is counted there (the process has ended, or the kernel counts none)",
        )
    })
}

fn parse(status: &str, stat: &str) -> Option<Count> {
    let resident = kib(status, "RssAnon:")?;
    let swapped = kib(status, "VmSwap:").unwrap_or(0);
    // The name stands in brackets and may hold anything; behind it, minor faults are the eighth.
    let (_, fields) = stat.rsplit_once(')')?;
    Some(Count {
        anonymous: resident + swapped,
        faults: fields.split_ascii_whitespace().nth(7)?.parse().ok()?,
    })
}

/// Memory that no other process has, by its page tables.
fn walk(process: &str) -> io::Result<u64> {
    let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
    let sum = |name| kib(&rollup, name).unwrap_or(0);
    Ok(sum("Private_Dirty:") + sum("Private_Clean:") + sum("SwapPss:"))
}

/// The number of KiB behind a name, in bytes.
fn kib(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(number << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_past_a_name_with_brackets() {
        let status = "Name:\tx\nRssAnon:\t      12 kB\nRssFile:\t 9 kB\nVmSwap:\t       3 kB\n";
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 777 8 9";
        let expected = Count {
            anonymous: 15 << 10,
            faults: 777,
        };
        assert_eq!(parse(status, stat), Some(expected));
        // A zombie has no memory.
        assert_eq!(parse("Name:\tx\nState:\tZ (zombie)\n", stat), None);
    }

    #[test]
    fn what_this_process_takes_is_seen() {
        let mut growth = Growth::of_this_process().expect("/proc");
        let before = growth.look(u64::MAX).expect("a look");
        let taken = vec![1_u8; 64 << 20];
        let after = growth.look(u64::MAX).expect("a look");
        assert!(std::hint::black_box(&taken).len() == 64 << 20);
        assert!(after - before >= 60 << 20, "{before} {after}");
    }

    #[test]
    fn processor_time_of_a_process_is_read_by_its_number() {
        let own = cpu_time_of(rustix::process::getpid()).expect("it lives");
        assert!(own > Duration::ZERO && cpu_time() >= own);
        let mut gone = std::process::Command::new("true")
            .spawn()
            .expect("a process");
        gone.wait().expect("it ended");
        let pid = rustix::process::Pid::from_raw(gone.id().cast_signed()).expect("a number");
        assert_eq!(cpu_time_of(pid), None);
    }
}
