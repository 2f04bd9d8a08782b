//! SIGTERM, put off while a guard lives, so that a last word can be said; then it ends the process, as it would have.
//!
//! ```text
//!   Reprieve::new()        only where SIGTERM has its default effect: a handler of the host's is left alone
//!   SIGTERM                has_come() is true from then on
//!   the guard is dropped   the default is put back, unless somebody has put in a handler meanwhile; what has come is raised again
//! ```
//!
//! The handler may run in any thread, at any moment: it stores one flag. All raw calls about this stand here.

use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;

/// A guard lives.
static IS_HELD: AtomicBool = AtomicBool::new(false);
/// SIGTERM has come since the guard was made.
static HAS_COME: AtomicBool = AtomicBool::new(false);

/// While it lives, SIGTERM does not end this process; when it is dropped, one that came meanwhile does.
///
/// Where SIGTERM is handled or ignored, or such a guard lives already, it does nothing and hears nothing.
///
/// ```
/// use partools_os::Reprieve;
/// # // SAFETY: as most programs have it.
/// # unsafe { libc::signal(libc::SIGTERM, libc::SIG_DFL) };
/// let reprieve = Reprieve::new();
/// assert!(!reprieve.has_come());
/// # // SAFETY: a signal to this process.
/// # unsafe { libc::raise(libc::SIGTERM) };
/// assert!(reprieve.has_come());
/// // Time for a last word. Dropping it would end this process now:
/// std::mem::forget(reprieve);
/// ```
#[must_use = "SIGTERM is put off only while this lives"]
pub struct Reprieve {
    holds: bool,
}

impl Reprieve {
    /// From now on.
    pub fn new() -> Self {
        let is_default = || in_force().is_ok_and(|now| now.sa_sigaction == libc::SIG_DFL);
        if IS_HELD.swap(true, SeqCst) {
            return Reprieve { holds: false };
        }
        HAS_COME.store(false, SeqCst);
        let holds = is_default() && put_in(address()).is_ok();
        IS_HELD.store(holds, SeqCst);
        Reprieve { holds }
    }

    /// Has SIGTERM come?
    #[must_use]
    pub fn has_come(&self) -> bool {
        self.holds && HAS_COME.load(SeqCst)
    }
}

impl Default for Reprieve {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Reprieve {
    fn drop(&mut self) {
        if !self.holds {
            return;
        }
        let is_ours = in_force().is_ok_and(|now| now.sa_sigaction == address());
        if is_ours {
            // The default was in force once, so it will be taken.
            let _ = put_in(libc::SIG_DFL);
        }
        let has_come = HAS_COME.swap(false, SeqCst);
        IS_HELD.store(false, SeqCst);
        if has_come {
            // SAFETY: a signal to this process, which was sent to it before.
            unsafe { libc::raise(libc::SIGTERM) };
        }
    }
}

impl fmt::Debug for Reprieve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reprieve")
            .field("has_come", &self.has_come())
            .finish_non_exhaustive()
    }
}

/// Ours: a store, which may be done in a handler.
extern "C" fn on_term(_signal: libc::c_int) {
    HAS_COME.store(true, SeqCst);
}

fn address() -> libc::sighandler_t {
    let handler: extern "C" fn(libc::c_int) = on_term;
    handler as libc::sighandler_t
}

/// What SIGTERM does now.
fn in_force() -> io::Result<libc::sigaction> {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: no new action is given; the old one is written to memory that is large enough.
    let asked = unsafe { libc::sigaction(libc::SIGTERM, ptr::null(), action.as_mut_ptr()) };
    if asked != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: filled in, as the call succeeded.
    Ok(unsafe { action.assume_init() })
}

fn put_in(handler: libc::sighandler_t) -> io::Result<()> {
    // SAFETY: all zeros are an action: the default, no flags, an empty mask.
    let mut action = unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() };
    action.sa_sigaction = handler;
    // The host's own calls go on as if nothing had happened.
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the default, or ours, which does only what a handler may.
    let done = unsafe { libc::sigaction(libc::SIGTERM, &raw const action, ptr::null_mut()) };
    match done {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
