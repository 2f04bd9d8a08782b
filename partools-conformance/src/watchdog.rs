//! Ends the process, with words, where a case does not end (C8 and liars). Not a thread, since executors
//! that fork refuse to run beside one, but an alarm: its handler writes one line and lets the signal's
//! default action end the process. Alarms are not inherited by children.
//!
//! On systems without alarms nobody watches; the suite says so.

/// Watches until dropped.
pub(crate) struct Watchdog {
    #[cfg(unix)]
    before: nix::sys::signal::SigAction,
}

/// Is there a watchdog here?
pub(crate) const EXISTS: bool = cfg!(unix);

#[cfg(unix)]
mod unix {
    use super::Watchdog;
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, raise, sigaction};
    use nix::unistd::{alarm, write};
    use std::sync::atomic::{AtomicPtr, Ordering};
    use std::time::Duration;

    /// What to say. The text behind the pointer is never freed.
    static WORDS: AtomicPtr<String> = AtomicPtr::new(std::ptr::null_mut());

    extern "C" fn bark(_signal: i32) {
        let words = WORDS.load(Ordering::Relaxed);
        // SAFETY: null, or a leaked string that nobody changes.
        if let Some(words) = unsafe { words.as_ref() } {
            let _ = write(std::io::stderr(), words.as_bytes());
        }
        // The handler was for one signal only (`SA_RESETHAND`), so this one has its default action: it
        // ends the process.
        let _ = raise(Signal::SIGALRM);
    }

    impl Watchdog {
        /// Watches over `case`, for whole seconds.
        pub(crate) fn watch(case: &str, limit: Duration) -> Self {
            let seconds = u32::try_from(limit.as_secs().max(1)).unwrap_or(u32::MAX);
            let words = format!(
                "\n\npartools-conformance: the case {case} did not end within {seconds} s, so it hangs; \
                 this process ends here.\n"
            );
            WORDS.store(Box::leak(Box::new(words)), Ordering::Relaxed);
            let flags = SaFlags::SA_RESETHAND | SaFlags::SA_NODEFER;
            let action = SigAction::new(SigHandler::Handler(bark), flags, SigSet::empty());
            // SAFETY: the handler reads an atomic, writes to a descriptor and raises a signal, all of
            // which signal handlers may do.
            let before = unsafe { sigaction(Signal::SIGALRM, &action) };
            let before = before.expect("SIGALRM can have a handler");
            alarm::set(seconds);
            Watchdog { before }
        }
    }

    impl Drop for Watchdog {
        fn drop(&mut self) {
            alarm::cancel();
            // SAFETY: puts back the action that was there before.
            let _ = unsafe { sigaction(Signal::SIGALRM, &self.before) };
        }
    }
}

#[cfg(not(unix))]
impl Watchdog {
    pub(crate) fn watch(_case: &str, _limit: std::time::Duration) -> Self {
        Watchdog {}
    }
}
