//! The stage: where a caller's map meets helpers that outlive it. The map's task is borrowed, and helpers are threads
//! without an end, so the borrow is made a plain pointer here, and nowhere else; it is used between two steps of the
//! [`Gate`] only.
//!
//! ```text
//!   Director::play   part noted -> open -> the caller's own work -> close -> wait until nobody is inside
//!   Seat::serve                     enter -> the part, with this helper's number -> leave
//! ```

#[cfg(all(test, partools_model))]
mod model;
#[cfg(all(test, not(partools_model)))]
mod tests;

use crate::gate::{Gate, Look};
use crate::sync::{Arc, Condvar, Mutex, Thread, lock};
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a helper does in a map, by its number.
type Part<'a> = dyn Fn(usize) + Sync + 'a;

/// A caller spins so long for helpers that are on their way out, before it sleeps: some 10 µs.
const SPINS: usize = if cfg!(partools_model) { 0 } else { 400 };

/// What helpers and caller share.
struct Stage {
    gate: Gate,
    /// Written by the director while the gate is closed and nobody is inside; read by who is inside.
    bill: UnsafeCell<Bill>,
    /// The helpers, by number less one.
    helpers: Mutex<Vec<Thread>>,
    /// Helpers that have taken their seats, ever.
    seated: Mutex<usize>,
    /// Rung where a helper takes its seat, and where the last one leaves a map that is over.
    bell: Condvar,
}

// SAFETY: all but `bill` are `Sync` by themselves; of `bill` see its line: writer and readers are kept apart by the gate.
unsafe impl Sync for Stage {}
// SAFETY: the pointer in `bill` is to something `Sync`, and is used inside a map alone, while its caller waits.
unsafe impl Send for Stage {}

/// What is played.
#[derive(Clone, Copy)]
struct Bill {
    /// Helpers from 1 to this number take part.
    helpers: usize,
    part: *const Part<'static>,
}

/// The caller's side. There is one, so one map at a time.
pub(crate) struct Director(Arc<Stage>);

/// A helper's side, with its number.
pub(crate) struct Seat {
    stage: Arc<Stage>,
    number: usize,
}

impl Director {
    pub(crate) fn new() -> Self {
        Director(Arc::new(Stage {
            gate: Gate::new(),
            bill: UnsafeCell::new(Bill {
                helpers: 0,
                part: &|_| {},
            }),
            helpers: Mutex::default(),
            seated: Mutex::new(0),
            bell: Condvar::new(),
        }))
    }

    /// A seat for helper number `number`, from 1.
    pub(crate) fn seat(&self, number: usize) -> Seat {
        Seat {
            stage: Arc::clone(&self.0),
            number,
        }
    }

    /// The next helper is this thread.
    pub(crate) fn joined_by(&mut self, thread: &Thread) {
        lock(&self.0.helpers).push(thread.clone());
    }

    /// Runs `own` here, and meanwhile `part` on helpers 1 to `helpers`, each at most once, with its number. `own` can
    /// call for them, who else come when they look, within some 0.1 ms. Returns, or unwinds, when nobody runs `part` any more
    /// and every helper there is has taken its seat.
    pub(crate) fn play<R>(
        &mut self,
        helpers: usize,
        part: &Part<'_>,
        own: impl FnOnce(&dyn Fn()) -> R,
    ) -> R {
        let stage = &*self.0;
        let part: *const Part<'_> = part;
        // SAFETY: the two types differ in a lifetime alone. `End` is dropped before this returns or unwinds, so before
        // `part` ends; and then nobody is inside, where alone it is used.
        let part: *const Part<'static> = unsafe { std::mem::transmute(part) };
        // SAFETY: nobody else writes, since this has the only director (`&mut`); nobody reads, since the gate is closed
        // and nobody is inside: the last `End` saw to that.
        unsafe { *stage.bill.get() = Bill { helpers, part } };
        let end = End(stage);
        if stage.gate.open() {
            stage.wake(1);
        }
        let call = || {
            if stage.gate.call() {
                stage.wake(1);
            }
        };
        let result = own(&call);
        drop(end);
        result
    }

    /// No more maps: helpers find the gate shut.
    pub(crate) fn dismiss(&mut self) {
        self.0.gate.shut();
        for helper in &*lock(&self.0.helpers) {
            helper.unpark();
        }
    }
}

impl Stage {
    fn wake(&self, number: usize) {
        if let Some(helper) = lock(&self.helpers).get(number - 1) {
            helper.unpark();
        }
    }
}

/// The end of a map, also where the caller unwinds.
struct End<'a>(&'a Stage);

impl Drop for End<'_> {
    fn drop(&mut self) {
        let stage = self.0;
        let mut is_empty = stage.gate.close();
        for _ in 0..SPINS {
            if is_empty {
                break;
            }
            std::hint::spin_loop();
            is_empty = stage.gate.is_empty();
        }
        let helpers = lock(&stage.helpers).len();
        let mut seated = lock(&stage.seated);
        while !stage.gate.is_empty() || *seated < helpers {
            seated = stage
                .bell
                .wait(seated)
                .unwrap_or_else(|poison| poison.into_inner());
        }
    }
}

impl Seat {
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    pub(crate) fn look(&self) -> Look {
        self.stage.gate.look()
    }

    /// See [`Gate::doze`].
    pub(crate) fn doze(&self) -> bool {
        self.stage.gate.doze()
    }

    /// This helper is here, and looks at the gate from now on.
    pub(crate) fn take(&self) {
        *lock(&self.stage.seated) += 1;
        self.stage.bell.notify_all();
    }

    /// Takes part in the map that is under way, if there is one and it wants this helper; wakes those who come after it.
    /// `rests` is called behind the part, before the caller can know that it is over. Which map it was.
    pub(crate) fn serve(&self, rests: impl FnOnce()) -> Option<u64> {
        let stage = &*self.stage;
        let Some(look) = stage.gate.enter() else {
            rests();
            return None;
        };
        // SAFETY: this is inside, so the director does not write before `leave`; what it wrote was written before it
        // opened the gate, which `enter` saw.
        let Bill { helpers, part } = unsafe { *stage.bill.get() };
        if self.number <= helpers {
            for number in [2 * self.number, 2 * self.number + 1] {
                if number <= helpers {
                    stage.wake(number);
                }
            }
            // SAFETY: `play`, which has borrowed what this points to, does not end before `leave`.
            let part = unsafe { &*part };
            // A helper that panicked has left its items unfinished, which the core finds.
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| part(self.number))) {
                // Which may panic when it is dropped, and must not take this thread past `leave`.
                let dropped = catch_unwind(AssertUnwindSafe(|| drop(payload)));
                dropped.unwrap_or_else(std::mem::forget);
            }
        }
        rests();
        if stage.gate.leave() {
            // With the lock, so that the caller is not between its look and its sleep.
            drop(lock(&stage.seated));
            stage.bell.notify_all();
        }
        Some(look.map())
    }
}
