//! Rank 0 at work: a thread of its own, which serves as the other ranks do, while the thread that called goes on dealing.
//!
//! ```text
//! calling thread   deals, delivers ── requests ──>  this thread: Entry::serve, on the same segments
//!                                  <── records ───
//! ```
//!
//! What crosses is the same bytes as between ranks, so the thread sees nothing of the caller's but the segments, and calls nothing
//! of MPI. It is gone when the map is over, not only joined (C4).

use crate::freight::{Freight, Part};
use crate::serve::answer;
use partools_core::wire::{Entry, Server};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// After a join the system may list a thread for some milliseconds more.
const LISTED_FOR: Duration = Duration::from_millis(50);
const NAP: Duration = Duration::from_micros(50);

/// What it says.
pub(crate) enum Said {
    /// Some of the records, in the order of the requests.
    Records(Vec<u8>),
    /// It is done with the map; why it could not go on, if so.
    Done(String),
}

/// The thread. Dropped, it has ended.
pub(crate) struct Own {
    requests: Option<Sender<Vec<u8>>>,
    said: Receiver<Said>,
    /// How many items are needed still.
    needed: Arc<AtomicUsize>,
    thread: Option<JoinHandle<Option<PathBuf>>>,
}

impl Own {
    /// Starts it as worker number `worker`.
    pub(crate) fn start(freight: &Freight, worker: usize) -> io::Result<Self> {
        let (requests, orders) = channel();
        let (say, said) = channel();
        let needed = Arc::new(AtomicUsize::new(usize::MAX));
        let map = OwnMap {
            entry: freight.entry,
            head: freight.head.clone(),
            parts: freight.parts.clone(),
            worker,
            needed: Arc::clone(&needed),
        };
        let life = move || {
            let listed = std::fs::read_link("/proc/thread-self");
            map.serve(&orders, &say);
            listed.ok().map(|own| Path::new("/proc").join(own))
        };
        let named = Builder::new().name("partools-mpi".to_owned());
        Ok(Own {
            requests: Some(requests),
            said,
            needed,
            thread: Some(named.spawn(life)?),
        })
    }

    pub(crate) fn request(&self, request: &[u8]) {
        if let Some(requests) = &self.requests {
            // A thread that has ended has said why.
            let _ = requests.send(request.to_vec());
        }
    }

    pub(crate) fn set_needed(&self, items: usize) {
        self.needed.store(items, Ordering::Relaxed);
    }

    /// No more requests come.
    pub(crate) fn close(&mut self) {
        self.requests = None;
    }

    /// What it has said meanwhile.
    pub(crate) fn hear(&self) -> Option<Said> {
        match self.said.try_recv() {
            Ok(said) => Some(said),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Said::Done("its thread panicked".to_owned())),
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.set_needed(0);
        self.close();
        let listed = self.thread.take().and_then(|thread| thread.join().ok());
        let begun = Instant::now();
        while let Some(Some(path)) = &listed
            && std::fs::symlink_metadata(path).is_ok()
            && begun.elapsed() < LISTED_FOR
        {
            std::thread::sleep(NAP);
        }
    }
}

/// What the thread has of the map.
struct OwnMap {
    entry: Entry,
    head: Vec<u8>,
    parts: Vec<Option<Arc<Part>>>,
    worker: usize,
    needed: Arc<AtomicUsize>,
}

impl OwnMap {
    fn serve(self, requests: &Receiver<Vec<u8>>, say: &Sender<Said>) {
        let segments = self.parts.iter().map(|part| match part {
            Some(part) => &part.memory[..],
            None => &[],
        });
        let segments: Vec<&[u8]> = segments.collect();
        let mut why = String::new();
        let mut body = |server: &mut Server<'_>| {
            while why.is_empty()
                && let Ok(request) = requests.recv()
            {
                let needed = || self.needed.load(Ordering::Relaxed);
                let send = |records: &[u8]| {
                    // Nobody listens any more where the map has unwound.
                    let _ = say.send(Said::Records(records.to_vec()));
                };
                if let Err(error) = answer(server, &request, needed, send) {
                    why = error.to_string();
                }
            }
        };
        let served = self
            .entry
            .serve(&self.head, &segments, self.worker, &mut body);
        if let Err(error) = served {
            why = error.to_string();
        }
        let _ = say.send(Said::Done(why));
    }
}
