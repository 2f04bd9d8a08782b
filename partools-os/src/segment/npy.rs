//! NumPy's `.npy` files, mapped as they lie.
//!
//! ```text
//!   \x93NUMPY | major minor | length of the header (2 bytes, from version 2 on 4) | header | elements
//!   header: {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), } padded with spaces, a newline at its end
//! ```
//!
//! The format is <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>, versions 1 to 3. What cannot
//! be mapped as it lies (another type, byte order or order of axes) is an error that says what to save instead.

use std::any::type_name;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use bytemuck::Pod;

use super::MappedSlice;
use super::file::{at, check_regular};
use crate::descriptors::above_streams;

mod literal;

use literal::{Literal, dictionary};

/// A type of elements that `.npy` files have: `i8` to `i64`, `u8` to `u64`, `f32` and `f64`. NumPy's `bool` is read as `u8`,
/// 0 or 1, since a `bool` of Rust may not be made of bytes that nobody has checked.
///
/// ```
/// use partools_os::{MappedSlice, NpyElement};
/// use std::io;
///
/// /// The largest element of an array in a file that nobody writes to.
/// ///
/// /// # Safety
/// /// As [`MappedSlice::open_npy`].
/// unsafe fn largest<T: NpyElement + PartialOrd>(path: &str) -> io::Result<Option<T>> {
///     // SAFETY: the caller's promise.
///     let array = unsafe { MappedSlice::<T>::open_npy(path) }?;
///     Ok(array.iter().copied().max_by(|a, b| a.partial_cmp(b).expect("no NaN")))
/// }
/// // SAFETY: nobody writes to a running program.
/// let error = unsafe { largest::<f64>("/proc/self/exe") }.unwrap_err();
/// assert!(error.to_string().contains("no .npy file"), "{error}");
/// ```
pub trait NpyElement: Pod + sealed::Sealed {
    /// NumPy's names of the type, without the byte order.
    #[doc(hidden)]
    const CODES: &'static [&'static str];
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! npy_elements {
    ($($element:ty: $($code:literal),*;)*) => {$(
        impl sealed::Sealed for $element {}
        impl NpyElement for $element {
            const CODES: &'static [&'static str] = &[$($code),*];
        }
    )*};
}
npy_elements! {
    u8: "u1", "b1"; u16: "u2"; u32: "u4"; u64: "u8";
    i8: "i1"; i16: "i2"; i32: "i4"; i64: "i8";
    f32: "f4"; f64: "f8";
}

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// What an `.npz` archive begins with.
const ARCHIVE: &[u8] = b"PK\x03\x04";
/// NumPy itself reads no header beyond 10,000 characters unless told to.
const LONGEST_HEADER: u64 = 1 << 20;
const NATIVE: char = if cfg!(target_endian = "little") {
    '<'
} else {
    '>'
};

impl<T: NpyElement> MappedSlice<T> {
    /// Maps the array in an `.npy` file, as `numpy.save` writes it: format versions 1 to 3, C order, this machine's byte
    /// order, and elements of exactly this type. [`shape`](MappedSlice::shape) says how they are arranged.
    ///
    /// What lies behind the array (a second one) is left alone.
    ///
    /// ```
    /// # let path = std::env::temp_dir().join(format!("table-{}.npy", std::process::id()));
    /// # let header = "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }";
    /// # let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    /// # file.extend(format!("{header:<117}\n").bytes());
    /// # file.extend(bytemuck::cast_slice(&[1_i32, 2, 3, 4, 5, 6]));
    /// # std::fs::write(&path, file)?;
    /// use partools_os::MappedSlice;
    /// // numpy.save(path, numpy.array([[1, 2, 3], [4, 5, 6]], dtype='int32'))
    /// // SAFETY: nobody else knows this file.
    /// let table = unsafe { MappedSlice::<i32>::open_npy(&path) }?;
    /// assert_eq!(table.shape(), [2, 3]);
    /// assert_eq!(table[..], [1, 2, 3, 4, 5, 6]);
    ///
    /// // SAFETY: as above.
    /// let error = unsafe { MappedSlice::<f64>::open_npy(&path) }.unwrap_err();
    /// assert!(error.to_string().contains("array.astype('<f8')"), "{error}");
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Safety
    /// As [`MappedSlice::open`].
    ///
    /// # Errors
    /// As [`MappedSlice::open`]; and when the file is no `.npy` file, is cut off, or has elements of another type, in
    /// another byte order, or in Fortran order: the text says what was found and what to save instead.
    pub unsafe fn open_npy(path: impl AsRef<Path>) -> io::Result<MappedSlice<T>> {
        let path = path.as_ref();
        let opened = File::open(path).and_then(|file| {
            // SAFETY: the caller's promise.
            unsafe { MappedSlice::from_npy_file(file) }
        });
        opened.map_err(|why| at(path, &why))
    }

    /// As [`MappedSlice::open_npy`], of an open file; wherever it is read at the moment, the array is at its beginning.
    ///
    /// # Safety
    /// As [`MappedSlice::open`].
    ///
    /// # Errors
    /// As [`MappedSlice::open_npy`].
    pub unsafe fn from_npy_file(file: File) -> io::Result<MappedSlice<T>> {
        let file = above_streams(file.into())?;
        let size = check_regular(&file)?;
        let header = Header::read(&file, size)?;
        header.check_order::<T>()?;
        let len = header.count::<T>(size)?;
        // SAFETY: the caller's promise; `count` has found that the elements are aligned and in the file.
        unsafe { MappedSlice::map(file, header.begin, len, header.shape.into()) }
    }
}

/// What an `.npy` file says of itself.
#[derive(Debug)]
struct Header {
    descr: Literal,
    fortran_order: bool,
    shape: Vec<usize>,
    /// The byte at which the elements begin.
    begin: u64,
}

impl Header {
    fn read(file: &OwnedFd, size: u64) -> io::Result<Header> {
        let mut start = [0; 12];
        let got = read_at(file, &mut start, 0)?;
        let start = &start[..got];
        if start.starts_with(ARCHIVE) {
            return Err(damaged(
                "this is an archive (.npz): unpack it, each file in it is an .npy file".to_owned(),
            ));
        }
        if !start.starts_with(MAGIC) {
            return Err(damaged(format!(
                "this is no .npy file: it begins with {:?}, not with {:?}",
                start[..got.min(MAGIC.len())].escape_ascii().to_string(),
                MAGIC.escape_ascii().to_string()
            )));
        }
        let (length, begin) = match *start {
            [_, _, _, _, _, _, 1, 0, a, b, ..] => (u64::from(u16::from_le_bytes([a, b])), 10),
            [_, _, _, _, _, _, 2 | 3, 0, a, b, c, d] => {
                (u64::from(u32::from_le_bytes([a, b, c, d])), 12)
            }
            [_, _, _, _, _, _, 1..=3, 0, ..] | [_, _, _, _, _, _] | [_, _, _, _, _, _, _] => {
                return Err(cut_off(size));
            }
            [_, _, _, _, _, _, major, minor, ..] => {
                return Err(damaged(format!(
                    "it is an .npy file of version {major}.{minor}; versions 1.0, 2.0 and 3.0 are known here: save it with \
                     numpy.save"
                )));
            }
            _ => return Err(cut_off(size)),
        };
        if begin + length > size {
            return Err(cut_off(size));
        }
        if length > LONGEST_HEADER {
            return Err(damaged(format!(
                "its header has {length} bytes, which is more than any array needs"
            )));
        }
        let mut text = vec![0; usize::try_from(length).map_err(|_| cut_off(size))?];
        if read_at(file, &mut text, begin)? < text.len() {
            return Err(cut_off(size));
        }
        Header::parse(&text, begin + length)
    }

    fn parse(text: &[u8], begin: u64) -> io::Result<Header> {
        let strange = || {
            let shown = &text[..text.len().min(200)];
            damaged(format!(
                "its header is not understood: {}",
                shown.trim_ascii().escape_ascii()
            ))
        };
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        for (key, value) in dictionary(text).ok_or_else(strange)? {
            match (key.as_str(), value) {
                ("descr", value) => descr = Some(value),
                ("fortran_order", Literal::Truth(truth)) => fortran_order = Some(truth),
                ("shape", Literal::Row(axes)) => shape = axes.iter().map(length).collect(),
                _ => return Err(strange()),
            }
        }
        match (descr, fortran_order, shape) {
            (Some(descr), Some(fortran_order), Some(shape)) => Ok(Header {
                descr,
                fortran_order,
                shape,
                begin,
            }),
            _ => Err(strange()),
        }
    }

    /// Whether the elements lie there as `T`s in C order.
    fn check_order<T: NpyElement>(&self) -> io::Result<()> {
        let wanted = format!(
            "{}{}",
            if size_of::<T>() == 1 { '|' } else { NATIVE },
            T::CODES[0]
        );
        let (asked, save) = (
            type_name::<T>(),
            format!("save it with numpy.save(path, array.astype('{wanted}'))"),
        );
        let Literal::Text(descr) = &self.descr else {
            return Err(unsuited(format!(
                "it has elements of several fields, and {asked} was asked for: save each field in a file of its own, with \
                 numpy.save(path, array['field'])"
            )));
        };
        let code = descr.trim_start_matches(['<', '>', '|', '=']);
        if !T::CODES.contains(&code) {
            let advice = match rust_name(code) {
                Some(name) => format!("map it as {name}, or {save}"),
                None => save,
            };
            return Err(unsuited(format!(
                "it has elements of type '{descr}' ({}), and {asked} was asked for: {advice}",
                in_words(code)
            )));
        }
        let is_swapped = descr.starts_with(['<', '>']) && !descr.starts_with(NATIVE);
        if is_swapped && size_of::<T>() > 1 {
            return Err(unsuited(format!(
                "its elements ('{descr}') are in the other byte order than this machine's: {save}"
            )));
        }
        if self.fortran_order {
            return Err(unsuited(
                "it is in Fortran order (column by column), and a slice of rows was asked for: save it with \
                 numpy.save(path, numpy.ascontiguousarray(array))"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// How many elements there are, all of them in the file.
    fn count<T: NpyElement>(&self, size: u64) -> io::Result<usize> {
        let (begin, shape) = (self.begin, &self.shape);
        if !begin.is_multiple_of(align_of::<T>() as u64) {
            return Err(unsuited(format!(
                "its elements begin at byte {begin}, which does not suit {}: load and save it with a current NumPy, which \
                 begins them at a multiple of 64",
                type_name::<T>()
            )));
        }
        let count = match shape.contains(&0) {
            true => Some(0),
            false => shape
                .iter()
                .try_fold(1_usize, |count, &axis| count.checked_mul(axis)),
        };
        let bytes = count.and_then(|count| count.checked_mul(size_of::<T>()));
        match (count, bytes) {
            (Some(count), Some(bytes)) if bytes as u64 <= size - begin => Ok(count),
            _ => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!(
                    "it is cut off: an array of shape {shape:?} does not fit in the {} bytes behind its header",
                    size - begin
                ),
            )),
        }
    }
}

/// The length of an axis.
fn length(axis: &Literal) -> Option<usize> {
    match axis {
        Literal::Number(length) => usize::try_from(*length).ok(),
        _ => None,
    }
}

/// Fills `buffer` from byte `offset` of the file on, as far as there is something; says how far.
fn read_at(file: &OwnedFd, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match rustix::io::pread(file, &mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(rustix::io::Errno::INTR) => {}
            Err(why) => return Err(why.into()),
        }
    }
    Ok(filled)
}

fn damaged(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

fn unsuited(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

fn cut_off(size: u64) -> io::Error {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        format!("the header of the .npy file is cut off: the file has {size} bytes"),
    )
}

/// The type of Rust that has these elements.
fn rust_name(code: &str) -> Option<&'static str> {
    let names = [
        (u8::CODES, "u8"),
        (u16::CODES, "u16"),
        (u32::CODES, "u32"),
        (u64::CODES, "u64"),
        (i8::CODES, "i8"),
        (i16::CODES, "i16"),
        (i32::CODES, "i32"),
        (i64::CODES, "i64"),
        (f32::CODES, "f32"),
        (f64::CODES, "f64"),
    ];
    let found = names.into_iter().find(|(codes, _)| codes.contains(&code));
    found.map(|(_, name)| name)
}

/// What a code of NumPy means.
fn in_words(code: &str) -> &'static str {
    match code.as_bytes().first() {
        Some(b'b') => "truth values",
        Some(b'i') => "signed integers",
        Some(b'u') => "unsigned integers",
        Some(b'f') => "floating point numbers",
        Some(b'c') => "complex numbers",
        Some(b'O') => "Python objects",
        Some(b'S' | b'a') => "byte strings",
        Some(b'U') => "text",
        Some(b'M') => "points in time",
        Some(b'm') => "spans of time",
        _ => "something else than numbers",
    }
}

#[cfg(test)]
mod tests;
