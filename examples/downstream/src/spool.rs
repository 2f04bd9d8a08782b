//! An executor over a directory: chunks lie there as files, worker processes pick them up, answers grow beside them.
//! Nothing but files is between the two sides.
//!
//! ```text
//! near: Spool                                        far: worker(), in this executable started again
//! head, segment ── what the task is, once ─────────>  read and mapped
//! todo/70 ── the chunk from item 70 on, by rename ─>  70.2: claimed by worker 2, by rename
//! 70.answer <── records, appended one by one ──────   (what a dead worker had done is there; the next item killed it)
//! 70.answer removed: not needed any more ──────────>  looked for now and then
//! todo removed: the map is over ───────────────────>  the worker ends; 2: why it could not go on
//! ```
//!
//! When `execute` returns or unwinds, the workers are reaped and the directory is gone. Where this process is killed, its
//! workers notice and remove the directory. They are in process groups of their own, so that Ctrl-C ends this process alone.

mod worker;

pub use worker::worker;

use partools_core::wire::{Incoming, Parcel, Request, request};
use partools_core::{Caller, Capabilities, Chunk, Error, Executor, Portable, PortableTask, Run, worker_count};
use partools_os::{Exit, image::Image};
use std::fs::{self, File};
use std::os::unix::{fs::PermissionsExt, process::CommandExt};
use std::process::{Child, Command, Stdio};
use std::{collections::BTreeMap, env, fmt::Display, io, iter, thread::sleep, time::Duration};
use tempfile::TempDir;

/// The first argument of a worker process. (An environment variable would reach the programs that items start.)
const MARK: &str = "partools-spool-worker";
/// How long either side sleeps between two looks for news.
const PAUSE: Duration = Duration::from_millis(1);

/// So many worker processes, started for each map. A program that uses it calls [`worker`] first thing in `main`.
///
/// The shared argument is written to a file once, and mapped by all workers. Items have no standard input.
pub struct Spool(pub usize);

/// The directory and those who work there, by number. Gone when dropped.
struct Site {
    workers: BTreeMap<usize, Child>,
    dir: TempDir,
    _locked: File,
}

impl<T: PortableTask<Output: Portable>> Executor<T> for Spool {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("spool", self.0).with_isolation()
    }

    fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
        if env::args_os().nth(1).is_some_and(|mark| mark == MARK) {
            return Err(Error::refused("spool", "this process is a worker", "call `spool::worker()` first in `main`"));
        }
        let workers = worker_count(Some(self.0))?;
        let parcel = Parcel::pack(task, run.plan())?;
        let entry = Image::this()?.offset_of_entry(parcel.entry())?;
        let mut site = Site::open(&parcel, entry).map_err(os)?;
        let (mut posted, mut message) = (Vec::new(), Request::new());
        while caller.deliver() {
            for mut chunk in iter::from_fn(|| run.try_claim()).take(8 * workers - posted.len()) {
                if request(task, &mut chunk, &mut message)? {
                    posted.push(site.post(chunk, message.as_bytes()).map_err(os)?);
                }
            }
            for worker in 0..workers.min(site.workers.len().max(posted.len())) {
                if let Some(exit) = site.staff(worker).map_err(os)? {
                    let claimed = posted.iter().position(|p| site.remove(p, worker) && site.remove(p, "answer"));
                    let claimed = claimed.ok_or_else(|| site.last_words(worker, exit))?;
                    posted.swap_remove(claimed).lost(exit)?;
                }
            }
            for at in (0..posted.len()).rev() {
                if posted[at].read()? || posted[at].chunk().position() >= run.bound() {
                    site.remove(&posted.swap_remove(at), "answer");
                }
            }
            sleep(PAUSE);
        }
        // Where an item failed, those above are not needed, and who is at them is killed.
        if run.bound() == run.count() { site.close() } else { Ok(()) }
    }
}

impl Site {
    /// A directory with what workers need. As long as its head is locked, this process is alive.
    fn open(parcel: &Parcel<'_>, entry: u64) -> io::Result<Self> {
        let private = fs::Permissions::from_mode(0o700);
        let dir = tempfile::Builder::new().prefix("spool-").permissions(private).tempdir()?;
        fs::write(dir.path().join("head"), [&entry.to_le_bytes(), parcel.head()].concat())?;
        parcel.write_segment(&mut File::create(dir.path().join("segment"))?)?;
        fs::create_dir(dir.path().join("todo"))?;
        let _locked = File::open(dir.path().join("head"))?;
        _locked.lock()?;
        Ok(Site { workers: BTreeMap::new(), dir, _locked })
    }

    /// Sees to it that there is a worker of this number. How the last one ended, if one did.
    fn staff(&mut self, worker: usize) -> io::Result<Option<Exit>> {
        let ended = self.workers.get_mut(&worker).map(Child::try_wait).transpose()?;
        if ended != Some(None) {
            let mut again = Command::new("/proc/self/exe");
            again.arg(MARK).arg(self.dir.path().join(worker.to_string()));
            again.stdin(Stdio::null()).process_group(0);
            self.workers.insert(worker, again.spawn()?);
        }
        Ok(ended.flatten().map(Exit::from))
    }

    /// Puts a chunk there, whole at once.
    fn post<'r, O: Portable>(&self, chunk: Chunk<'r, O>, message: &[u8]) -> io::Result<Incoming<'r, O, File>> {
        let start = chunk.range().start.to_string();
        let [new, answer] = [".new", ".answer"].map(|what| self.dir.path().join(start.clone() + what));
        let todo = self.dir.path().join("todo").join(start);
        let answer = File::options().read(true).append(true).create_new(true).open(answer)?;
        fs::write(&new, message)?;
        fs::rename(new, todo)?;
        Ok(Incoming::new(chunk, answer))
    }

    /// Removes a file of a chunk's. Was it there?
    fn remove<O: Portable>(&self, posted: &Incoming<'_, O, File>, what: impl Display) -> bool {
        let start = posted.chunk().range().start;
        fs::remove_file(self.dir.path().join(format!("{start}.{what}"))).is_ok()
    }

    /// Why a worker ended that had claimed nothing.
    fn last_words(&self, worker: usize, exit: Exit) -> Error {
        let words = fs::read_to_string(self.dir.path().join(worker.to_string())).unwrap_or_default();
        Error::executor(format!("worker {worker} of the spool, at no item, {exit}. {words}"))
    }

    /// The map is over: the workers end by themselves.
    fn close(&mut self) -> Result<(), Error> {
        fs::remove_dir(self.dir.path().join("todo")).map_err(os)?;
        for worker in 0..self.workers.len() {
            let ended = self.workers.get_mut(&worker).map(Child::wait).transpose().map_err(os)?;
            if let Some(exit) = ended.filter(|status| !status.success()) {
                return Err(self.last_words(worker, exit.into()));
            }
        }
        Ok(())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        for worker in self.workers.values_mut() {
            let _ = worker.kill();
            let _ = worker.wait();
        }
    }
}

fn os(error: io::Error) -> Error {
    Error::os(format!("in a spool under {}", env::temp_dir().display()), error)
}
