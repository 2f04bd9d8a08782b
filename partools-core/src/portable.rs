//! How an output crosses a process border: [`encode`] in the worker, [`decode`] in the parent.
//!
//! ```text
//! plain data (f64, Vec<f64>, [u32; 3], ...) ──> its own memory, lent   ──> copied into a new value
//! everything else ──> postcard, written strictly into a recycled Vec   ──> read back, checked, used up
//! ```
//!
//! The path is chosen by the type alone, so both sides agree without a tag. Bytes are native-endian:
//! they never leave the machine. Invariant: a value arrives as it was, or as an error. What serde's
//! attributes can break in a format that does not name its fields is found by `strict`, not guessed at.
//!
//! The bytes are trusted as far as they come from our own workers: random bytes give errors, but a
//! recursive type can be nested so deeply that writing or reading it overflows the stack.

use serde::Serialize;
use serde::de::DeserializeOwned;

mod error;
mod plain;
mod pod;
mod strict;

pub use error::CodecError;
use error::Way;
pub use pod::{Plain, PlainVec};

/// An output that can cross a process border.
///
/// Nobody implements it: every owned type that serde can write and read has it.
///
/// What goes how:
/// - numbers, `Vec`s of numbers, arrays of up to 4 common numbers and `Vec`s of those go as raw
///   memory ([`is_plain`] tells);
/// - everything else goes through serde. There a `Vec<f64>` *inside* a struct moves number by number,
///   about ten times slower than memory: [`PlainVec`] is the same thing at full speed;
/// - types that serde can only read from a format that names its fields (`flatten`, `untagged`,
///   `tag = "..."`, `serde_json::Value`), and structs whose fields are left out on one side only
///   (`skip_serializing_if`, `skip_serializing`, `skip_deserializing`), give a [`CodecError`] for the
///   item, never a wrong value. `skip`, `default`, `rename`, `alias`, `with`, `from` and `into` are fine.
///
/// A type whose serde is written by hand is refused too where it reads other fields, by number or by
/// name, than it writes, or names its variants otherwise.
///
/// ```
/// fn crosses<T: partools_core::Portable>() {}
/// crosses::<f64>();
/// crosses::<std::collections::BTreeMap<String, Vec<Option<u8>>>>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot cross to or from another process",
    note = "what crosses (outputs, items, what is `Serialized`) needs `#[derive(serde::Serialize, serde::Deserialize)]` \
            and no borrowed parts",
    note = "on threads any `Send` type will do"
)]
pub trait Portable: Serialize + DeserializeOwned + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + 'static> Portable for T {}

/// The bytes of `value`: plain data lends its own memory, the rest is written into `scratch`.
///
/// `scratch` is cleared before it is written to and keeps its capacity, so one buffer serves many
/// values. For plain data it is left alone.
///
/// # Errors
///
/// When the type's way through serde would lose or shift something (see [`Portable`]), or when its own
/// `Serialize` fails.
///
/// ```
/// use partools_core::{decode, encode};
///
/// let mut scratch = Vec::new();
/// let value = (1_u8, "one".to_owned());
/// let bytes = encode(&value, &mut scratch)?;
/// assert_eq!(decode::<(u8, String)>(bytes)?, value);
/// # Ok::<(), partools_core::CodecError>(())
/// ```
#[inline]
pub fn encode<'a, T: Portable>(
    value: &'a T,
    scratch: &'a mut Vec<u8>,
) -> Result<&'a [u8], CodecError> {
    if let Some(bytes) = plain::lend(value) {
        return Ok(bytes);
    }
    scratch.clear();
    match strict::write(value, scratch) {
        Ok(()) => Ok(scratch),
        Err(fault) => Err(CodecError::new::<T>(Way::Encode, &fault)),
    }
}

/// The value whose [`encode`] gave `bytes`. They may lie at any alignment, and are used up exactly.
///
/// # Errors
///
/// When `bytes` are not what [`encode`] writes for a `T`: too few, too many, or of another type (as far
/// as that shows: plain data is only checked for its length); or when the type cannot be read from a
/// format that does not name its fields.
///
/// ```
/// use partools_core::decode;
///
/// assert_eq!(decode::<u32>(&7_u32.to_ne_bytes())?, 7);
/// assert!(decode::<u32>(b"seven").is_err());
/// # Ok::<(), partools_core::CodecError>(())
/// ```
#[inline]
pub fn decode<T: Portable>(bytes: &[u8]) -> Result<T, CodecError> {
    let read = match plain::adopt(bytes) {
        Some(adopted) => adopted,
        None => strict::read(bytes),
    };
    read.map_err(|fault| CodecError::new::<T>(Way::Decode, &fault))
}

/// Whether a `T` goes as raw bytes, without serde.
///
/// ```
/// use partools_core::is_plain;
///
/// assert!(is_plain::<Vec<f64>>());
/// assert!(!is_plain::<String>());
/// ```
#[must_use]
#[inline]
pub fn is_plain<T: Portable>() -> bool {
    plain::is_plain::<T>()
}

/// The memory of a value whose type [is plain](is_plain); nothing of any other.
#[inline]
pub(crate) fn lend<T: Portable>(value: &T) -> &[u8] {
    plain::lend(value).unwrap_or_default()
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_serde;
