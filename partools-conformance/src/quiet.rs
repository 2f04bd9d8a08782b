//! The suite's panic hook. Items panic by the hundred and by intent, so nothing is printed; the last panic
//! is noted instead, for the report of a case that failed by one; and the calls are counted, which shows
//! whether an executor left the host's hook in place (C10).
//!
//! It must be there before the first map of the process, because the core chains its own hook in front of
//! the host's then, and only once.

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, resume_unwind, set_hook};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once, PoisonError};

static INSTALLED: Once = Once::new();
static CALLS: AtomicU64 = AtomicU64::new(0);
static LAST: Mutex<String> = Mutex::new(String::new());

/// Installs the hook, once.
pub(crate) fn install() {
    INSTALLED.call_once(|| set_hook(Box::new(note)));
}

fn note(info: &PanicHookInfo<'_>) {
    CALLS.fetch_add(1, Ordering::Relaxed);
    // A forked child may have inherited the lock held; nobody needs its note.
    if let Ok(mut last) = LAST.try_lock() {
        *last = info.to_string();
    }
}

/// Runs `f`; a panic comes back as its text and place.
pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| {
        std::mem::forget(payload);
        LAST.lock().unwrap_or_else(PoisonError::into_inner).clone()
    })
}

/// Does the hook still hear of panics?
pub(crate) fn is_chained() -> bool {
    let before = CALLS.load(Ordering::Relaxed);
    let caught = catch_unwind(|| std::panic::panic_any("is anybody there?"));
    caught.is_err() && CALLS.load(Ordering::Relaxed) == before + 1
}

/// Runs `f`, which is expected to panic: its payload as text, or `None` where it did not panic. Payloads
/// that are not text are resumed.
pub(crate) fn payload_of(f: impl FnOnce()) -> Option<String> {
    let payload = catch_unwind(AssertUnwindSafe(f)).err()?;
    match payload.downcast::<String>() {
        Ok(text) => Some(*text),
        Err(payload) => match payload.downcast::<&'static str>() {
            Ok(text) => Some((*text).to_owned()),
            Err(payload) => resume_unwind(payload),
        },
    }
}
