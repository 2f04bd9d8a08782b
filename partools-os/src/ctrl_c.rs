//! Ctrl-C cancels a token, once; the next one does what it did before.
//!
//! ```text
//!   cancel_on_ctrl_c(&token)     the handler of before is kept aside, ours is put in its place
//!   Ctrl-C                       all tokens of living guards are cancelled, the handler of before is put back
//!   Ctrl-C again                 that one's business: by default, the end of the process
//!   the last guard is dropped    the handler of before is put back, unless somebody has put in another one meanwhile
//! ```
//!
//! The handler may run in any thread, at any moment, also while a guard is dropped. So it takes no lock and frees nothing: it
//! reaches tokens and the handler of before through atomic pointers, and counts itself in and out, so that what they point to
//! is freed only when no handler is under way that could have seen it. All raw calls about this stand here.

use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicPtr, AtomicUsize};
use std::sync::{Mutex, MutexGuard, PoisonError};

use partools_core::CancelToken;

/// So many guards may live at a time.
const MOST: usize = 16;

/// The tokens of living guards.
static TOKENS: [AtomicPtr<CancelToken>; MOST] = [const { AtomicPtr::new(ptr::null_mut()) }; MOST];
/// What was in force before ours.
static BEFORE: AtomicPtr<libc::sigaction> = AtomicPtr::new(ptr::null_mut());
/// Handlers under way.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);
/// Taken by who makes or drops a guard, never by the handler.
static GUARDS: Mutex<()> = Mutex::new(());

/// While it lives, Ctrl-C cancels a token; see [`cancel_on_ctrl_c`].
#[must_use = "Ctrl-C cancels the token only while this lives"]
pub struct CtrlC {
    slot: usize,
}

/// From now on, and as long as the guard lives, Ctrl-C (SIGINT) cancels `token` instead of what it did before. Once: the next
/// Ctrl-C does what it did before, which by default is to end the process. When the guard is dropped, the handler of before
/// is put back.
///
/// A handler that the host had is not called for the first Ctrl-C, and is in force again from the second on, or when the guard is
/// gone; one that it puts in while the guard lives stays. Where Ctrl-C is ignored (as for what `nohup` or a script
/// started in the background), it stays so. Worker processes of `Fork` carry on until this process decides. Several guards
/// may live at a time, of any threads; one Ctrl-C cancels the tokens of all.
///
/// ```
/// use partools_core::{CancelToken, Serial, over};
/// use partools_os::cancel_on_ctrl_c;
///
/// # // SAFETY: as a program in a terminal has it; one that was started in the background ignores it.
/// # unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
/// let token = CancelToken::new();
/// let ctrl_c = cancel_on_ctrl_c(&token)?;
/// let results = over(0..1000)
///     .cancel(&token)
///     .map(|i| {
///         if i == 20 {
///             // SAFETY: a signal to this process, as a terminal sends it.
///             unsafe { libc::raise(libc::SIGINT) };
///         }
///         i
///     })
///     .try_run(&Serial)?;
/// drop(ctrl_c);
/// assert!(results[19].is_ok(), "what is finished is kept");
/// assert_eq!(results[999].as_ref().unwrap_err().to_string(), "item 999 was not run: the map was cancelled");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Where 16 guards live already.
pub fn cancel_on_ctrl_c(token: &CancelToken) -> io::Result<CtrlC> {
    let guards = lock();
    let slot = TOKENS.iter().position(|slot| slot.load(SeqCst).is_null());
    let slot = slot.ok_or_else(|| {
        io::Error::other(format!(
            "{MOST} guards wait for Ctrl-C already; drop some, or share a token"
        ))
    })?;
    TOKENS[slot].store(Box::into_raw(Box::new(token.clone())), SeqCst);
    let guard = CtrlC { slot };
    let installed = install();
    // Dropping the guard takes the lock.
    drop(guards);
    installed.map(|()| guard)
}

/// Puts our handler in, unless it is there, or the signal is ignored. Under the lock.
fn install() -> io::Result<()> {
    let before = in_force()?;
    if is_ours(&before) || before.sa_sigaction == libc::SIG_IGN {
        return Ok(());
    }
    free(BEFORE.swap(Box::into_raw(Box::new(before)), SeqCst));
    put_in(&ours())
}

impl Drop for CtrlC {
    fn drop(&mut self) {
        let _guards = lock();
        free(TOKENS[self.slot].swap(ptr::null_mut(), SeqCst));
        let is_last = TOKENS.iter().all(|slot| slot.load(SeqCst).is_null());
        if is_last && in_force().is_ok_and(|now| is_ours(&now)) {
            put_back();
        }
    }
}

impl fmt::Debug for CtrlC {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CtrlC").finish_non_exhaustive()
    }
}

/// Every change under it is a single store: a poisoned lock guards what is whole.
fn lock() -> MutexGuard<'static, ()> {
    GUARDS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ours. Only what may be called in a handler: atomics, and `sigaction`.
extern "C" fn on_interrupt(_signal: libc::c_int) {
    UNDER_WAY.fetch_add(1, SeqCst);
    // SAFETY: the C library's own place for this thread, valid as long as the thread is.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    let interrupted = unsafe { *errno };
    for slot in &TOKENS {
        let token = slot.load(SeqCst);
        // SAFETY: null, or a token that is not freed while a handler is under way (`free`).
        if let Some(token) = unsafe { token.as_ref() } {
            token.cancel();
        }
    }
    if in_force().is_ok_and(|now| is_ours(&now)) {
        put_back();
    }
    // SAFETY: as above. What this handler interrupted may be about to look at it.
    unsafe { *errno = interrupted };
    UNDER_WAY.fetch_sub(1, SeqCst);
}

/// The handler of before is in force again.
fn put_back() {
    // SAFETY: null, or an action that is not freed while a handler is under way, or by anybody else than who has the lock.
    if let Some(before) = unsafe { BEFORE.load(SeqCst).as_ref() } {
        // It was in force once, so it will be taken.
        let _ = put_in(before);
    }
}

/// Frees what no slot points to any more, when no handler can be looking at it.
fn free<T>(old: *mut T) {
    if old.is_null() {
        return;
    }
    while UNDER_WAY.load(SeqCst) > 0 {
        std::thread::yield_now();
    }
    // SAFETY: it comes from `Box::into_raw`, and who calls this has just taken the only pointer to it.
    drop(unsafe { Box::from_raw(old) });
}

fn ours() -> libc::sigaction {
    // SAFETY: all zeros are an action: the default, no flags, an empty mask.
    let mut action = unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() };
    action.sa_sigaction = address();
    // The host's own calls go on as if nothing had happened.
    action.sa_flags = libc::SA_RESTART;
    action
}

fn address() -> libc::sighandler_t {
    let handler: extern "C" fn(libc::c_int) = on_interrupt;
    handler as libc::sighandler_t
}

fn is_ours(action: &libc::sigaction) -> bool {
    action.sa_sigaction == address()
}

/// What SIGINT does now.
fn in_force() -> io::Result<libc::sigaction> {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: no new action is given; the old one is written to memory that is large enough.
    let asked = unsafe { libc::sigaction(libc::SIGINT, ptr::null(), action.as_mut_ptr()) };
    if asked != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: filled in, as the call succeeded.
    Ok(unsafe { action.assume_init() })
}

fn put_in(action: &libc::sigaction) -> io::Result<()> {
    // SAFETY: an action that was in force before, or ours, which does only what a handler may.
    let done = unsafe { libc::sigaction(libc::SIGINT, action, ptr::null_mut()) };
    match done {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
