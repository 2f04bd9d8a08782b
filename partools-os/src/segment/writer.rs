//! What is written once, from its beginning to its end, straight into the memory file.
//!
//! Through a mapping, where all of it lies in [huge pages](super::huge_pages) already. Where the kernel has none, each page
//! would be faulted in and zeroed before it is overwritten; a write to the file gives the kernel the bytes with the
//! page. On two busy processors 400 MB took 200 to 230 ms so, and 440 to 450 ms through a mapping, whether its small pages were asked
//! for beforehand (`fallocate`, `MADV_POPULATE_WRITE`) or not.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;

use bytemuck::Pod;

use super::mapping::Mapping;
use super::{SharedVec, huge_pages, mapping, memory_file};

impl SharedVec<u8> {
    /// `len` bytes, which `write` writes one behind the other, frozen. They are written to the memory file itself, which is
    /// faster than filling a [`zeroed`](SharedVec::zeroed) one: best in large pieces.
    ///
    /// ```
    /// use partools_os::SharedVec;
    /// let text = SharedVec::written(11, |out| {
    ///     out.write_all(b"hello ")?;
    ///     out.write_all(b"there")
    /// })?;
    /// assert_eq!(text[..], *b"hello there");
    ///
    /// let error = SharedVec::written(11, |out| out.write_all(b"hello")).unwrap_err();
    /// assert_eq!(error.to_string(), "5 of 11 bytes were written");
    /// assert!(SharedVec::written(3, |out| out.write_all(b"hello")).is_err());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where `write` fails, or writes fewer bytes, or tries to write more; and as [`SharedVec::zeroed`].
    pub fn written(
        len: usize,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<SharedVec<u8>> {
        SharedVec::frozen(file_of(len, write)?, len)
    }
}

impl<T: Pod> SharedVec<T> {
    /// A frozen copy of `elements`.
    ///
    /// ```
    /// let primes = partools_os::SharedVec::from_slice(&[2, 3, 5])?;
    /// assert_eq!(primes.iter().sum::<i32>(), 10); // it derefs to a slice
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`SharedVec::zeroed`] and [`SharedVecMut::freeze`](super::SharedVecMut::freeze).
    pub fn from_slice(elements: &[T]) -> io::Result<SharedVec<T>> {
        let len = elements.len();
        if size_of::<T>() == 0 {
            return SharedVec::zeroed(len)?.freeze();
        }
        let bytes: &[u8] = bytemuck::cast_slice(elements);
        let file = file_of(mapping::byte_length::<T>(len)?, |out| out.write_all(bytes))?;
        SharedVec::frozen(file, len)
    }
}

/// A memory file of as many bytes as `write` must write.
fn file_of(
    bytes: usize,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<OwnedFd> {
    mapping::ask_for(bytes)?;
    let file = memory_file()?;
    // At once, so that a length that cannot be is an error before anything is written.
    rustix::fs::ftruncate(&file, bytes as u64)?;
    let is_large = bytes >= mapping::huge_page();
    let mut mapping = is_large
        .then(|| Mapping::<u8>::writable(&file, bytes))
        .transpose()?;
    let (file, left) = if let Some(mapping) = &mut mapping
        && huge_pages::lay_out(&file, mapping)
    {
        let mut room = mapping.as_mut_slice();
        write(&mut room)?;
        (file, room.len())
    } else {
        drop(mapping.take());
        let file = file.into();
        let mut room = Room { file, left: bytes };
        write(&mut room)?;
        (room.file.into(), room.left)
    };
    match left {
        0 => Ok(file),
        left => Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            format!("{} of {bytes} bytes were written", bytes - left),
        )),
    }
}

/// The file, up to its length.
struct Room {
    file: File,
    left: usize,
}

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(&bytes[..bytes.len().min(self.left)])?;
        self.left -= written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In small pages, and where the first of them are huge ones.
    #[test]
    fn as_many_bytes_as_were_promised_are_written_and_no_others() {
        for len in [10_000, (4 << 20) + 10_000] {
            let bytes: Vec<u8> = (0..251).cycle().take(len).collect();
            let made = SharedVec::written(len, |out| {
                bytes
                    .chunks(70_000)
                    .try_for_each(|part| out.write_all(part))
            });
            assert!(made.expect("memory")[..] == bytes, "{len}");

            let few = SharedVec::written(len, |out| out.write_all(&bytes[7..]));
            let why = few.expect_err("seven are missing").to_string();
            assert_eq!(why, format!("{} of {len} bytes were written", len - 7));

            let many = SharedVec::written(len, |out| {
                out.write_all(&bytes)?;
                out.write_all(&[1])
            });
            let why = many.expect_err("one too many").kind();
            assert_eq!(why, io::ErrorKind::WriteZero, "{len}");
        }
    }
}
