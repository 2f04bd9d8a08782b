//! Catching a panic with its message and place (C6), also where its payload is hostile.
//!
//! The place is known only to the panic hook, so a hook is chained once, in front of the host's. It notes
//! message and place for the thread that is inside [`catch`] and then calls the host's hook, as for any
//! other panic. In a forked worker the host's hook is not called: it takes locks (standard error, the
//! backtrace's) that another thread of the parent may have held at the fork.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Once, OnceLock};

use crate::item_error::{Cause, Location};

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    static NOTED: RefCell<Option<(String, Option<Location>)>> = const { RefCell::new(None) };
}
static CHAINED: Once = Once::new();
static IN_WORKER_PROCESS: AtomicBool = AtomicBool::new(false);
static FATAL: OnceLock<Tell> = OnceLock::new();

/// Who is told of a panic that ends the process.
type Tell = Box<dyn Fn(&Cause) + Send + Sync>;

/// What is known of a panic.
#[derive(Debug)]
pub(crate) struct Panic {
    pub(crate) message: String,
    pub(crate) location: Option<Location>,
    pub(crate) payload: Payload,
}

/// The payload of a panic. Dropping it never unwinds, whatever the payload's own `Drop` does.
pub(crate) struct Payload(Option<Box<dyn Any + Send>>);

impl Payload {
    pub(crate) fn into_inner(mut self) -> Box<dyn Any + Send> {
        self.0.take().unwrap_or_else(|| Box::new(()))
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        if let Some(payload) = self.0.take() {
            quietly(|| drop(payload));
        }
    }
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Payload")
    }
}

/// From now on this process is a worker: the host's panic hook stays silent in it. For backends whose
/// workers are processes, to be called first thing in a worker.
///
/// ```
/// use partools_core::{Serial, enter_worker_process, over};
/// use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
///
/// static PRINTED: AtomicBool = AtomicBool::new(false);
/// std::panic::set_hook(Box::new(|_| PRINTED.store(true, Relaxed)));
/// enter_worker_process();
/// let error = over(0..3).map(|i| 1 / i).run(&Serial).unwrap_err();
/// assert!(error.to_string().contains("divide by zero")); // noted, for the parent
/// assert!(!PRINTED.load(Relaxed)); // and not printed
/// ```
pub fn enter_worker_process() {
    IN_WORKER_PROCESS.store(true, Ordering::Relaxed);
}

/// Is this process a worker?
#[inline]
pub(crate) fn is_worker_process() -> bool {
    IN_WORKER_PROCESS.load(Ordering::Relaxed)
}

/// In a worker process of a program built with `panic = "abort"`, where no panic of an item can be caught: calls `tell`
/// with the panic before the process ends by it, so that a backend can carry message and place to the parent (C6).
/// Where panics unwind, `tell` is never called. The first call counts, once for a process.
///
/// ```
/// partools_core::enter_worker_process();
/// partools_core::on_fatal_panic(|cause| eprintln!("this worker {cause}"));
/// let caught = std::panic::catch_unwind(|| panic!("not fatal"));
/// assert!(caught.is_err()); // and nothing was told
/// ```
pub fn on_fatal_panic(tell: impl Fn(&Cause) + Send + Sync + 'static) {
    let _ = FATAL.set(Box::new(tell));
}

/// Chains the hook, once. A thread that is panicking already may not touch the hook; the next map will.
pub(crate) fn chain_hook() {
    if CHAINED.is_completed() || std::thread::panicking() {
        return;
    }
    CHAINED.call_once(|| {
        let host = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if CATCHING.try_with(Cell::get).unwrap_or(false) {
                let location = info.location().map(|l| Location {
                    file: l.file().to_owned(),
                    line: l.line(),
                    column: l.column(),
                });
                let note = (text_of(info.payload()), location);
                if cfg!(panic = "abort")
                    && let Some(tell) = FATAL.get()
                {
                    let (message, location) = note.clone();
                    tell(&Cause::Panicked { message, location });
                }
                let _ = NOTED.try_with(|noted| noted.try_borrow_mut().map(|mut n| *n = Some(note)));
            }
            if !IN_WORKER_PROCESS.load(Ordering::Relaxed) {
                host(info);
            }
        }));
    });
}

/// Runs `f`; a panic comes back as what is known of it.
#[inline]
pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Panic> {
    let outer = CATCHING.replace(true);
    let result = catch_unwind(AssertUnwindSafe(f));
    CATCHING.set(outer);
    result.map_err(describe)
}

#[cold]
fn describe(payload: Box<dyn Any + Send>) -> Panic {
    let message = text_of(&*payload);
    // A note that does not match belongs to an earlier panic that the closure caught itself.
    let location = NOTED
        .take()
        .and_then(|(noted, location)| location.filter(|_| noted == message));
    Panic {
        message,
        location,
        payload: Payload(Some(payload)),
    }
}

fn text_of(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic whose payload is not text".to_owned()
    }
}

/// Runs `f`, for its effect; true where it panicked. The payload of that panic is dropped, or leaked
/// where its own drop panics. It is not noted: the panic that somebody is about to [`catch`] keeps its place.
pub(crate) fn quietly(f: impl FnOnce()) -> bool {
    let outer = CATCHING.replace(false);
    let result = catch_unwind(AssertUnwindSafe(f));
    let panicked = result.is_err();
    if let Err(payload) = result
        && let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload)))
    {
        std::mem::forget(again);
    }
    CATCHING.set(outer);
    panicked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_keeps_message_and_place() {
        chain_hook();
        let line = line!() + 1;
        let panic = catch(|| panic!("item {}", 7)).expect_err("it panicked");
        assert_eq!(panic.message, "item 7");
        let location = panic.location.expect("the hook saw it");
        assert!(location.file.ends_with("panics.rs"));
        assert_eq!(location.line, line);
    }

    #[test]
    fn a_resumed_panic_does_not_take_the_place_of_an_earlier_one() {
        chain_hook();
        let panic = catch(|| {
            let _ = catch_unwind(|| panic!("earlier"));
            std::panic::resume_unwind(Box::new("resumed"));
        })
        .expect_err("it panicked");
        assert_eq!(panic.message, "resumed");
        assert!(panic.location.is_none());
    }

    #[test]
    fn a_payload_whose_drop_panics_is_dropped_without_unwinding() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("payload");
            }
        }
        let panic = catch(|| std::panic::panic_any(Bomb)).expect_err("it panicked");
        drop(panic);
    }
}
