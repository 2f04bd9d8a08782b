//! Worker processes that are this executable, started again: what an executor needs of them besides its own protocol.
//!
//! ```text
//!   near: Crew::new, keep(n) ── program MARK parent n dir ──>  far: again::worker(MARK, serve), first in `main`
//!   a private directory ──────── dir, the meeting place ────>  Place { dir, worker: n }
//!   keep(n): who ended, replaced <──── exit, dir/words-n ────  `serve` failed
//!   close(): waits for clean ends <───────── exit code 0 ────  `serve` is done
//!   dropped: kills, reaps, removes dir
//!   gone, however it ended ──── pidfd of the parent ────────>  a thread removes dir and kills the worker
//! ```
//!
//! Invariants: no worker outlives its crew, nor the process that has the crew, whatever its items do; nor does the
//! directory. A worker that needs no directory is started by [`start`], and has a [line](crate::Line) instead. Workers watch the process and not the thread that started them, so a crew may go from thread to thread. Nothing
//! of this is in the environment, which programs that items start would inherit.

use std::fmt;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use partools_core::Error;
use rustix::process::Pid;

use crate::supervise::{Child, Exit};

mod linked;
mod worker;

pub use linked::{linked, start};
pub use worker::{Place, worker};

/// What the name of a crew's directory begins with.
const PREFIX: &str = "partools-";

/// Worker processes of this executable, numbered from 0, and the private directory (mode 0700, under the directory for temporary
/// files) where both sides meet. Dropping it kills and reaps the workers and removes the directory.
///
/// Each worker has no standard input, and is a process group of its own, so that Ctrl-C reaches the near process alone.
/// Files in the directory that are named `words-` and a number are the crew's.
///
/// ```standalone_crate
/// use partools_os::again::{self, Crew, Place};
/// use std::{fs, thread::sleep, time::Duration};
///
/// fn serve(place: &Place) -> Result<(), Box<dyn std::error::Error>> {
///     fs::write(place.dir().join("answer"), format!("worker {} was here", place.worker()))?;
///     Ok(())
/// }
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     again::worker("main: again::worker", serve);
///     let mut crew = Crew::new("main: again::worker")?;
///     crew.keep(1)?;
///     let answer = crew.dir().join("answer");
///     crew.close()?;
///     assert_eq!(fs::read_to_string(&answer)?, "worker 0 was here");
///     drop(crew);
///     assert!(!answer.exists());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Crew {
    mark: String,
    dir: PathBuf,
    /// By their numbers; nobody where one was buried.
    workers: Vec<Option<Child>>,
    /// The process that has this crew: a copy in a forked child does nothing.
    owner: u32,
}

/// How a worker ended, and what it said when it could not go on.
///
/// Reads as `worker 2 was killed by SIGKILL`, or `worker 2 exited with code 1: ` and its words.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ended {
    /// Its number.
    pub worker: usize,
    /// How its process ended.
    pub exit: Exit,
    /// The error of its `serve`; empty where there was none, or no time to tell it.
    pub words: String,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let was = match self.exit {
            Exit::Signal { .. } => "was ",
            Exit::Code(_) | Exit::Unknown => "",
        };
        write!(f, "worker {} {was}{}", self.worker, self.exit)?;
        match self.words.as_str() {
            "" => Ok(()),
            words => write!(f, ": {words}"),
        }
    }
}

impl Crew {
    /// A directory, and nobody there yet. `mark` tells workers from other starts of this program: it is their first argument, and
    /// best the path of the function that calls [`worker`] with it, since errors ask for `mark` to be called.
    ///
    /// # Errors
    /// Where this process was itself started as a worker of this mark, so that its `main` does not call [`worker`], or not first:
    /// its workers would start workers, and so on. Where the directory cannot be made.
    pub fn new(mark: &str) -> Result<Crew, Error> {
        if worker::has(mark) {
            return Err(Error::refused(
                "a crew of worker processes",
                "this process is itself a worker",
                format!("call `{mark}()` first in `main`"),
            ));
        }
        let parent = std::env::temp_dir();
        let dir = private_directory(&parent).map_err(|why| {
            Error::os(
                format!("no directory could be made in {}", parent.display()),
                why,
            )
        })?;
        Ok(Crew {
            mark: mark.to_owned(),
            dir,
            workers: Vec::new(),
            owner: std::process::id(),
        })
    }

    /// The directory where both sides meet.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The workers that have ended since the last look. Does not wait, and replaces nobody: what they left behind (what they had
    /// claimed, by their number) is looked after first, or their successors' claims would be taken for theirs.
    pub fn bury(&mut self) -> Vec<Ended> {
        let mut ended = Vec::new();
        for worker in 0..self.workers.len() {
            if let Some(exit) = self.workers[worker].as_mut().and_then(Child::try_reap) {
                self.workers[worker] = None;
                ended.push(self.ended(worker, exit));
            }
        }
        ended
    }

    /// Sees to it that at least so many workers are there, and that those who were [buried](Self::bury) have successors, of the
    /// same numbers. Does not wait.
    ///
    /// A worker that ends as soon as it begins is started again by each call: who calls must give up at some time.
    ///
    /// # Errors
    /// Where a process cannot be started.
    pub fn keep(&mut self, workers: usize) -> Result<(), Error> {
        let places = workers.max(self.workers.len());
        self.workers.resize_with(places, || None);
        for worker in 0..places {
            if self.workers[worker].is_none() {
                self.workers[worker] = Some(self.start(worker)?);
            }
        }
        Ok(())
    }

    /// Waits until all workers have ended, without replacing them. It is the caller who lets them know that there is no more work.
    ///
    /// # Errors
    /// Where one did not end with exit code 0: the first by number.
    pub fn close(&mut self) -> Result<(), Error> {
        let mut failed = None;
        for worker in 0..self.workers.len() {
            let Some(child) = &mut self.workers[worker] else {
                continue;
            };
            let exit = child.reap();
            let ended = self.ended(worker, exit);
            // Where something else in the host reaped it, its words are all that tells.
            let is_clean = matches!(exit, Exit::Code(0) | Exit::Unknown) && ended.words.is_empty();
            failed = failed.or((!is_clean).then_some(ended));
        }
        self.workers.clear();
        match failed {
            Some(ended) => Err(Error::executor(ended.to_string())),
            None => Ok(()),
        }
    }

    fn ended(&self, worker: usize, exit: Exit) -> Ended {
        let file = words(&self.dir, worker);
        let words = fs::read_to_string(&file).unwrap_or_default();
        // The next one of this number has words of its own.
        let _ = fs::remove_file(file);
        Ended {
            worker,
            exit,
            words,
        }
    }

    fn start(&self, worker: usize) -> Result<Child, Error> {
        // Not by its name: that may be another executable by now.
        let mut again = Command::new("/proc/self/exe");
        worker::Arguments::new(&self.dir, worker).add_to(&mut again, &self.mark);
        again.stdin(Stdio::null()).process_group(0);
        let started = again.spawn().and_then(|started| {
            let pid = i32::try_from(started.id()).ok().and_then(Pid::from_raw);
            pid.ok_or_else(|| io::ErrorKind::InvalidData.into())
        });
        match started {
            // Std's child neither waits nor kills when it is dropped, so it is ours from here on.
            Ok(pid) => Ok(Child::watch(pid)),
            Err(why) => Err(Error::os(
                format!("this executable could not be started again, as worker {worker}"),
                why,
            )),
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        if self.owner != std::process::id() {
            return;
        }
        // All at once, and then each is reaped.
        self.workers.iter().flatten().for_each(Child::kill);
        self.workers.clear();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A new directory in `parent`, for this user alone. That it is new is what makes it safe; the name only has to be free.
fn private_directory(parent: &Path) -> io::Result<PathBuf> {
    loop {
        let name = RandomState::new().hash_one(std::process::id());
        let dir = parent.join(format!("{PREFIX}{name:016x}"));
        match fs::DirBuilder::new().mode(0o700).create(&dir) {
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|()| dir),
        }
    }
}

/// Where a worker writes why it could not go on.
fn words(dir: &Path, worker: usize) -> PathBuf {
    dir.join(format!("words-{worker}"))
}
