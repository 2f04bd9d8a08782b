//! A ring between processes of which none was forked from the other: its memory is a file, which both have mapped.
//!
//! Both sides trust the other no more than with a forked child: all that a ring checks, it checks here too. That the file
//! cannot be cut off while it is mapped is the [`Region`]'s doing.

use std::io;
use std::os::fd::OwnedFd;

use super::{HALVES, HEADER_BYTES, Ring, SMALLEST, behind_halves, whole_capacity};
use crate::region::Region;

impl Ring {
    /// As [`new`](Ring::new), and the descriptor by which another process [attaches](Ring::attach) it.
    ///
    /// ```
    /// use partools_os::{Bell, Inbox, Received, Ring, Urgency};
    ///
    /// let ((near, file), bell, mut inbox) = (Ring::shared(1 << 16)?, Bell::new()?, Inbox::new());
    /// let far = Ring::attach(file)?; // there
    /// far.producer(&bell).send(3, b"some bytes", Urgency::Lazy);
    /// assert_eq!(inbox.receive(&near)?, Received::Record { kind: 3, payload: b"some bytes" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`new`](Ring::new), and where no memory file can be had.
    pub fn shared(capacity: usize) -> io::Result<(Ring, OwnedFd)> {
        let capacity = whole_capacity(capacity)?;
        let (region, file) = Region::shared(HALVES, behind_halves(capacity))?;
        let ring = Ring {
            region,
            capacity,
            epoch: 0,
        };
        Ok((ring, file))
    }

    /// The ring of another process, for its [producer](Ring::producer) here.
    ///
    /// # Errors
    /// Where the file is no ring of one that was never [renewed](Ring::renew), as far as its length tells, or cannot be mapped.
    pub fn attach(file: OwnedFd) -> io::Result<Ring> {
        let region = Region::attach(file, HALVES)?;
        let capacity = region.len().saturating_sub(HEADER_BYTES);
        if capacity < SMALLEST || !capacity.is_power_of_two() {
            let why = "a file of this length is no ring";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        Ok(Ring {
            region,
            capacity,
            epoch: 0,
        })
    }
}
