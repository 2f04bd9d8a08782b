//! The far side: this executable, started again by [`Spool`](super::Spool).

use super::{MARK, PAUSE};
use partools_core::wire::{Outgoing, Server};
use partools_os::{FilePart, MappedSlice, image::Image};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::{env, error::Error, io::ErrorKind, path::Path, process::exit, thread};

/// Serves a map and ends, where this process was started for that; returns at once where it was not. To be called first
/// thing in `main`.
pub fn worker() {
    if let [_, mark, place] = &env::args_os().collect::<Vec<_>>()[..]
        && mark == MARK
    {
        partools_core::enter_worker_process();
        let ended = serve(Path::new(place));
        if let Err(why) = &ended {
            let _ = fs::write(place, why.to_string());
        }
        exit(i32::from(ended.is_err()))
    }
}

/// Finds what serves the task and all that it needs, and answers until the map is over.
fn serve(place: &Path) -> Result<(), Box<dyn Error>> {
    let (dir, number) = place.parent().zip(place.file_name()).ok_or("a place that is none")?;
    let (dir, number) = (dir.to_owned(), number.to_string_lossy());
    let head = fs::read(dir.join("head"))?;
    let (entry, head) = head.split_first_chunk().ok_or("a head that is cut off")?;
    let entry = Image::this()?.entry_at(u64::from_le_bytes(*entry))?;
    // SAFETY: it was written before this process was started, and nobody writes to it or shortens it again.
    let segment = unsafe { MappedSlice::open(dir.join("segment"), FilePart::whole()) }?;
    let [locked, watched] = [File::open(dir.join("head"))?, File::open(dir.join("head"))?];
    let gone = dir.clone();
    thread::spawn(move || {
        let _ = watched.lock_shared(); // waits until the near process ends, however it does
        let _ = (0..1000).any(|_| fs::remove_dir_all(&gone).is_ok() || !gone.exists()); // others are at it, too
        exit(1)
    });
    let mut result = Ok(());
    entry.serve(head, &[&segment], number.parse()?, &mut |server| {
        while let (Ok(todo), Ok(())) = (fs::read_dir(dir.join("todo")), &result) {
            let starts = todo.filter_map(|chunk| chunk.ok()?.file_name().to_str()?.parse::<usize>().ok());
            match starts.min() {
                Some(start) => result = answer(&dir, start, &number, server),
                None => thread::sleep(PAUSE),
            }
        }
    })?;
    while locked.try_lock_shared().is_ok() {
        thread::sleep(PAUSE); // the near process is gone, and the thread above ends this one
    }
    result
}

/// Claims a chunk, and answers it.
fn answer(dir: &Path, start: usize, number: &str, server: &mut Server<'_>) -> Result<(), Box<dyn Error>> {
    let claim = dir.join(format!("{start}.{number}"));
    match fs::rename(dir.join("todo").join(start.to_string()), &claim) {
        Err(why) if why.kind() == ErrorKind::NotFound => return Ok(()), // another worker was faster
        claimed => claimed?,
    }
    if let Ok(file) = File::options().append(true).open(dir.join(format!("{start}.answer"))) {
        let is_removed = || file.metadata().is_ok_and(|m| m.nlink() == 0);
        let mut answer = Outgoing::new(&file, || if is_removed() { 0 } else { usize::MAX });
        server.answer(&fs::read(&claim)?, &mut answer)?;
        answer.finish()?;
    }
    Ok(fs::remove_file(claim)?)
}
