//! A user's own plain types at memory speed, alone or inside a larger serde type: [`Plain`] for one,
//! [`PlainVec`] for many. To serde each is one run of bytes.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use bytemuck::Pod;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::Fault;
use super::plain::{read_many, read_one};

/// One value of plain data ([`bytemuck::Pod`]), as its raw bytes.
///
/// Endianness and layout are this build's: for crossing a process border, not for keeping.
///
/// ```
/// use partools_core::{Plain, decode, encode};
///
/// let row = Plain([0.5_f64; 16]);
/// let mut scratch = Vec::new();
/// let back: Plain<[f64; 16]> = decode(encode(&row, &mut scratch)?)?;
/// assert_eq!(back.into_inner(), [0.5; 16]);
/// # Ok::<(), partools_core::CodecError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Plain<T: Pod>(pub T);

/// Many values of plain data ([`bytemuck::Pod`]), as their raw bytes.
///
/// Inside a struct it moves at memory speed what a `Vec<f64>` there would move number by number.
/// Elements of no size do not compile: their bytes could not be counted.
///
/// ```
/// use partools_core::{PlainVec, decode, encode};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Track {
///     name: String,
///     samples: PlainVec<f32>,
/// }
///
/// let track = Track { name: "hum".to_owned(), samples: vec![0.25; 1000].into() };
/// let mut scratch = Vec::new();
/// let back: Track = decode(encode(&track, &mut scratch)?)?;
/// assert_eq!(back.samples, track.samples);
/// # Ok::<(), partools_core::CodecError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PlainVec<T: Pod>(pub Vec<T>);

/// What the two have in common but their bytes.
macro_rules! conveniences {
    ($plain:ident, $inner:ty) => {
        impl<T: Pod> $plain<T> {
            /// What is inside.
            #[must_use]
            pub fn into_inner(self) -> $inner {
                self.0
            }
        }

        impl<T: Pod> From<$inner> for $plain<T> {
            fn from(inner: $inner) -> Self {
                Self(inner)
            }
        }

        impl<T: Pod> Deref for $plain<T> {
            type Target = $inner;

            fn deref(&self) -> &$inner {
                &self.0
            }
        }

        impl<T: Pod> DerefMut for $plain<T> {
            fn deref_mut(&mut self) -> &mut $inner {
                &mut self.0
            }
        }
    };
}
conveniences!(Plain, T);
conveniences!(PlainVec, Vec<T>);

impl<T: Pod> Serialize for Plain<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytemuck::bytes_of(&self.0))
    }
}

impl<T: Pod> Serialize for PlainVec<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytemuck::cast_slice(&self.0))
    }
}

impl<'de, T: Pod> Deserialize<'de> for Plain<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_bytes(Bytes(read_one, PhantomData))
            .map(Self)
    }
}

impl<'de, T: Pod> Deserialize<'de> for PlainVec<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_bytes(Bytes(read_many, PhantomData))
            .map(Self)
    }
}

/// Takes a run of bytes and reads it with the function it holds.
struct Bytes<F, V>(F, PhantomData<V>);

impl<F: FnOnce(&[u8]) -> Result<V, Fault>, V> Visitor<'_> for Bytes<F, V> {
    type Value = V;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the raw bytes of plain data")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<V, E> {
        (self.0)(bytes).map_err(E::custom)
    }
}
