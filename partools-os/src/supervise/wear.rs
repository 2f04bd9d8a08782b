//! Whether a worker has served long enough, and should end and be replaced. It asks itself, between items.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use super::Limits;
use super::weight::Growth;

/// A worker looks at its own growth no more often than this.
const LOOKS_APART: Duration = Duration::from_millis(10);

/// What a worker has gone through since its start.
///
/// ```
/// use partools_os::{Limits, Wear};
/// let wear = Wear::new(&Limits::new().recycle_after(3));
/// wear.did(2);
/// assert!(!wear.is_worn_out() && wear.items_left() == 1);
/// wear.did(1);
/// assert!(wear.is_worn_out());
/// assert!(!Wear::new(&Limits::new()).is_worn_out());
/// ```
#[derive(Debug)]
pub struct Wear {
    items_left: Cell<usize>,
    /// How much it may have grown, and by how much it has.
    growth: Option<(u64, RefCell<Growth>)>,
    looked: Cell<Option<Instant>>,
    is_worn_out: Cell<bool>,
}

impl Wear {
    /// None yet. To be made first thing in a worker.
    #[must_use]
    pub fn new(limits: &Limits) -> Wear {
        let (items, growth) = limits.worn_out();
        // That it can be read was checked before the first worker was made; one that cannot read it is never worn out.
        let of_this = |most| Some((most, RefCell::new(Growth::of_this_process().ok()?)));
        Wear {
            items_left: Cell::new(items.unwrap_or(usize::MAX)),
            growth: growth.and_then(of_this),
            looked: Cell::new(None),
            is_worn_out: Cell::new(false),
        }
    }

    /// Could it ever be worn out?
    #[must_use]
    pub fn is_possible(&self) -> bool {
        self.growth.is_some() || self.items_left.get() < usize::MAX
    }

    /// So many more items are done.
    pub fn did(&self, items: usize) {
        if self.items_left.get() < usize::MAX {
            self.items_left
                .set(self.items_left.get().saturating_sub(items));
        }
    }

    /// How many more items it may do.
    #[must_use]
    pub fn items_left(&self) -> usize {
        self.items_left.get()
    }

    /// Should the worker end now? Once it should, it always should.
    #[must_use]
    pub fn is_worn_out(&self) -> bool {
        if self.items_left.get() == 0 {
            self.is_worn_out.set(true);
        }
        if let (Some((most, growth)), false) = (&self.growth, self.is_worn_out.get()) {
            let is_due = self
                .looked
                .get()
                .is_none_or(|looked| looked.elapsed() >= LOOKS_APART);
            if is_due {
                let grown = growth.borrow_mut().look(*most);
                self.is_worn_out
                    .set(grown.is_ok_and(|grown| grown >= *most));
                self.looked.set(Some(Instant::now()));
            }
        }
        self.is_worn_out.get()
    }
}
