//! An executor over a directory: chunks lie there as files, worker processes pick them up, answers grow beside them.
//! Nothing but files is between the two sides.
//!
//! ```text
//! near: Spool                                        far: worker(), in this executable started again
//! head, segment ── what the task is, once ─────────>  read and mapped
//! todo/70 ── the chunk posted 70th, by rename ─────>  70.2: claimed by worker 2, by rename
//! 70.answer <── records, appended one by one ──────   (what a dead worker had done is there; the next item killed it)
//! 70.answer removed: not needed any more ──────────>  looked for now and then
//! todo removed: the map is over ───────────────────>  the worker ends
//! ```
//!
//! The processes and the directory are a [`Crew`]'s: when `execute` returns or unwinds, the workers are reaped and the
//! directory is gone, and likewise where this process is killed.

mod worker;

pub use worker::worker;

use partools_core::wire::{Incoming, Parcel, Request, request};
use partools_core::{Caller, Capabilities, Chunk, Error, Executor, Portable, PortableTask, Run, worker_count};
use partools_os::{again::Crew, image::Image};
use std::fs::{self, File};
use std::{fmt::Display, io, iter, path::Path, thread::sleep, time::Duration};

/// Marks a worker process. It is the function that `main` calls, as a program that forgets it is told so by this name.
const MARK: &str = "downstream::spool::worker";
/// How long either side sleeps between two looks for news.
const PAUSE: Duration = Duration::from_millis(1);

/// So many worker processes, started for each map. A program that uses it calls [`worker`] first thing in `main`.
///
/// The shared argument is written to a file once, and mapped by all workers. Items have no standard input.
pub struct Spool(pub usize);

impl<T: PortableTask<Output: Portable>> Executor<T> for Spool {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("spool", self.0).with_isolation()
    }

    fn execute(&self, task: &T, run: &Run<T::Output>, caller: &mut Caller<'_, T::Output>) -> Result<(), Error> {
        let workers = worker_count(Some(self.0))?;
        let parcel = Parcel::pack(task, run.plan())?;
        let entry = Image::this()?.offset_of_entry(parcel.entry())?;
        let mut crew = Crew::new(MARK)?;
        let dir = crew.dir().to_owned();
        open(&dir, &parcel, entry).map_err(os)?;
        let (mut posted, mut message, mut number) = (Vec::new(), Request::new(), 0_usize);
        while caller.deliver() {
            for mut chunk in iter::from_fn(|| run.try_claim()).take(8 * workers - posted.len()) {
                if request(task, &mut chunk, &mut message)? {
                    number += 1;
                    posted.push((number, post(&dir, number, chunk, message.as_bytes()).map_err(os)?));
                }
            }
            for ended in crew.bury() {
                let was_at = |&(n, _): &_| remove(&dir, n, ended.worker) && remove(&dir, n, "answer");
                match posted.iter().position(was_at) {
                    Some(at) => posted.swap_remove(at).1.lost(ended.exit)?,
                    None if run.bound() < run.count() => {} // it was at what is not needed any more, and forgotten here
                    None => return Err(Error::executor(format!("{ended} (at no item)"))),
                }
            }
            crew.keep(workers.min(posted.len()))?;
            for at in (0..posted.len()).rev() {
                let (number, answer) = &mut posted[at];
                let is_unneeded = answer.chunk().position() >= run.bound() && !run.is_stopped();
                if answer.read()? || is_unneeded {
                    remove(&dir, *number, "answer");
                    drop(posted.swap_remove(at));
                }
            }
            sleep(PAUSE);
        }
        if run.is_stopped() {
            drop(crew); // killed, and what they had written can still be read
            return posted.into_iter().try_for_each(|(_, answer)| answer.stopped());
        }
        if run.bound() < run.count() {
            return Ok(()); // an item failed: those above are not needed, and who is at them is killed
        }
        fs::remove_dir(dir.join("todo")).map_err(os)?;
        crew.close()
    }
}

/// Puts there what workers need.
fn open(dir: &Path, parcel: &Parcel<'_>, entry: u64) -> io::Result<()> {
    fs::write(dir.join("head"), [&entry.to_le_bytes(), parcel.head()].concat())?;
    parcel.write_segment(&mut File::create(dir.join("segment"))?)?;
    fs::create_dir(dir.join("todo"))
}

/// Puts a chunk there, whole at once. Its number is its own: an item that failed goes back, and may be posted again while
/// its first chunk is still being answered.
fn post<'r, O>(dir: &Path, number: usize, chunk: Chunk<'r, O>, message: &[u8]) -> io::Result<Incoming<'r, O, File>>
where
    O: Portable,
{
    let [new, answer] = ["new", "answer"].map(|what| dir.join(format!("{number}.{what}")));
    let answer = File::options().read(true).append(true).create_new(true).open(answer)?;
    fs::write(&new, message)?;
    fs::rename(new, dir.join(format!("todo/{number}")))?;
    Ok(Incoming::new(chunk, answer))
}

/// Removes a file of a chunk's. Was it there?
fn remove(dir: &Path, number: usize, what: impl Display) -> bool {
    fs::remove_file(dir.join(format!("{number}.{what}"))).is_ok()
}

fn os(error: io::Error) -> Error {
    Error::os("in the directory of a spool", error)
}
