//! postcard, with what it takes on trust checked.
//!
//! postcard writes fields one after another and names nothing. That is fast, and safe only while the
//! two halves of a type's serde agree; attributes can make them differ, and then a *wrong value* may
//! decode, to the last byte. So [`write()`] and [`read()`] walk the value themselves, leave numbers, strings
//! and bytes to postcard, and differ from it in five things:
//! - a skipped field is an error, as is a sequence or map that is not as long as it said;
//! - variants go by name, written once per message and by number in that table afterwards. Indexes
//!   are wrong after a variant with `#[serde(skip)]`: serde counts it when writing, not when reading;
//! - the [`Shape`] of what was written follows the bytes, and must be the shape of what was read;
//! - an element of a sequence or map has one byte at least, also where it is written as none (`()`, or a
//!   struct whose fields are all skipped), so that a length promises no more than its bytes can keep;
//! - nothing may be left over.
//!
//! Not seen: fields of equal number left out crosswise (`skip_serializing` on one, `skip_deserializing` on
//! another) where they have no names, in tuple structs, or where some field has an alias.
//!
//! Rejected: names on the wire for fields too (a second format, and slow), and a table of types made
//! ahead (serde can write one value of a type without telling what others there may be).

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Cause, Fault};

mod reader;
mod table;
mod writer;

/// Appends `value` to `out`.
#[inline]
pub(super) fn write<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), Fault> {
    let mut writer = writer::Writer::new(out);
    value.serialize(&mut writer)?;
    writer.finish();
    Ok(())
}

/// The value that `bytes` are, all of them.
#[inline]
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    let mut reader = reader::Reader::new(bytes);
    let value = T::deserialize(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

/// A running hash of the structs and tuples gone through: their field counts as they end, and the names of
/// their fields as they begin. Counts and names are kept apart because names cannot be compared where
/// the reading side has aliases.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Shape {
    counts: u32,
    names: u32,
}

impl Shape {
    const BYTES: usize = 8;

    /// A named field begins.
    #[inline]
    fn field(&mut self, fingerprint: u32) {
        self.names = mix(self.names, fingerprint);
    }

    /// A struct or tuple ends.
    #[inline]
    fn close(&mut self, fields: usize) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "2^32 fields more or less: tuples are not as long"
        )]
        let fields = fields as u32;
        self.counts = mix(self.counts, fields.wrapping_add(1));
    }

    /// Nothing was passed: no bytes are spent on saying so.
    #[inline]
    fn is_empty(self) -> bool {
        self == Self::default()
    }

    fn to_bytes(self) -> [u8; Self::BYTES] {
        bytemuck::cast([self.counts, self.names])
    }

    fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let [counts, names] = bytemuck::cast(bytes);
        Self { counts, names }
    }
}

/// One step of a multiplicative hash. The rotation brings the high bits, which a product mixes best,
/// back to where the next step can use them.
#[inline]
fn mix(hash: u32, word: u32) -> u32 {
    (hash.rotate_left(15) ^ word).wrapping_mul(0x9E37_79B1)
}

/// FNV-1a of a field's name. Names are literals in serde's generated code, and a loop as simple as this
/// one over a literal is run by the compiler; cleverer ones are not, and cost more.
#[inline]
fn fingerprint(name: &str) -> u32 {
    name.bytes().fold(0x811C_9DC5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::{Shape, fingerprint};

    #[test]
    fn names_of_every_length_differ_by_any_one_byte() {
        for length in 1..40 {
            let name = "x".repeat(length);
            for at in 0..length {
                let mut other = name.clone();
                other.replace_range(at..=at, "y");
                assert_ne!(
                    fingerprint(&name),
                    fingerprint(&other),
                    "{name} and {other}"
                );
            }
            assert_ne!(fingerprint(&name), fingerprint(&name[1..]), "{name}");
        }
    }

    #[test]
    fn names_in_another_order_have_another_shape() {
        let shape_of = |names: [&str; 2]| {
            let mut shape = Shape::default();
            for name in names {
                shape.field(fingerprint(name));
            }
            shape.close(2);
            shape
        };
        assert_ne!(shape_of(["a", "b"]), shape_of(["b", "a"]));
        assert_eq!(
            Shape::from_bytes(shape_of(["a", "b"]).to_bytes()),
            shape_of(["a", "b"])
        );
    }
}
