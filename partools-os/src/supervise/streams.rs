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
/// # use std::{fs, io, os::fd::AsRawFd};
/// # let path = std::env::temp_dir().join(format!("partools-os-flush-{}", std::process::id()));
/// # let file = fs::File::create(&path)?;
/// # // SAFETY: both are open, and nobody else writes to standard output in this process.
/// # assert_eq!(unsafe { libc::dup2(file.as_raw_fd(), 1) }, 1);
/// # let written = || fs::read_to_string(&path);
/// print!("no line end, and yet");
/// partools_os::flush_streams();
/// assert_eq!(written()?, "no line end, and yet"); // where standard output goes
/// # fs::remove_file(&path)?;
/// # Ok::<(), io::Error>(())
/// ```
pub fn flush_streams() {
    let _ = io::stdout().flush();
    let _ = io::stderr().flush();
    // SAFETY: a null stream means all of them; the C library takes its own locks.
    unsafe { libc::fflush(std::ptr::null_mut()) };
}
