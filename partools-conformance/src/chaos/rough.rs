//! The task of chaos: items that do all that items must not do, each as a seed says; and what must come of each.

use super::ledger::{Deed, Quill};
use crate::tasks::mix;
use partools_core::{Capabilities, Cause, Span, StartError, Task, Writer};
use std::ops::Range;
use std::time::{Duration, Instant};

/// What an executor can bear.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(super) struct Powers {
    /// An item may end its process.
    pub(super) isolates: bool,
    /// An item may go on for ever.
    pub(super) kills_items: bool,
}

impl Powers {
    pub(super) fn of(capabilities: &Capabilities) -> Self {
        Powers {
            isolates: capabilities.isolates(),
            kills_items: capabilities.kills_items(),
        }
    }
}

/// So many items that do as a seed says. Plain data, which threads, forked children and worker processes can all take.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Rough {
    pub(super) seed: u64,
    pub(super) count: usize,
    pub(super) powers: Powers,
    /// Items may hang: the plan has an item timeout.
    pub(super) may_hang: bool,
    /// Before it does what it does, this item sends SIGUSR1 to that process.
    pub(super) signals: Option<(usize, u32)>,
    pub(super) quill: Quill,
}

/// What must come of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its output.
    Output,
    /// A failure by this deed.
    Failure(Deed),
    /// One or the other: a SIGKILL that nobody sent on purpose may be forgiven once.
    Either(Deed),
}

impl Rough {
    /// What item `index` does; `None` where it behaves.
    pub(super) fn deed(&self, index: usize) -> Option<Deed> {
        let drawn = self.noise(index, 1) % 1000;
        let deed = match drawn {
            0..20 => Deed::Panic,
            20..40 => Deed::PanicOnce,
            40..55 => Deed::Abort,
            55..70 => Deed::AbortOnce,
            70..85 => Deed::Exit,
            85..100 => Deed::Segfault,
            100..110 => Deed::Kill,
            110..120 => Deed::KillOnce,
            120..123 => Deed::Devour,
            123..125 if self.may_hang => Deed::Hang,
            _ => return None,
        };
        match deed {
            Deed::Panic | Deed::PanicOnce => Some(deed),
            Deed::Hang => Some(deed).filter(|_| self.powers.kills_items),
            _ => Some(deed).filter(|_| self.powers.isolates),
        }
    }

    /// What must come of item `index`, where it is tried `retries` times again.
    pub(super) fn fate(&self, index: usize, retries: u32) -> Fate {
        match self.deed(index) {
            None => Fate::Output,
            Some(Deed::PanicOnce | Deed::AbortOnce | Deed::KillOnce) if retries > 0 => Fate::Output,
            Some(deed @ Deed::KillOnce) => Fate::Either(deed),
            Some(deed) => Fate::Failure(deed),
        }
    }

    /// The output of item `index`: most are short, a few longer than a memory page, and some longer than many.
    pub(super) fn output(&self, index: usize) -> Vec<u64> {
        let noise = self.noise(index, 2);
        let length = match noise % 100 {
            0 => 20_000,
            1..6 => 700,
            short => short % 9,
        };
        (0..length).map(|place| noise.wrapping_add(place)).collect()
    }

    fn noise(&self, index: usize, what: u64) -> u64 {
        let of_item = mix(index)
            ^ self
                .seed
                .wrapping_add(what)
                .wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mix(usize::try_from(of_item).unwrap_or(index))
    }

    fn perform(&self, index: usize, attempt: u32) {
        spin(Duration::from_micros(self.noise(index, 3) % 120));
        if attempt > 0 {
            self.quill.write(Deed::Again);
        }
        if let Some((signals, process)) = self.signals
            && signals == index
        {
            send(process, nix::sys::signal::Signal::SIGUSR1);
        }
        match self.deed(index) {
            Some(Deed::PanicOnce | Deed::AbortOnce | Deed::KillOnce) if attempt > 0 => {}
            Some(deed) => {
                self.quill.write(deed);
                do_it(deed, index);
            }
            None => {}
        }
    }
}

impl Task for Rough {
    type State = ();
    type Output = Vec<u64>;

    fn count(&self) -> usize {
        self.count
    }
    fn start(&self, _worker: usize) -> Result<(), StartError> {
        Ok(())
    }
    fn call_chunk(&self, _state: &mut (), span: &Span, out: &mut Writer<'_, Vec<u64>>) {
        let mut attempt = span.attempt();
        for index in span.range() {
            self.perform(index, attempt);
            out.push(self.output(index));
            attempt = 0;
        }
    }
}

crate::tasks::portable!([] Rough);

impl Deed {
    /// Is this what such an item is blamed for?
    pub(super) fn explains(self, cause: &Cause, index: usize) -> bool {
        let killed_by = |name| matches!(cause, Cause::Killed { name: found, .. } if found == name);
        match self {
            Deed::Panic | Deed::PanicOnce => matches!(
                cause,
                Cause::Panicked { message, location: Some(at) }
                    if *message == misfortune(index) && at.file == file!() && LINES.contains(&at.line)
            ),
            Deed::Abort | Deed::AbortOnce => killed_by("SIGABRT"),
            // Where memory is slow to come, it is late before it is out.
            Deed::Devour => killed_by("SIGABRT") || matches!(cause, Cause::TimedOut { .. }),
            Deed::Exit => *cause == Cause::Exited { code: code(index) },
            Deed::Segfault => killed_by("SIGSEGV"),
            Deed::Kill | Deed::KillOnce => killed_by("SIGKILL"),
            Deed::Hang => matches!(cause, Cause::TimedOut { .. }),
            Deed::Again => false,
        }
    }
}

fn misfortune(index: usize) -> String {
    format!("item {index} has had enough")
}

/// Never zero, and 101 is a panic's.
fn code(index: usize) -> i32 {
    1 + i32::try_from(index % 100).unwrap_or(0)
}

const LINES: Range<u32> = line!()..line!() + 8;
fn do_it(deed: Deed, index: usize) {
    match deed {
        // In the lines that are named above.
        Deed::Panic | Deed::PanicOnce => panic!("{}", misfortune(index)),
        Deed::Abort | Deed::AbortOnce => std::process::abort(),
        Deed::Exit => exit(code(index)),
        Deed::Segfault => write_to_the_null_page(),
        Deed::Kill | Deed::KillOnce => send(std::process::id(), nix::sys::signal::Signal::SIGKILL),
        Deed::Hang => loop {
            std::thread::sleep(Duration::from_secs(3600));
        },
        Deed::Devour => devour(),
        Deed::Again => {}
    }
}

fn spin(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// Allocates and touches without end, within an address space that has one; then does what Rust does when an
/// allocation fails, but without a word.
fn devour() -> ! {
    use rustix::process::{Resource, getrlimit, setrlimit};
    const ROOM: u64 = 48 << 20;
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').next().and_then(|n| n.parse::<u64>().ok());
    let mut limit = getrlimit(Resource::As);
    limit.current = Some(pages.unwrap_or(0) * 4096 + ROOM);
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    if setrlimit(Resource::As, limit).is_ok() {
        loop {
            let mut bite = Vec::new();
            if bite.try_reserve_exact(4 << 20).is_err() {
                break;
            }
            bite.resize(4 << 20, 1);
            eaten.push(bite);
        }
    }
    std::process::abort()
}

#[expect(
    clippy::disallowed_methods,
    reason = "an item that ends its process is what is tested"
)]
fn exit(code: i32) -> ! {
    std::process::exit(code)
}

fn send(process: u32, signal: nix::sys::signal::Signal) {
    let process = nix::unistd::Pid::from_raw(process.cast_signed());
    nix::sys::signal::kill(process, signal).expect("a process that may be sent a signal");
}

fn write_to_the_null_page() {
    // By way of C, since Rust's own writes check for null in debug builds and abort instead.
    let nowhere = std::hint::black_box(std::ptr::null_mut());
    // SAFETY: none; the crash is what is tested, in a worker process that the executor says it isolates.
    unsafe { nix::libc::memset(nowhere, 1, 8) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaos::ledger::Ledger;

    #[test]
    fn an_executor_that_cannot_bear_it_gets_panics_at_most() {
        let ledger = Ledger::new();
        let mut rough = Rough {
            seed: 7,
            count: 10_000,
            powers: Powers {
                isolates: false,
                kills_items: false,
            },
            may_hang: true,
            signals: None,
            quill: ledger.quill(),
        };
        let kinds = |rough: &Rough| {
            let deeds: std::collections::BTreeSet<_> =
                (0..10_000).filter_map(|i| rough.deed(i)).collect();
            deeds.len()
        };
        assert_eq!(kinds(&rough), 2);
        rough.powers = Powers {
            isolates: true,
            kills_items: true,
        };
        assert_eq!(kinds(&rough), 10, "every deed is drawn");
    }
}
