//! What is kept from one window of a stream to the next, where its workers are to live as long as it: the children, who rest, and
//! the memory that they were lent at their birth.

use crate::board::Board;
use crate::resident::Near;
use crate::seat::Bench;
use crate::sheet::Sheet;
use crate::window::Window;
use partools_core::{Error, Event, Run, Task};
use partools_os::{Bell, Child};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

pub(crate) struct Quarters {
    pub(crate) window: Window,
    pub(crate) sheet: Sheet,
    pub(crate) board: Arc<Board>,
    pub(crate) bell: Arc<Bell>,
    /// What the children tell times from.
    pub(crate) base: Instant,
    pub(crate) benches: Benches,
}

impl Quarters {
    /// Those that were kept, or new ones, with the window of this run in them.
    pub(crate) fn ready<T: Task>(
        near: Near<'_, T>,
        run: &Run<T::Output>,
        workers: usize,
    ) -> Result<Self, Error> {
        let os = |source| Error::os("making the shared memory of the workers", source);
        let kept = near.berth().take::<Quarters>();
        let kept = kept.filter(|kept| kept.sheet.seats() >= workers);
        let mut quarters = kept
            .map_or_else(|| Quarters::new(workers), Ok)
            .map_err(os)?;
        let filled = quarters.window.fill(near, run.schedule().extent());
        let (is_new, bytes) = filled.map_err(os)?;
        if is_new {
            // Those that were lent other memory cannot read it.
            quarters.benches.clear();
        }
        // Nobody works, so nobody claims.
        quarters.board.counter().store(0, Relaxed);
        run.note(Event::Moved {
            bytes,
            worker: None,
        });
        Ok(quarters)
    }

    fn new(workers: usize) -> io::Result<Self> {
        Ok(Quarters {
            window: Window::new()?,
            sheet: Sheet::new(workers)?,
            board: Arc::new(Board::new()?),
            bell: Arc::new(Bell::new()?),
            base: Instant::now(),
            benches: Benches::default(),
        })
    }
}

/// What is kept of each seat.
#[derive(Default)]
pub(crate) struct Benches(Vec<Bench>);

impl Benches {
    pub(crate) fn new(benches: Vec<Bench>) -> Self {
        Benches(benches)
    }

    pub(crate) fn take(&mut self) -> Vec<Bench> {
        std::mem::take(&mut self.0)
    }

    /// All are killed before the first one is waited for. They rest, so there is nothing that they could end better.
    fn clear(&mut self) {
        let children = self.0.iter().filter_map(Bench::child);
        children.for_each(Child::kill);
        self.0.clear();
    }
}

impl Drop for Benches {
    fn drop(&mut self) {
        self.clear();
    }
}
