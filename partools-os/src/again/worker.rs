//! The far side of a crew: the process that was started as a worker.
//!
//! One thread serves, another waits for the end of the parent. What the serving thread sees when the parent is gone may be
//! half a directory, so it says nothing then and leaves the end of the process to the other one.

use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal};

use super::{PREFIX, words};

/// How often to look where the system gives no pidfd, and when others remove the directory as well.
const NAP: Duration = Duration::from_millis(10);
/// How long a worker tries to remove the directory of a crew that is gone.
const TIDYING: Duration = Duration::from_secs(1);

/// Which worker this process is, and where it meets its crew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    worker: usize,
    dir: PathBuf,
}

impl Place {
    /// The worker's number, from 0. One that took the place of another has that one's number.
    pub fn worker(&self) -> usize {
        self.worker
    }

    /// The crew's directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

/// Serves and ends the process, where it was started as a worker by a [`Crew`](super::Crew) of this mark; returns at once where
/// it was not. To be called first thing in `main`, before there are threads.
///
/// The process ends when `serve` returns: with exit code 0, or with 1 and the error for the near side to read. It is killed
/// when the parent is gone, however that ended and whatever `serve` does at that moment; the crew's directory is removed
/// before. Panics of items are noted for the parent and not printed
/// ([`enter_worker_process`](partools_core::enter_worker_process)).
pub fn worker(mark: &str, serve: impl FnOnce(&Place) -> Result<(), Box<dyn Error>>) {
    let Some(arguments) = Arguments::of_this_process(mark) else {
        return;
    };
    let Arguments { parent, place } = arguments;
    partools_core::enter_worker_process();
    let dir = place.dir.clone();
    let watch = thread::Builder::new().name("parent-watch".to_owned());
    let served = match watch.spawn(move || outlast(parent, &dir)) {
        Ok(_) => serve(&place),
        Err(why) => Err(format!("there is no thread to watch its parent: {why}").into()),
    };
    while !is_parent(parent) {
        // The other thread is removing the directory, and then ends this process.
        thread::park();
    }
    if let Err(why) = &served {
        // Where this fails, the exit code still tells that something did.
        let _ = fs::write(words(&place.dir, place.worker), why.to_string());
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "started as a worker: there is no program to go back to"
    )]
    std::process::exit(i32::from(served.is_err()))
}

/// Was this process started as a worker of this mark?
pub(super) fn has(mark: &str) -> bool {
    Arguments::of_this_process(mark).is_some()
}

/// What a worker is told: after the mark, its parent's process id, its number, and the crew's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arguments {
    parent: u32,
    place: Place,
}

impl Arguments {
    /// For a worker that this process starts.
    pub(super) fn new(dir: &Path, worker: usize) -> Arguments {
        let dir = dir.to_owned();
        Arguments {
            parent: std::process::id(),
            place: Place { worker, dir },
        }
    }

    pub(super) fn add_to(&self, command: &mut Command, mark: &str) {
        command
            .arg(mark)
            .arg(self.parent.to_string())
            .arg(self.place.worker.to_string())
            .arg(&self.place.dir);
    }

    fn of_this_process(mark: &str) -> Option<Arguments> {
        Arguments::parse(mark, &std::env::args_os().collect::<Vec<_>>())
    }

    /// Nobody types these by accident; all the same, a directory that no crew made is none, as it will be removed.
    fn parse(mark: &str, arguments: &[OsString]) -> Option<Arguments> {
        let [_, first, parent, worker, dir] = arguments else {
            return None;
        };
        let dir = PathBuf::from(dir);
        let name = dir.file_name().and_then(OsStr::to_str)?;
        if first != mark || !name.starts_with(PREFIX) {
            return None;
        }
        Some(Arguments {
            parent: parent.to_str()?.parse().ok()?,
            place: Place {
                worker: worker.to_str()?.parse().ok()?,
                dir,
            },
        })
    }
}

/// Is the process that started this one still there?
pub(super) fn is_parent(parent: u32) -> bool {
    std::os::unix::process::parent_id() == parent
}

/// Waits until the parent is gone, removes the directory, and kills this process.
fn outlast(parent: u32, dir: &Path) {
    wait_for_end(parent);
    let begun = Instant::now();
    // Other workers are at it, too, and so are items that still write.
    while fs::remove_dir_all(dir).is_err() && dir.exists() && begun.elapsed() < TIDYING {
        thread::sleep(NAP);
    }
    end_at_once()
}

/// No lock that an item holds, and nothing that is registered for an exit, can keep this process.
pub(super) fn end_at_once() -> ! {
    loop {
        let _ = rustix::process::kill_process(rustix::process::getpid(), Signal::KILL);
    }
}

/// Not by the death signal, which comes when the *thread* ends that started this process.
pub(super) fn wait_for_end(parent: u32) {
    let pid = i32::try_from(parent).ok().and_then(Pid::from_raw);
    let pidfd = pid.map(|pid| rustix::process::pidfd_open(pid, PidfdFlags::empty()));
    // Looked at after it was opened: as long as that is our parent, the number was not another's when it was opened.
    while is_parent(parent) {
        match &pidfd {
            Some(Ok(pidfd)) => {
                let waited = poll(&mut [PollFd::new(pidfd, PollFlags::IN)], None);
                if waited
                    .is_err_and(|why| io::Error::from(why).kind() != io::ErrorKind::Interrupted)
                {
                    thread::sleep(NAP);
                }
            }
            _ => thread::sleep(NAP),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: [&str; 4]) -> Option<Arguments> {
        let arguments = ["program"].into_iter().chain(arguments);
        Arguments::parse("mark", &arguments.map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn what_a_crew_says_is_what_a_worker_reads() {
        let said = Arguments::new(Path::new("/tmp/partools-abc"), 7);
        let mut command = Command::new("program");
        said.add_to(&mut command, "mark");
        let heard: Vec<_> = command.get_args().map(|a| a.to_str().unwrap()).collect();
        assert_eq!(parse(heard.try_into().unwrap()), Some(said));
    }

    #[test]
    fn a_directory_that_no_crew_made_is_never_removed() {
        assert_eq!(parse(["mark", "1", "0", "/home/me"]), None);
        assert_eq!(parse(["mark", "1", "0", "/tmp/partools-abc/.."]), None);
        assert!(parse(["mark", "1", "0", "/tmp/partools-abc"]).is_some());
    }

    #[test]
    fn other_starts_of_a_program_are_no_workers() {
        assert_eq!(parse(["another", "1", "0", "/tmp/partools-abc"]), None);
        assert_eq!(parse(["mark", "one", "0", "/tmp/partools-abc"]), None);
        assert_eq!(parse(["mark", "1", "-1", "/tmp/partools-abc"]), None);
    }
}
