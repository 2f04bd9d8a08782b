//! From a reader straight into shared memory, so that what is read never exists twice.
//!
//! The memory is zero when the reader gets it, and its pages come into being as they are written. Short input, failing
//! readers and readers that lie about what they did are errors; the memory is given back then.

use std::error::Error;
use std::fmt;
use std::io::{self, Read};

use bytemuck::Pod;

use super::SharedVec;

impl<T: Pod> SharedVec<T> {
    /// Exactly `len` elements, read from `reader` straight into the shared memory: there is no second copy of them at
    /// any time, not even a part. What the reader has beyond them stays in it. The bytes are taken as they are, so
    /// numbers must be in this machine's byte order.
    ///
    /// This is also the safe way to share a file: another process that changes it later changes nothing here, which
    /// [`MappedSlice`](crate::MappedSlice) cannot promise.
    ///
    /// ```
    /// use partools_os::SharedVec;
    /// let mut input: &[u8] = &[1, 0, 2, 0, 3, 0, 99];
    /// let numbers = SharedVec::<u16>::from_reader(&mut input, 3)?;
    /// assert_eq!(numbers[..], [1, 2, 3].map(u16::to_le));
    /// assert_eq!(input, [99]);
    ///
    /// let error = SharedVec::<u16>::from_reader(input, 3).unwrap_err();
    /// assert_eq!(error.to_string(), "the input ended after 1 of 6 bytes, which is element 0 of 3");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the input ends early ([`UnexpectedEof`](io::ErrorKind::UnexpectedEof)); when the reader fails (its kind of
    /// error, and its error as the [source](Error::source)); and as [`SharedVec::zeroed`] and
    /// [`SharedVecMut::freeze`](crate::SharedVecMut::freeze).
    pub fn from_reader(reader: impl Read, len: usize) -> io::Result<SharedVec<T>> {
        let mut filling = SharedVec::<T>::zeroed(len)?;
        if size_of::<T>() > 0 {
            fill(
                bytemuck::cast_slice_mut(&mut filling),
                size_of::<T>(),
                reader,
            )?;
        }
        filling.freeze()
    }
}

/// Fills all of `bytes`, which are elements of `size` bytes.
fn fill(bytes: &mut [u8], size: usize, mut reader: impl Read) -> io::Result<()> {
    let (mut filled, all) = (0, bytes.len());
    while filled < all {
        let place = Place { filled, all, size };
        match reader.read(&mut bytes[filled..]) {
            Ok(0) => {
                let ended = format!("the input ended after {place}");
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, ended));
            }
            Ok(more) if more > all - filled => {
                let lie = format!(
                    "the reader claims {more} bytes, more than it was asked for, after {place}"
                );
                return Err(io::Error::new(io::ErrorKind::InvalidData, lie));
            }
            Ok(more) => filled += more,
            Err(interrupted) if interrupted.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(io::Error::new(cause.kind(), Failed { place, cause })),
        }
    }
    Ok(())
}

/// How far it got.
#[derive(Debug)]
struct Place {
    filled: usize,
    all: usize,
    size: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { filled, all, size } = self;
        let (element, len) = (filled / size, all / size);
        write!(
            f,
            "{filled} of {all} bytes, which is element {element} of {len}"
        )
    }
}

/// A reader's error, with the place.
#[derive(Debug)]
struct Failed {
    place: Place,
    cause: io::Error,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the reader failed after {}: {}", self.place, self.cause)
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives what it is told to, call by call.
    struct Script<'a>(Vec<io::Result<&'a [u8]>>);

    impl Read for Script<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let bytes = self.0.remove(0)?;
            buffer[..bytes.len()].copy_from_slice(bytes);
            Ok(bytes.len())
        }
    }

    #[test]
    fn parts_and_interruptions_make_a_whole() {
        let parts = Script(vec![
            Ok(&[1]),
            Err(io::ErrorKind::Interrupted.into()),
            Ok(&[0, 2]),
            Ok(&[0, 3, 0]),
        ]);
        let vector = SharedVec::<u16>::from_reader(parts, 3).expect("three numbers");
        assert_eq!(vector[..], [1, 2, 3].map(u16::to_le));
    }

    #[test]
    fn what_is_beyond_stays_in_the_reader() {
        let mut input: &[u8] = &[1, 2, 3, 4];
        SharedVec::<u8>::from_reader(&mut input, 3).expect("three bytes");
        assert_eq!(input, [4]);
    }

    #[test]
    fn nothing_is_read_for_no_elements_and_elements_of_no_size() {
        let mut input: &[u8] = &[1];
        assert!(
            SharedVec::<u64>::from_reader(&mut input, 0)
                .expect("none")
                .is_empty()
        );
        assert_eq!(
            SharedVec::<()>::from_reader(&mut input, 9)
                .expect("nine")
                .len(),
            9
        );
        assert_eq!(input, [1]);
    }

    #[test]
    fn short_input_is_an_error_that_says_where() {
        let short =
            SharedVec::<u32>::from_reader(Script(vec![Ok(&[0; 7])]), 3).expect_err("it is short");
        assert_eq!(short.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(
            short.to_string(),
            "the input ended after 7 of 12 bytes, which is element 1 of 3"
        );
    }

    #[test]
    fn a_failing_reader_is_an_error_that_says_where_and_why() {
        let cause = io::Error::from_raw_os_error(libc::EIO);
        let failed = SharedVec::<u32>::from_reader(Script(vec![Ok(&[0; 8]), Err(cause)]), 3)
            .expect_err("it fails");
        assert_eq!(
            failed.kind(),
            io::Error::from_raw_os_error(libc::EIO).kind()
        );
        assert!(
            failed
                .to_string()
                .starts_with("the reader failed after 8 of 12 bytes"),
            "{failed}"
        );
        let source = failed
            .get_ref()
            .and_then(Error::source)
            .expect("its own error");
        assert_eq!(
            source.downcast_ref().and_then(io::Error::raw_os_error),
            Some(libc::EIO)
        );
    }

    #[test]
    fn a_reader_that_lies_is_an_error() {
        struct Liar;
        impl Read for Liar {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                Ok(buffer.len() + 1)
            }
        }
        let lie = SharedVec::<u8>::from_reader(Liar, 10).expect_err("a lie");
        assert_eq!(lie.kind(), io::ErrorKind::InvalidData);
    }
}
