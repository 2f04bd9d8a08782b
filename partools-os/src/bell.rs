//! A bell that any child can ring and the parent can sleep by: an eventfd.
//!
//! The count in it says nothing but "somebody rang since the last clear"; what happened is read from the rings.
//! Invariant: neither side ever blocks on it (it is non-blocking), and whoever clears it looks at the rings *after*.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::EventfdFlags;
use rustix::io::Errno;

use crate::descriptors::above_streams;

/// Rung by children, waited for by the parent in [`wait_any`](crate::wait_any).
///
/// ```
/// use partools_os::{Bell, wait_any};
/// use std::time::{Duration, Instant};
///
/// let bell = Bell::new()?;
/// bell.ring();
/// wait_any(&bell, std::iter::empty(), None)?; // returns at once, and clears the bell
///
/// let (begun, nap) = (Instant::now(), Duration::from_millis(10));
/// wait_any(&bell, std::iter::empty(), Some(nap))?; // nobody rang since
/// assert!(begun.elapsed() >= nap);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Bell(OwnedFd);

impl Bell {
    /// A bell that nobody has rung; closed on exec, inherited over fork.
    ///
    /// # Errors
    /// When the process has no descriptor left, or the kernel no memory.
    pub fn new() -> io::Result<Bell> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        Ok(Bell(above_streams(rustix::event::eventfd(0, flags)?)?))
    }

    /// The bell of another process, by its descriptor.
    ///
    /// # Errors
    /// Where it must be moved out of the way of the standard streams, and no descriptor is left.
    pub fn attach(file: OwnedFd) -> io::Result<Bell> {
        Ok(Bell(above_streams(file)?))
    }

    /// Rings. Ringing twice before anyone looked is like ringing once.
    pub fn ring(&self) {
        // A full counter (EAGAIN) is a bell that rings already; nothing else can fail on an eventfd that is open.
        while rustix::io::write(&self.0, &1_u64.to_ne_bytes()) == Err(Errno::INTR) {}
    }

    /// Silences the bell. Look at the rings after this, not before.
    pub fn clear(&self) {
        let mut count = [0; 8];
        while rustix::io::read(&self.0, &mut count) == Err(Errno::INTR) {}
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
