//! Values in a row: each known by its length, or by its type where that is plain and of one size.

use super::error::WireError;
use crate::portable::{CodecError, Portable, decode, encode, is_plain};

/// Is every value of the type the same number of raw bytes?
pub(crate) const fn is_fixed<T>(plain: bool) -> bool {
    plain && !std::mem::needs_drop::<T>()
}

/// Writes values in a row.
///
/// ```
/// use partools_core::wire::{FrameReader, FrameWriter};
/// let mut row = FrameWriter::new();
/// row.value(&7_u64)?; // 8 bytes
/// row.value(&"seven".to_owned())?; // 5, and lengths
/// row.slice(&[0.5, 1.5])?;
/// let mut reader = FrameReader::new(row.as_bytes());
/// assert_eq!((reader.value::<u64>()?, reader.value::<String>()?), (7, "seven".to_owned()));
/// assert_eq!(reader.slice::<f64>()?, [0.5, 1.5]);
/// assert!(reader.is_empty());
/// # Ok::<(), partools_core::CodecError>(())
/// ```
#[derive(Debug, Default, Clone)]
pub struct FrameWriter {
    bytes: Vec<u8>,
    scratch: Vec<u8>,
}

impl FrameWriter {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was written.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What lies behind so many bytes is taken back.
    pub(super) fn truncate(&mut self, bytes: usize) {
        self.bytes.truncate(bytes);
    }

    /// Nothing again; the room is kept.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Bytes without a length, for a header of known size. Later bytes are overwritten at `at`.
    pub(super) fn overwrite(&mut self, at: usize, header: &[u8]) {
        let end = at + header.len();
        self.bytes.resize(self.bytes.len().max(end), 0);
        self.bytes[at..end].copy_from_slice(header);
    }

    /// Appends bytes, with their length.
    pub fn bytes(&mut self, bytes: &[u8]) {
        put_length(&mut self.bytes, bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends a value.
    ///
    /// # Errors
    /// Where it cannot be encoded; nothing was appended then.
    #[inline]
    pub fn value<V: Portable>(&mut self, value: &V) -> Result<(), CodecError> {
        let bytes = encode(value, &mut self.scratch)?;
        if !is_fixed::<V>(is_plain::<V>()) {
            put_length(&mut self.bytes, bytes.len());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Appends a slice, with its length.
    ///
    /// # Errors
    /// Where an element cannot be encoded; nothing was appended then.
    pub fn slice<V: Portable>(&mut self, slice: &[V]) -> Result<(), CodecError> {
        let mut inner = FrameWriter::new();
        for value in slice {
            inner.value(value)?;
        }
        put_length(&mut self.bytes, inner.bytes.len());
        put_length(&mut self.bytes, slice.len());
        self.bytes.extend_from_slice(&inner.bytes);
        Ok(())
    }
}

/// Reads values in a row. Where a length does not fit what is left, nothing more is read, and
/// [`check`](Self::check) says so.
///
/// ```
/// use partools_core::wire::{FrameReader, FrameWriter};
/// let mut row = FrameWriter::new();
/// row.bytes(b"all of it");
/// let mut damaged = FrameReader::new(&row.as_bytes()[..4]);
/// assert_eq!(damaged.bytes(), b""); // rather than a part
/// assert!(damaged.check().is_err());
/// ```
#[derive(Debug, Clone)]
pub struct FrameReader<'b> {
    rest: &'b [u8],
    broken: bool,
}

impl<'b> FrameReader<'b> {
    /// The values in `bytes`.
    #[must_use]
    pub fn new(bytes: &'b [u8]) -> Self {
        FrameReader {
            rest: bytes,
            broken: false,
        }
    }

    /// Is nothing left?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next bytes.
    pub fn bytes(&mut self) -> &'b [u8] {
        let len = self.length();
        self.take(len)
    }

    /// The next value.
    ///
    /// # Errors
    /// Where its bytes are not those of such a value. It was passed then, unless [`check`](Self::check) says that the
    /// row itself is damaged.
    #[inline]
    pub fn value<V: Portable>(&mut self) -> Result<V, CodecError> {
        let len = match is_fixed::<V>(is_plain::<V>()) {
            true => size_of::<V>(),
            false => self.length(),
        };
        decode(self.take(len))
    }

    /// The next slice.
    ///
    /// # Errors
    /// As [`value`](Self::value).
    pub fn slice<V: Portable>(&mut self) -> Result<Vec<V>, CodecError> {
        let len = self.length();
        let count = self.length();
        let mut inner = FrameReader::new(self.take(len));
        // Each element has a byte at least: its length, or itself.
        let least = match is_fixed::<V>(is_plain::<V>()) {
            true => size_of::<V>(),
            false => 1,
        };
        if count > inner.rest.len() / least {
            self.broken = true;
        }
        if self.broken {
            return Ok(Vec::new());
        }
        // Room is reserved for what was sent, not for what it may become: an element may be much larger here.
        let mut values = Vec::with_capacity(count.min(len / size_of::<V>().max(1) + 1));
        for _ in 0..count {
            let value = inner.value();
            self.broken |= inner.broken;
            values.push(value?);
        }
        self.broken |= !inner.is_empty();
        Ok(values)
    }

    /// Was the row whole, as far as it was read?
    ///
    /// # Errors
    /// Where a length did not fit.
    pub fn check(&self) -> Result<(), WireError> {
        match self.broken {
            true => Err(WireError::new("a length that does not fit what is there")),
            false => Ok(()),
        }
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    /// Passes so many bytes.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.take(bytes);
    }

    /// What was read made no sense: the row counts as damaged.
    pub(crate) fn spoil(&mut self) {
        self.broken = true;
        self.rest = &[];
    }

    #[inline]
    fn take(&mut self, len: usize) -> &'b [u8] {
        match self.rest.split_at_checked(len) {
            Some((bytes, rest)) => {
                self.rest = rest;
                bytes
            }
            None => {
                self.broken = true;
                self.rest = &[];
                &[]
            }
        }
    }

    /// A length: seven bits a byte, the lowest first, the last byte below 128.
    #[inline]
    fn length(&mut self) -> usize {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let Some((&byte, rest)) = self.rest.split_first() else {
                break;
            };
            self.rest = rest;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return usize::try_from(value).unwrap_or(usize::MAX);
            }
        }
        self.broken = true;
        self.rest = &[];
        0
    }
}

#[inline]
fn put_length(out: &mut Vec<u8>, mut len: usize) {
    while len >= 0x80 {
        out.push(len.to_le_bytes()[0] | 0x80);
        len >>= 7;
    }
    out.push(len.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(length: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_length(&mut bytes, length);
        bytes
    }

    #[test]
    fn lengths_are_read_as_they_were_written_at_every_end() {
        let ends = (0..usize::BITS).flat_map(|bit| {
            let power = 1_usize << bit;
            [power - 1, power, power.saturating_add(1)]
        });
        for length in ends.chain([usize::MAX - 1, usize::MAX]) {
            let bytes = written(length);
            let mut reader = FrameReader::new(&bytes);
            assert_eq!(reader.length(), length);
            assert!(reader.is_empty() && reader.check().is_ok());
            let bits = usize::BITS - length.leading_zeros();
            assert_eq!(bytes.len(), bits.div_ceil(7).max(1) as usize, "{length}");
        }
    }

    #[test]
    fn a_length_that_is_cut_off_or_too_long_is_none() {
        let longest = written(usize::MAX);
        for cut in 0..longest.len() {
            let mut reader = FrameReader::new(&longest[..cut]);
            assert_eq!((reader.length(), reader.check().is_err()), (0, true));
        }
        for bytes in [
            // 2^64, and eleven bytes.
            &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02][..],
            &[
                0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01,
            ],
            &[0xff; 10],
        ] {
            let mut reader = FrameReader::new(bytes);
            assert_eq!((reader.length(), reader.check().is_err()), (0, true));
        }
    }

    #[test]
    fn what_is_shorter_than_its_length_breaks_the_row_for_good() {
        for length in [4, 127, 128, usize::MAX >> 1, usize::MAX] {
            let mut bytes = Vec::new();
            put_length(&mut bytes, length);
            bytes.extend(b"abc");
            let mut reader = FrameReader::new(&bytes);
            assert_eq!(reader.bytes(), b"");
            assert!(reader.check().is_err() && reader.is_empty());
            assert!(reader.value::<u8>().is_err());
            assert_eq!(reader.bytes(), b"");
            assert!(reader.check().is_err());
        }
    }

    #[test]
    fn a_slice_has_as_many_elements_as_it_says_or_none() {
        let mut out = FrameWriter::new();
        out.slice(&[7_u32, 8, 9]).unwrap();
        let honest = out.as_bytes().to_vec();
        assert_eq!(honest[..2], [12, 3]);
        let read = |bytes: &[u8]| {
            let mut reader = FrameReader::new(bytes);
            let read = reader.slice::<u32>();
            reader.check().ok().and(read.ok())
        };
        assert_eq!(read(&honest), Some(vec![7, 8, 9]));
        for count in [0, 1, 2, 4, 127] {
            let mut lying = honest.clone();
            lying[1] = count;
            assert_eq!(read(&lying), None, "{count}");
        }
        // As many as can be said, of elements that have a byte each at most.
        let mut lying = vec![12];
        put_length(&mut lying, usize::MAX);
        lying.extend(&honest[2..]);
        assert_eq!(read(&lying), None);
        let mut reader = FrameReader::new(&lying);
        assert!(reader.slice::<()>().is_ok_and(|none| none.is_empty()));
        assert!(reader.check().is_err());
    }

    #[test]
    fn a_value_that_cannot_be_read_is_passed() {
        let mut out = FrameWriter::new();
        out.value(&"text".to_owned()).unwrap();
        out.value(&5_u16).unwrap();
        let mut reader = FrameReader::new(out.as_bytes());
        assert!(reader.value::<Vec<bool>>().is_err());
        assert_eq!(reader.value::<u16>().unwrap(), 5);
        assert!(reader.check().is_ok() && reader.is_empty());
    }
}
