//! Memory for a segment that was received rather than mapped: aligned, and without unsafe code.

use std::io::{self, Read};

/// Bytes that begin on a page, as those of a mapped segment do. For executors that receive segments through a
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
    /// What it is aligned to, in bytes: a page, as memory that is mapped.
    pub const ALIGN: usize = 4096;

    /// Reads exactly `len` bytes. `len` is not believed: memory is taken as bytes come in.
    ///
    /// # Errors
    /// Where `reader` ends early or fails, or the memory is not to be had.
    pub fn read(reader: &mut impl Read, len: u64) -> io::Result<Self> {
        let whole = usize::try_from(len).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mut bytes = Vec::new();
        let start = reserve(&mut bytes, whole.min(FIRST))?;
        bytes.resize(start, 0);
        let mut read = 0;
        while read < whole {
            // Twice as many as there are, so that what is copied to a larger place is bounded by what came in.
            let step = read.max(FIRST).min(whole - read);
            let room = step.checked_add(PROBE).ok_or(io::ErrorKind::OutOfMemory)?;
            bytes
                .try_reserve_exact(room)
                .map_err(|_| io::ErrorKind::OutOfMemory)?;
            let came = reader.by_ref().take(step as u64).read_to_end(&mut bytes)?;
            read += came;
            if came < step {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    format!("a segment of {whole} bytes ends after {read}"),
                ));
            }
        }
        Self::aligned(bytes, start)
    }

    /// Takes the `len` bytes that `write` writes.
    pub(super) fn fill(
        len: u64,
        write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
    ) -> io::Result<Self> {
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mut bytes = Vec::new();
        let start = reserve(&mut bytes, len)?;
        bytes.resize(start, 0);
        write(&mut bytes)?;
        Self::aligned(bytes, start)
    }

    /// What follows `start` in `bytes`, moved to where it is aligned, should the vector have moved.
    fn aligned(mut bytes: Vec<u8>, start: usize) -> io::Result<Self> {
        let len = bytes.len() - start;
        if bytes.as_ptr().align_offset(Self::ALIGN) != start % Self::ALIGN {
            bytes
                .try_reserve_exact(Self::ALIGN)
                .map_err(|_| io::ErrorKind::OutOfMemory)?;
            let to = bytes.as_ptr().align_offset(Self::ALIGN);
            bytes.resize(bytes.len().max(to + len), 0);
            bytes.copy_within(start..start + len, to);
            bytes.truncate(to + len);
            return Ok(SegmentBuffer { bytes, start: to });
        }
        Ok(SegmentBuffer { bytes, start })
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

/// How many bytes are reserved before the first has come in.
const FIRST: usize = 1 << 20;
/// A reader may look for its end with a few bytes more.
const PROBE: usize = 64;

/// Reserves memory for `len` bytes, and says how many bytes in front of them they are aligned behind.
fn reserve(bytes: &mut Vec<u8>, len: usize) -> io::Result<usize> {
    let room = len
        .checked_add(SegmentBuffer::ALIGN + PROBE)
        .ok_or(io::ErrorKind::OutOfMemory)?;
    bytes
        .try_reserve_exact(room)
        .map_err(|_| io::ErrorKind::OutOfMemory)?;
    Ok(bytes.as_ptr().align_offset(SegmentBuffer::ALIGN))
}
