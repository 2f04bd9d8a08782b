//! A worker's buffers for the columns of a group: filled when a closure first asks for a column, lent to it, and used
//! again for the next group.

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};

/// The buffers of one worker, for every column, one for each way to read it.
#[derive(Debug)]
pub struct Scratch {
    lanes: Vec<Lane>,
    /// Those that this group's closure asked for: a frame may have a thousand columns, and a group one row.
    asked: RefCell<Vec<usize>>,
}

/// A way to read a column.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    /// Every value; there are no nulls.
    Plain,
    /// Every value or null.
    Optional,
    /// The values that are not null.
    Valid,
}

#[derive(Default)]
struct Lane {
    /// What this group's closure asked for.
    ready: OnceCell<Box<dyn Any>>,
    /// The buffer of an earlier group.
    spare: Cell<Option<Box<dyn Any>>>,
}

impl Scratch {
    pub(crate) fn new(columns: usize) -> Self {
        Scratch {
            lanes: std::iter::repeat_with(Lane::default)
                .take(columns * 3)
                .collect(),
            asked: RefCell::default(),
        }
    }

    /// The next group's turn.
    pub(crate) fn turn(&mut self) {
        for at in self.asked.get_mut().drain(..) {
            let lane = &mut self.lanes[at];
            if let Some(used) = lane.ready.take() {
                lane.spare.set(Some(used));
            }
        }
    }

    /// The buffer of a column, filled by `fill` if it is not yet. A column is read as one type alone.
    pub(crate) fn lend<T: 'static>(
        &self,
        column: usize,
        way: Way,
        fill: impl FnOnce(&mut Vec<T>),
    ) -> &[T] {
        let at = column * 3 + way as usize;
        let lane = &self.lanes[at];
        let ready = lane.ready.get_or_init(|| {
            self.asked.borrow_mut().push(at);
            let spare = lane
                .spare
                .take()
                .and_then(|spare| spare.downcast::<Vec<T>>().ok());
            let mut buffer = spare.unwrap_or_default();
            buffer.clear();
            fill(&mut buffer);
            buffer
        });
        ready
            .downcast_ref::<Vec<T>>()
            .expect("an Arrow type is read as one Rust type")
    }
}

impl std::fmt::Debug for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lane")
            .field("ready", &self.ready.get().is_some())
            .finish_non_exhaustive()
    }
}
