//! A task with a state per worker, which writes down when states are made and dropped.

use crate::record::{Event, Pen};
use partools_core::{Span, StartError, Task, Writer};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What goes wrong with the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Trouble {
    /// Nothing.
    None,
    /// It cannot be made, which is an error.
    StartFails,
    /// It cannot be made, which is a panic.
    StartPanics,
    /// Its drop panics.
    DropPanics,
    /// Making it takes so long.
    StartIsSlow(Duration),
}

/// So many items that count themselves in their worker's state.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Stateful {
    count: usize,
    trouble: Trouble,
    panics: Vec<usize>,
    pen: Pen,
}

impl Stateful {
    /// `count` items.
    #[must_use]
    pub fn new(count: usize, trouble: Trouble, pen: Pen) -> Self {
        Stateful {
            count,
            trouble,
            panics: Vec::new(),
            pen,
        }
    }

    /// These items panic.
    #[must_use]
    pub fn panics(mut self, items: &[usize]) -> Self {
        self.panics = items.to_vec();
        self
    }
}

/// The state: how many items it has seen.
#[derive(Debug)]
pub struct Tally {
    worker: usize,
    number: u64,
    seen: u64,
    pen: Pen,
    explodes: bool,
}

impl Task for Stateful {
    type State = Tally;
    /// The index; the number of the worker; the state's number, its own within the process; and how many
    /// items it had seen with this one.
    type Output = (usize, usize, u64, u64);

    fn count(&self) -> usize {
        self.count
    }
    fn start(&self, worker: usize) -> Result<Tally, StartError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        self.pen.write(Event::Start, worker, number);
        match self.trouble {
            Trouble::StartFails => return Err(format!("no desk for worker {worker}").into()),
            Trouble::StartPanics => panic!("worker {worker} will not start"),
            Trouble::StartIsSlow(time) => std::thread::sleep(time),
            Trouble::None | Trouble::DropPanics => {}
        }
        let explodes = self.trouble == Trouble::DropPanics;
        Ok(Tally {
            worker,
            number,
            seen: 0,
            pen: self.pen.clone(),
            explodes,
        })
    }
    fn call_chunk(&self, state: &mut Tally, span: &Span, out: &mut Writer<'_, Self::Output>) {
        for index in span.range() {
            assert!(!self.panics.contains(&index), "item {index} panics");
            state.seen += 1;
            // Slow enough that every worker gets some.
            std::thread::sleep(Duration::from_micros(50));
            out.push((index, span.worker(), state.number, state.seen));
        }
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.pen.write(Event::Drop, self.worker, self.number);
        if self.explodes && !std::thread::panicking() {
            panic!("the state explodes");
        }
    }
}
