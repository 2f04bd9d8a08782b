//! Memory for a segment that was received rather than mapped: aligned, and without unsafe code.

use std::io::{self, Read};

/// Bytes that begin on a cache line, as a segment must. For executors that receive segments through a
/// file or a stream; one that maps them needs no buffer.
///
/// ```
/// use partools_core::wire::SegmentBuffer;
/// let mut stream = &b"0123456789"[..];
/// let segment = SegmentBuffer::read(&mut stream, 8)?;
/// assert_eq!(segment.as_bytes(), b"01234567");
/// assert!(segment.as_bytes().as_ptr().addr().is_multiple_of(SegmentBuffer::ALIGN));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct SegmentBuffer {
    bytes: Vec<u8>,
    start: usize,
}

impl SegmentBuffer {
    /// What it is aligned to, in bytes. Elements that need more can only be mapped.
    pub const ALIGN: usize = 64;

    /// Reads exactly `len` bytes.
    ///
    /// # Errors
    /// Where `reader` ends early or fails, or the memory is not to be had.
    pub fn read(reader: &mut impl Read, len: u64) -> io::Result<Self> {
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mut bytes: Vec<u8> = Vec::new();
        // The reader may probe for its end with a few bytes more.
        let room = len
            .checked_add(2 * Self::ALIGN)
            .ok_or(io::ErrorKind::OutOfMemory)?;
        bytes
            .try_reserve_exact(room)
            .map_err(|_| io::ErrorKind::OutOfMemory)?;
        let start = bytes.as_ptr().align_offset(Self::ALIGN);
        bytes.resize(start, 0);
        let read = reader.take(len as u64).read_to_end(&mut bytes)?;
        if read < len {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("a segment of {len} bytes ends after {read}"),
            ));
        }
        // There was room enough, so nothing has moved.
        debug_assert_eq!(
            bytes.as_ptr().align_offset(Self::ALIGN),
            start % Self::ALIGN
        );
        Ok(SegmentBuffer { bytes, start })
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}
