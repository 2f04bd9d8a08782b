//! Sleeping until there is something to do.
//!
//! One `poll` over the bell and the pidfds. A child without a pidfd cannot be polled for, so then the sleep is cut
//! into short ones, and the caller looks for itself.

use std::io;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use super::Child;
use crate::bell::Bell;
use crate::line::Line;

/// How long a child without a pidfd may be dead before the caller has a chance to see it.
const BLIND_SLEEP: Duration = Duration::from_millis(5);

/// Sleeps until the bell rings, one of the children ends or writes to a captured standard error (which is then to be
/// [heard](Child::hear)), or the time is over; `None` waits as long as it takes.
///
/// A bell that rang is cleared, so look at the rings after this. Children that were reaped already count for nothing;
/// one that ended and was not reaped ends the wait at once. It may return early without a reason (after a signal, or
/// every 5 ms if there is a child without pidfd): look, and wait again.
///
/// ```standalone_crate
/// use partools_os::{Access, Bell, Exit, Region, SpawnOptions, spawn, wait_any};
///
/// fn main() -> std::io::Result<()> {
///     let (gate, bell) = (Region::with_halves(1, 8)?, Bell::new()?);
///     let work = |code| {
///         // SAFETY: this process has no other thread.
///         unsafe { spawn(&[(&gate, Access::ReadOnly)], &gate.halves()[0], &SpawnOptions::default(), || code) }
///     };
///     let mut children = [work(3)?, work(4)?];
///     let mut exits = Vec::new();
///     while exits.len() < children.len() {
///         wait_any(&bell, children.iter(), None)?;
///         for child in children.iter_mut().filter(|child| !child.is_reaped()) {
///             exits.extend(child.try_reap());
///         }
///     }
///     assert!(exits.contains(&Exit::Code(3)) && exits.contains(&Exit::Code(4)));
///     Ok(())
/// }
/// ```
///
/// # Errors
/// When `poll` fails: more children than descriptors are allowed, or no memory.
pub fn wait_any<'a>(
    bell: &Bell,
    children: impl Iterator<Item = &'a Child>,
    timeout: Option<Duration>,
) -> io::Result<()> {
    let mut timeout = timeout;
    let mut watched = vec![PollFd::new(bell, PollFlags::IN)];
    for child in children.filter(|child| !child.is_reaped()) {
        let stderr = child.stderr();
        watched.extend(stderr.map(|pipe| PollFd::from_borrowed_fd(pipe, PollFlags::IN)));
        match child.pidfd() {
            Some(pidfd) => watched.push(PollFd::from_borrowed_fd(pidfd, PollFlags::IN)),
            None => timeout = Some(timeout.unwrap_or(BLIND_SLEEP).min(BLIND_SLEEP)),
        }
    }
    // A time too long for the kernel is no limit.
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    match rustix::event::poll(&mut watched, timeout.as_ref()) {
        Ok(_) => {
            if !watched[0].revents().is_empty() {
                bell.clear();
            }
            Ok(())
        }
        Err(Errno::INTR) => Ok(()),
        Err(refused) => Err(refused.into()),
    }
}

/// A worker that is waited for: its end, its bell, and its line where something waits to be sent.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Watched<'a> {
    child: &'a Child,
    bell: &'a Bell,
    line: &'a Line,
}

impl<'a> Watched<'a> {
    /// Of one worker.
    pub fn new(child: &'a Child, bell: &'a Bell, line: &'a Line) -> Watched<'a> {
        Watched { child, bell, line }
    }
}

/// As [`wait_any`], for workers that have a bell and a [`Line`] each: it also ends when a line takes more of what
/// [waits](Line::is_blocked) to be sent.
///
/// # Errors
/// As [`wait_any`].
pub fn wait_for<'a>(
    workers: impl Iterator<Item = Watched<'a>>,
    timeout: Option<Duration>,
) -> io::Result<()> {
    let mut timeout = timeout;
    let (mut watched, mut bells) = (Vec::new(), Vec::new());
    for Watched { child, bell, line } in workers {
        bells.push((watched.len(), bell));
        watched.push(PollFd::new(bell, PollFlags::IN));
        if line.is_blocked() {
            watched.push(PollFd::new(line, PollFlags::OUT));
        }
        let stderr = child.stderr();
        watched.extend(stderr.map(|pipe| PollFd::from_borrowed_fd(pipe, PollFlags::IN)));
        match child.pidfd() {
            _ if child.is_reaped() => {}
            Some(pidfd) => watched.push(PollFd::from_borrowed_fd(pidfd, PollFlags::IN)),
            None => timeout = Some(timeout.unwrap_or(BLIND_SLEEP).min(BLIND_SLEEP)),
        }
    }
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    match rustix::event::poll(&mut watched, timeout.as_ref()) {
        Ok(_) => {
            let rung = |&(at, _): &(usize, _)| !watched[at].revents().is_empty();
            bells
                .iter()
                .filter(|bell| rung(bell))
                .for_each(|(_, bell)| bell.clear());
            Ok(())
        }
        Err(Errno::INTR) => Ok(()),
        Err(refused) => Err(refused.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_bell_that_rang_is_heard_once() {
        let bell = Bell::new().expect("a bell");
        bell.ring();
        bell.ring();
        wait_any(&bell, std::iter::empty(), None).expect("a wait");
        let begun = Instant::now();
        wait_any(&bell, std::iter::empty(), Some(Duration::from_millis(20))).expect("a wait");
        assert!(begun.elapsed() >= Duration::from_millis(20));
    }

    #[test]
    fn the_longest_time_is_no_error() {
        let bell = Bell::new().expect("a bell");
        bell.ring();
        wait_any(&bell, std::iter::empty(), Some(Duration::MAX)).expect("a wait");
    }
}
