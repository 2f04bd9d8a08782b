//! Emptying the buffers of the standard streams.
//!
//! A buffer that is not empty at a fork is there twice, and what is in it may be written twice. So: flush before a fork,
//! and at a child's clean end, since that ends in `_exit`, which flushes nothing.

use std::io::{self, Write};

/// Writes out what Rust's standard output and error, and all of C's streams, hold back.
///
/// What cannot be written stays where it is: that is for whoever wrote it to notice.
///
/// ```
/// print!("no line end, and yet");
/// partools_os::flush_streams();
/// ```
pub fn flush_streams() {
    let _ = io::stdout().flush();
    let _ = io::stderr().flush();
    // SAFETY: a null stream means all of them; the C library takes its own locks.
    unsafe { libc::fflush(std::ptr::null_mut()) };
}
