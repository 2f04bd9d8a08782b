//! Where our descriptors lie.
//!
//! A host that closed its standard streams has their numbers free, and the next descriptor that anybody opens gets one of
//! them. It must not be one of ours: what is then printed, here or in a child, would be written into it.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// The first number that is no standard stream's.
const BEHIND_STREAMS: i32 = 3;

/// The same file behind the numbers of the standard streams; closed on exec.
///
/// # Errors
/// When it must move and no descriptor is left.
pub(crate) fn above_streams(file: OwnedFd) -> io::Result<OwnedFd> {
    match file.as_raw_fd() {
        number if number < BEHIND_STREAMS => {
            Ok(rustix::io::fcntl_dupfd_cloexec(&file, BEHIND_STREAMS)?)
        }
        _ => Ok(file),
    }
}
