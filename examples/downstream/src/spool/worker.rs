//! The far side: this executable, started again by [`Spool`](super::Spool).

use super::{MARK, PAUSE};
use partools_core::wire::{Outgoing, Server};
use partools_os::again::{self, Place};
use partools_os::{FilePart, MappedSlice, image::Image};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::{error::Error, io::ErrorKind, thread};

/// Serves a map and ends, where this process was started for that; returns at once where it was not. To be called first
/// thing in `main`.
pub fn worker() {
    again::worker(MARK, serve);
}

/// Finds what serves the task and all that it needs, and answers until the map is over.
fn serve(place: &Place) -> Result<(), Box<dyn Error>> {
    let head = fs::read(place.dir().join("head"))?;
    let (entry, head) = head.split_first_chunk().ok_or("a head that is cut off")?;
    let entry = Image::this()?.entry_at(u64::from_le_bytes(*entry))?;
    // SAFETY: it was written before this process was started, and nobody writes to it or shortens it again.
    let segment = unsafe { MappedSlice::open(place.dir().join("segment"), FilePart::whole()) }?;
    let mut result = Ok(());
    entry.serve(head, &[&segment], place.worker(), &mut |server| {
        while let (Ok(todo), Ok(())) = (fs::read_dir(place.dir().join("todo")), &result) {
            let numbers = todo.filter_map(|chunk| chunk.ok()?.file_name().to_str()?.parse::<usize>().ok());
            match numbers.min() {
                Some(number) => result = answer(place, number, server),
                None => thread::sleep(PAUSE),
            }
        }
    })?;
    result
}

/// Claims a chunk, and answers it.
fn answer(place: &Place, number: usize, server: &mut Server<'_>) -> Result<(), Box<dyn Error>> {
    let (dir, worker) = (place.dir(), place.worker());
    let claim = dir.join(format!("{number}.{worker}"));
    match fs::rename(dir.join(format!("todo/{number}")), &claim) {
        Err(why) if why.kind() == ErrorKind::NotFound => return Ok(()), // another worker was faster
        claimed => claimed?,
    }
    if let Ok(file) = File::options().append(true).open(dir.join(format!("{number}.answer"))) {
        let is_removed = || file.metadata().is_ok_and(|m| m.nlink() == 0);
        let mut answer = Outgoing::new(&file, || if is_removed() { 0 } else { usize::MAX });
        server.answer(&fs::read(&claim)?, &mut answer)?;
        answer.finish()?;
    }
    Ok(fs::remove_file(claim)?)
}
