//! Sleeping until another process changes a word of shared memory: a futex, bare.
//!
//! The word's value says nothing but "something changed since you looked". Invariant: the sleeper reads the word
//! *before* it looks at what it waits for, and the waker changes what is waited for *before* it changes the word; so a
//! change between look and sleep ends the sleep at once.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Release;
use std::time::Duration;

use rustix::thread::futex;

/// Sleeps while `word` is `seen`, but no longer than `at_most`. May return early without a reason.
///
/// The word may lie in a [`Region`](crate::Region) that this process can only read.
///
/// ```
/// use partools_os::{change_and_wake, sleep_while};
/// use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::{Acquire, Relaxed}};
/// use std::time::Duration;
///
/// let (word, is_done) = (AtomicU32::new(0), AtomicBool::new(false));
/// std::thread::scope(|scope| {
///     scope.spawn(|| {
///         is_done.store(true, Relaxed); // first what is waited for, then the word
///         change_and_wake(&word);
///     });
///     loop {
///         let seen = word.load(Acquire); // first the word, then what is waited for
///         if is_done.load(Relaxed) {
///             break;
///         }
///         sleep_while(&word, seen, Duration::from_secs(60));
///     }
/// });
/// assert_eq!(word.load(Acquire), 1);
/// ```
pub fn sleep_while(word: &AtomicU32, seen: u32, at_most: Duration) {
    let timeout = futex::Timespec::try_from(at_most).ok();
    // Woken, changed already, interrupted, timed out: the caller looks again in every case.
    let _ = futex::wait(word, futex::Flags::empty(), seen, timeout.as_ref());
}

/// Changes `word` and wakes all that sleep on it, in any process.
///
/// ```
/// use partools_os::{change_and_wake, sleep_while};
/// use std::sync::atomic::{AtomicU32, Ordering::Acquire};
///
/// let word = AtomicU32::new(0);
/// let seen = word.load(Acquire);
/// change_and_wake(&word);
/// assert_ne!(word.load(Acquire), seen);
/// sleep_while(&word, seen, std::time::Duration::MAX); // no sleep: it has changed since
/// ```
pub fn change_and_wake(word: &AtomicU32) {
    word.fetch_add(1, Release);
    // Nobody asleep is as good as everybody woken.
    let _ = futex::wake(word, futex::Flags::empty(), u32::MAX >> 1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering::Acquire;

    #[test]
    fn a_sleeper_wakes_when_the_word_changes() {
        let word = AtomicU32::new(7);
        std::thread::scope(|scope| {
            scope.spawn(|| change_and_wake(&word));
            while word.load(Acquire) == 7 {
                sleep_while(&word, 7, Duration::from_secs(5));
            }
        });
        assert_eq!(word.load(Acquire), 8);
    }

    #[test]
    fn a_word_that_changed_already_is_no_sleep() {
        let begun = std::time::Instant::now();
        sleep_while(&AtomicU32::new(1), 0, Duration::from_secs(60));
        assert!(begun.elapsed() < Duration::from_secs(30));
    }
}
