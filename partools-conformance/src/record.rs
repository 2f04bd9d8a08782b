//! A log that any worker can write to, wherever it lives: a file that each event is appended to by one
//! write of one fixed-size record, so that records of different processes never mix (`O_APPEND`), and a
//! worker that is killed while it writes has written all of its record or nothing ([`SIZE`]). The task
//! carries only the path, and every write opens the file anew, so the log holds no descriptor that a worker
//! would have to inherit.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// An item is called.
    Call,
    /// The same item's call is about to end with an output.
    Done,
    /// A state is being made; the index is the worker's number.
    Start,
    /// A state is dropped; the index is the worker's number.
    Drop,
}

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record {
    /// What happened.
    pub(crate) event: Event,
    /// To which item, or on which worker.
    pub(crate) index: u64,
    /// At which attempt; for states a number of their own.
    pub(crate) attempt: u64,
    /// The process.
    pub(crate) process: u64,
    /// The thread, by a number that is its own within the process.
    pub(crate) thread: u64,
}

const WORDS: usize = 5;
/// A part of every page's size, so that no record lies across a border of pages: there Linux ends the write
/// of a process that is being killed (seen with records of 40 bytes, as 16 bytes and then nonsense).
const SIZE: usize = 64;

/// Writes records. Plain data: any worker can have a copy.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Pen {
    path: PathBuf,
}

impl Pen {
    /// Did nobody write anything yet?
    pub(crate) fn is_fresh(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|log| log.len() == 0)
    }

    /// Appends one record.
    ///
    /// # Panics
    /// Where the file cannot be written: the case fails.
    pub(crate) fn write(&self, event: Event, index: usize, attempt: u64) {
        let words: [u64; WORDS] = [
            event as u64,
            index as u64,
            attempt,
            u64::from(std::process::id()),
            thread_number(),
        ];
        let mut bytes = [0; SIZE];
        for (to, word) in bytes.chunks_exact_mut(8).zip(words) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        let mut file = OpenOptions::new()
            .append(true)
            .open(&self.path)
            .expect("the log is there");
        let written = file.write(&bytes).expect("the log can be written");
        assert_eq!(written, SIZE, "one record is one write");
    }
}

/// The log file; removed when dropped.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
}

impl Log {
    /// A new, empty log among the temporary files.
    ///
    /// # Panics
    /// Where no file can be made there.
    #[must_use]
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("partools-conformance-{}-{number}.log", std::process::id());
        let path = std::env::temp_dir().join(name);
        File::create(&path).unwrap_or_else(|why| panic!("no log at {}: {why}", path.display()));
        Log { path }
    }

    /// What writes to this log.
    #[must_use]
    pub(crate) fn pen(&self) -> Pen {
        Pen {
            path: self.path.clone(),
        }
    }

    /// All records so far, in the order they were written.
    ///
    /// # Panics
    /// Where the file cannot be read or holds anything but whole records.
    #[must_use]
    pub(crate) fn read(&self) -> Vec<Record> {
        let bytes = fs::read(&self.path).expect("the log can be read");
        assert_eq!(bytes.len() % SIZE, 0, "the log holds whole records");
        bytes.chunks_exact(SIZE).map(parse).collect()
    }

    /// The records of one kind.
    #[must_use]
    pub(crate) fn of(&self, event: Event) -> Vec<Record> {
        self.read()
            .into_iter()
            .filter(|record| record.event == event)
            .collect()
    }

    /// How often each of `count` items was called.
    #[must_use]
    pub(crate) fn calls(&self, count: usize) -> Vec<u32> {
        let mut calls = vec![0; count];
        for record in self.of(Event::Call) {
            if let Some(n) = usize::try_from(record.index)
                .ok()
                .and_then(|i| calls.get_mut(i))
            {
                *n += 1;
            }
        }
        calls
    }
}

impl Default for Log {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn parse(bytes: &[u8]) -> Record {
    let mut words = [0u64; WORDS];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
        *word = u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
    }
    let [event, index, attempt, process, thread] = words;
    let event = [Event::Call, Event::Done, Event::Start, Event::Drop]
        .into_iter()
        .find(|&known| known as u64 == event)
        .expect("the log holds known events");
    Record {
        event,
        index,
        attempt,
        process,
        thread,
    }
}

/// A thread of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Here {
    process: u32,
    thread: u64,
}

impl Here {
    /// The one that calls.
    #[must_use]
    pub(crate) fn now() -> Self {
        Here {
            process: std::process::id(),
            thread: thread_number(),
        }
    }
}

/// A number for this thread, its own within the process.
fn thread_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    thread_local! {
        static OWN: u64 = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    OWN.with(|own| *own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_many_threads_come_back_whole() {
        let log = Log::new();
        std::thread::scope(|s| {
            for thread in 0..4 {
                let pen = log.pen();
                s.spawn(move || (0..100).for_each(|i| pen.write(Event::Call, i, thread)));
            }
        });
        assert_eq!(log.calls(100), [4; 100]);
        let path = log.path.clone();
        drop(log);
        assert!(!path.exists());
    }
}
