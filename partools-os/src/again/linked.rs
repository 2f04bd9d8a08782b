//! A worker with a line to the process that started it, which is its standard input: nothing of it lies in the file system.
//!
//! ```text
//!   near: start(mark, n, ..) ── program MARK parent n, 0 = a socket ──>  far: linked(mark, serve), first in `main`
//!   Line ── messages ────────────────────────────────────────────────>  FarLine; standard input is /dev/null again
//!   Line::last_words <── `serve` failed ─────────────────────────────
//!   gone, however it ended ── pidfd of the parent ───────────────────>  a thread kills the worker
//! ```

use std::error::Error as StdError;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread;

use partools_core::Error;
use rustix::process::Pid;

use super::worker::{end_at_once, is_parent, wait_for_end};
use crate::line::{FarLine, Line};
use crate::supervise::{Capture, Child, Pipe};

/// Starts this executable again, as worker number `worker` of `mark` (its first argument, as with
/// [`Crew::new`](super::Crew::new)). `prepare` may set its environment and directory; its standard
/// error is captured as `stderr` says. It is a process group of its own;
/// dropping the child kills it.
///
/// ```standalone_crate
/// use partools_os::{Capture, again};
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     again::linked("main: again::linked", |line, number| {
///         let message = line.receive(None)?.expect("there is no limit to the wait");
///         Err(format!("worker {number} was told {:?}", message.payload).into())
///     });
///     let (mut child, mut line) = again::start("main: again::linked", 3, Capture::Off, |_| {})?;
///     line.push(1, &[&[1, 2]], Vec::new());
///     line.flush()?;
///     assert_eq!(child.reap().to_string(), "exited with code 1");
///     assert_eq!(line.last_words(), "worker 3 was told [1, 2]");
///     Ok(())
/// }
/// ```
///
/// # Errors
/// Where this process is itself such a worker, so that its `main` does not call [`linked`], or not first; where a process
/// cannot be started.
pub fn start(
    mark: &str,
    worker: usize,
    stderr: Capture,
    prepare: impl FnOnce(&mut Command),
) -> Result<(Child, Line), Error> {
    if Arguments::of_this_process(mark).is_some() {
        return Err(Error::refused(
            "a worker process",
            "this process is itself a worker",
            format!("call `{mark}()` first in `main`"),
        ));
    }
    let failed = |why| {
        let what = format!("this executable could not be started again, as worker {worker}");
        Error::os(what, why)
    };
    let (line, far) = Line::pair().map_err(failed)?;
    // Not by its name: that may be another executable by now.
    let mut again = Command::new("/proc/self/exe");
    again.arg(mark).arg(std::process::id().to_string());
    again.arg(worker.to_string());
    prepare(&mut again);
    again.stdin(Stdio::from(far)).process_group(0);
    let heard = match Pipe::new(stderr).map_err(failed)? {
        None => None,
        Some(pipe) => {
            let (heard, far) = pipe.apart();
            again.stderr(Stdio::from(far));
            Some(heard)
        }
    };
    let started = again.spawn().map_err(failed)?;
    let pid = i32::try_from(started.id()).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| failed(io::ErrorKind::InvalidData.into()))?;
    // Std's child neither waits nor kills when it is dropped, so it is ours from here on.
    Ok((Child::watch(pid).heard(heard), line))
}

/// Serves and ends the process, where [`start`] started it as a worker of this mark; returns at once where it was not. To be
/// called first thing in `main`, before there are threads. `serve` gets the far end of the line and the worker's number.
///
/// The process ends when `serve` returns: with exit code 0, or with 1 and the error as the last words of the line. It is
/// killed when the parent is gone, however that ended and whatever `serve` does at that moment. Panics of items are noted for
/// the parent and not printed ([`enter_worker_process`](partools_core::enter_worker_process)).
pub fn linked(
    mark: &str,
    serve: impl FnOnce(&mut FarLine, usize) -> Result<(), Box<dyn StdError>>,
) {
    let Some(Arguments { parent, worker }) = Arguments::of_this_process(mark) else {
        return;
    };
    partools_core::enter_worker_process();
    let watch = thread::Builder::new().name("parent-watch".to_owned());
    let watched = watch.spawn(move || {
        wait_for_end(parent);
        end_at_once()
    });
    let served = match (watched, standard_input()) {
        (Ok(_), Ok(mut line)) => {
            let served = serve(&mut line, worker);
            if let Err(why) = &served {
                line.say(&why.to_string());
            }
            served.is_ok()
        }
        _ => false,
    };
    while !is_parent(parent) {
        // The other thread is about to end this process.
        thread::park();
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "started as a worker: there is no program to go back to"
    )]
    std::process::exit(i32::from(!served))
}

/// Takes the line out of standard input, and puts `/dev/null` there.
fn standard_input() -> io::Result<FarLine> {
    let line: OwnedFd = io::stdin().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    FarLine::new(line)
}

/// What a worker is told: after the mark, its parent's process id and its number.
#[derive(Debug, PartialEq, Eq)]
struct Arguments {
    parent: u32,
    worker: usize,
}

impl Arguments {
    fn of_this_process(mark: &str) -> Option<Arguments> {
        Arguments::parse(mark, &std::env::args_os().collect::<Vec<_>>())
    }

    /// Nobody types these by accident.
    fn parse(mark: &str, arguments: &[OsString]) -> Option<Arguments> {
        let [_, first, parent, worker] = arguments else {
            return None;
        };
        (first == mark).then_some(Arguments {
            parent: parent.to_str()?.parse().ok()?,
            worker: worker.to_str()?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_starts_of_a_program_are_no_workers() {
        let parse = |arguments: &[&str]| {
            let arguments: Vec<_> = arguments.iter().map(OsString::from).collect();
            Arguments::parse("mark", &arguments)
        };
        let worker = Arguments {
            parent: 17,
            worker: 2,
        };
        assert_eq!(parse(&["program", "mark", "17", "2"]), Some(worker));
        for other in [
            &["program"][..],
            &["program", "another", "17", "2"],
            &["program", "mark", "17"],
            &["program", "mark", "17", "-2"],
            &["program", "mark", "17", "2", "/tmp/partools-abc"],
        ] {
            assert_eq!(parse(other), None);
        }
    }
}
