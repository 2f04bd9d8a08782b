//! `Script`: items that do as they are told, panic, crash, sleep or hang, and write down every call.

use crate::record::{Event, Here, Pen};
use partools_core::{Span, StartError, Task, Writer};
use std::ops::Range;
use std::time::Duration;

/// What an item is told to do before it gives its output.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub enum Act {
    /// Sleep so long.
    Sleep(Duration),
    /// Sleep so long, unless on this thread of this process.
    SleepElsewhere(Duration, Here),
    /// Panic with `item {index} gives up`.
    Panic,
    /// Panic, unless it was tried this many times before.
    PanicBefore(u32),
    /// Panic, unless somebody wrote with this pen before.
    PanicAtFirst(Pen),
    /// Panic with a payload that is no text.
    PanicWithNumber,
    /// Panic with a payload whose own drop panics.
    PanicWithBomb,
    /// Abort the process.
    Abort,
    /// Write to the null page.
    Segfault,
    /// Exit with this code.
    Exit(i32),
    /// Kill the process with this signal.
    Kill(i32),
    /// Kill the process with this signal, unless it was tried this many times before.
    KillBefore(i32, u32),
    /// Kill the process with this signal, unless somebody wrote with this pen before; and write with it.
    KillOnce(i32, Pen),
    /// Send a process this signal.
    Signal(u32, i32),
    /// Sleep for ever.
    Hang,
    /// Sleep for ever, and do not hear when told to stop: SIGTERM is blocked.
    HangDeaf,
}

/// So many items, which do as they are told; the output of an item is `"{index}@{attempt}"`.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Script {
    count: usize,
    acts: Vec<(Range<usize>, Act)>,
    pen: Option<Pen>,
    labels: bool,
}

impl Script {
    /// `count` items that do nothing.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Script {
            count,
            acts: Vec::new(),
            pen: None,
            labels: false,
        }
    }

    /// Item `index` does `act`, after what it was told before.
    #[must_use]
    pub fn item(self, index: usize, act: Act) -> Self {
        self.items(index..index + 1, act)
    }

    /// The items of `range` do `act`, after what they were told before.
    #[must_use]
    pub fn items(mut self, range: Range<usize>, act: Act) -> Self {
        self.acts.push((range, act));
        self
    }

    /// Every call is written down.
    #[must_use]
    pub fn log(mut self, pen: Pen) -> Self {
        self.pen = Some(pen);
        self
    }

    /// Items have labels: `row {index}`.
    #[must_use]
    pub fn labelled(mut self) -> Self {
        self.labels = true;
        self
    }

    /// The output of item `index` at `attempt`.
    #[must_use]
    pub fn output(index: usize, attempt: u32) -> String {
        format!("{index}@{attempt}")
    }

    /// The file and the line of [`Act::Panic`]'s panic.
    #[must_use]
    pub fn panic_place() -> (&'static str, u32) {
        (file!(), GIVES_UP_AT)
    }

    fn note(&self, event: Event, index: usize, attempt: u32) {
        if let Some(pen) = &self.pen {
            pen.write(event, index, attempt.into());
        }
    }
}

impl Task for Script {
    type State = ();
    type Output = String;

    fn count(&self) -> usize {
        self.count
    }
    fn start(&self, _worker: usize) -> Result<(), StartError> {
        Ok(())
    }
    fn call_chunk(&self, _state: &mut (), span: &Span, out: &mut Writer<'_, String>) {
        let mut attempt = span.attempt();
        for index in span.range() {
            self.note(Event::Call, index, attempt);
            for (range, act) in &self.acts {
                if range.contains(&index) {
                    act.perform(index, attempt);
                }
            }
            self.note(Event::Done, index, attempt);
            out.push(Script::output(index, attempt));
            attempt = 0;
        }
    }
    fn label(&self, index: usize) -> Option<String> {
        self.labels.then(|| format!("row {index}"))
    }
}

const GIVES_UP_AT: u32 = line!() + 2;
fn give_up(index: usize) -> ! {
    panic!("item {index} gives up")
}

impl Act {
    fn perform(&self, index: usize, attempt: u32) {
        match *self {
            Act::Sleep(time) => std::thread::sleep(time),
            Act::SleepElsewhere(time, here) if here != Here::now() => std::thread::sleep(time),
            Act::Panic => give_up(index),
            Act::PanicBefore(times) if attempt < times => give_up(index),
            Act::PanicAtFirst(ref pen) if pen.is_fresh() => give_up(index),
            Act::PanicWithNumber => std::panic::panic_any(index),
            Act::PanicWithBomb => std::panic::panic_any(Bomb),
            Act::Abort => std::process::abort(),
            Act::Segfault => write_to_the_null_page(),
            Act::Exit(code) => exit(code),
            Act::Kill(signal) => kill_self(signal),
            Act::KillOnce(signal, ref pen) if pen.is_fresh() => {
                pen.write(Event::Call, index, attempt.into());
                kill_self(signal);
            }
            Act::Signal(process, signal) => send(process, signal),
            Act::KillBefore(signal, times) if attempt < times => kill_self(signal),
            Act::Hang => hang(),
            Act::HangDeaf => {
                block_sigterm();
                hang()
            }
            Act::PanicBefore(_) | Act::KillBefore(..) | Act::KillOnce(..) => {}
            Act::SleepElsewhere(..) | Act::PanicAtFirst(_) => {}
        }
    }
}

fn hang() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}

#[cfg(unix)]
fn block_sigterm() {
    use nix::sys::signal::{SigSet, Signal};
    let blocked = SigSet::from(Signal::SIGTERM).thread_block();
    blocked.expect("a signal that can be blocked");
}

#[cfg(not(unix))]
fn block_sigterm() {}

/// A payload whose drop panics.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("the payload explodes");
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "an item that ends its process is what is tested"
)]
fn exit(code: i32) {
    std::process::exit(code)
}

#[cfg(unix)]
fn kill_self(signal: i32) {
    send(std::process::id(), signal);
}

#[cfg(unix)]
fn send(process: u32, signal: i32) {
    let signal = nix::sys::signal::Signal::try_from(signal).expect("a known signal");
    let process = nix::unistd::Pid::from_raw(process.cast_signed());
    nix::sys::signal::kill(process, signal).expect("a process that may be sent a signal");
}

#[cfg(unix)]
fn write_to_the_null_page() {
    // By way of C, since Rust's own writes check for null in debug builds and abort instead.
    let nowhere = std::hint::black_box(std::ptr::null_mut());
    // SAFETY: none; the crash is what is tested, in a worker process that the executor says it isolates.
    unsafe { nix::libc::memset(nowhere, 1, 8) };
}

#[cfg(not(unix))]
fn send(_process: u32, _signal: i32) {
    std::process::abort()
}

#[cfg(not(unix))]
fn kill_self(_signal: i32) {
    std::process::abort()
}

#[cfg(not(unix))]
fn write_to_the_null_page() {
    std::process::abort()
}
