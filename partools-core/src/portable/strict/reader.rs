//! The reading half: a serde `Deserializer` that takes single values with postcard's and keeps count.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::table::Table;
use super::{Cause, Fault, Shape, fingerprint};

type Read<T> = Result<T, Fault>;

pub(super) struct Reader<'de> {
    rest: &'de [u8],
    variants: Table<'de>,
    shape: Shape,
    /// Some struct had more names than fields, so that names cannot be told to fields.
    aliased: bool,
    /// Something was refused, and must not be made good by a `Deserialize` that takes errors lightly:
    /// what it was refused is still in the bytes.
    refused: bool,
}

impl<'de> Reader<'de> {
    #[inline]
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self {
            rest: bytes,
            variants: Table::default(),
            shape: Shape::default(),
            aliased: false,
            refused: false,
        }
    }

    /// Compares the shapes and sees that nothing is left.
    #[inline]
    pub(super) fn finish(mut self) -> Read<()> {
        if self.refused {
            return Err(Cause::SelfDescribing.into());
        }
        if !self.shape.is_empty() {
            let (tail, rest) = self.rest.split_first_chunk().ok_or(Cause::Reshaped)?;
            self.rest = rest;
            let mut written = Shape::from_bytes(*tail);
            if self.aliased {
                written.names = self.shape.names;
            }
            if written != self.shape {
                return Err(Cause::Reshaped.into());
            }
        }
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Cause::Trailing(self.rest.len()).into())
        }
    }

    /// One value as postcard writes it. The visitor is called with it afterwards, and not by postcard,
    /// whose error type drops what a visitor has to say.
    #[inline]
    fn take<T: Deserialize<'de>>(&mut self) -> Read<T> {
        let (value, rest) = postcard::take_from_bytes(self.rest)?;
        self.rest = rest;
        Ok(value)
    }

    /// A length or place: a `usize` to postcard, of mostly one byte.
    #[inline]
    fn take_length(&mut self) -> Read<usize> {
        match self.rest {
            [short @ 0..0x80, rest @ ..] => {
                self.rest = rest;
                Ok(usize::from(*short))
            }
            _ => self.take(),
        }
    }

    #[inline]
    fn fields<V: Visitor<'de>>(
        &mut self,
        len: usize,
        names: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        let mut fields = Fields {
            reader: self,
            names,
            len,
            passed: 0,
        };
        let value = visitor.visit_seq(&mut fields)?;
        fields.close();
        Ok(value)
    }

    #[inline]
    fn elements(&mut self) -> Read<Elements<'_, 'de>> {
        let said = self.take_length()?;
        Ok(Elements {
            reader: self,
            said,
            left: said,
        })
    }
}

/// Single values: postcard's business.
macro_rules! leave_to_postcard {
    ($($method:ident: $value:ty => $visit:ident,)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
            let value: $value = self.take()?;
            visitor.$visit(value)
        }
    )*};
}

/// What only a format that describes itself could answer.
macro_rules! refuse {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, _visitor: V) -> Read<V::Value> {
            self.refused = true;
            Err(Cause::SelfDescribing.into())
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Fault;

    leave_to_postcard! {
        deserialize_bool: bool => visit_bool,
        deserialize_i8: i8 => visit_i8,
        deserialize_i16: i16 => visit_i16,
        deserialize_i32: i32 => visit_i32,
        deserialize_i64: i64 => visit_i64,
        deserialize_i128: i128 => visit_i128,
        deserialize_u8: u8 => visit_u8,
        deserialize_u16: u16 => visit_u16,
        deserialize_u32: u32 => visit_u32,
        deserialize_u64: u64 => visit_u64,
        deserialize_u128: u128 => visit_u128,
        deserialize_f32: f32 => visit_f32,
        deserialize_f64: f64 => visit_f64,
        deserialize_char: char => visit_char,
        deserialize_str: &'de str => visit_borrowed_str,
        deserialize_string: &'de str => visit_borrowed_str,
        deserialize_bytes: &'de [u8] => visit_borrowed_bytes,
        deserialize_byte_buf: &'de [u8] => visit_borrowed_bytes,
    }

    refuse!(deserialize_any deserialize_identifier deserialize_ignored_any);

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.take::<u8>()? {
            0 => visitor.visit_none(),
            1 => visitor.visit_some(self),
            _ => Err(postcard::Error::DeserializeBadOption.into()),
        }
    }

    #[inline]
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Read<V::Value> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Read<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        let mut elements = self.elements()?;
        let value = visitor.visit_seq(&mut elements)?;
        elements.close()?;
        Ok(value)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        let mut elements = self.elements()?;
        let value = visitor.visit_map(&mut elements)?;
        elements.close()?;
        Ok(value)
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Read<V::Value> {
        self.fields(len, &[], visitor)
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Read<V::Value> {
        self.fields(len, &[], visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        self.fields(fields.len(), fields, visitor)
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        visitor.visit_enum(self)
    }
}

impl<'de> de::EnumAccess<'de> for &mut Reader<'de> {
    type Error = Fault;
    type Variant = Self;

    #[inline]
    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Read<(V::Value, Self)> {
        let place = self.take_length()?;
        if place == self.variants.len() {
            let name = self.take()?;
            self.variants.push(name);
        }
        let name = self
            .variants
            .get(place)
            .ok_or(postcard::Error::DeserializeBadEnum)?;
        let variant = seed.deserialize(BorrowedStrDeserializer::<Fault>::new(name))?;
        Ok((variant, self))
    }
}

impl<'de> de::VariantAccess<'de> for &mut Reader<'de> {
    type Error = Fault;

    #[inline]
    fn unit_variant(self) -> Read<()> {
        Ok(())
    }

    #[inline]
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Read<T::Value> {
        seed.deserialize(self)
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Read<V::Value> {
        self.fields(len, &[], visitor)
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        self.fields(fields.len(), fields, visitor)
    }
}

/// A struct, tuple or variant being read: no length of its own, only its [`Shape`].
struct Fields<'a, 'de> {
    reader: &'a mut Reader<'de>,
    /// Names of the fields, with their aliases; none in a tuple.
    names: &'static [&'static str],
    /// No more than this are handed out.
    len: usize,
    passed: usize,
}

impl Fields<'_, '_> {
    #[inline]
    fn close(self) {
        self.reader.shape.close(self.passed);
        self.reader.aliased |= self.passed < self.names.len();
    }
}

impl<'de> SeqAccess<'de> for Fields<'_, 'de> {
    type Error = Fault;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<Option<T::Value>> {
        if self.passed == self.len {
            return Ok(None);
        }
        if let Some(name) = self.names.get(self.passed) {
            self.reader.shape.field(fingerprint(name));
        }
        self.passed += 1;
        seed.deserialize(&mut *self.reader).map(Some)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.len - self.passed)
    }
}

/// A sequence or map being read: all of it has to be taken.
struct Elements<'a, 'de> {
    reader: &'a mut Reader<'de>,
    said: usize,
    left: usize,
}

impl<'de> Elements<'_, 'de> {
    #[inline]
    fn close(self) -> Read<()> {
        if self.left == 0 {
            Ok(())
        } else {
            Err(Cause::Miscounted {
                said: self.said,
                had: self.said - self.left,
            }
            .into())
        }
    }

    /// Reads one element, or the key of one. An element of no bytes has one all the same: where millions are said to
    /// follow, there must be millions of bytes.
    #[inline]
    fn pass<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<T::Value> {
        self.left -= 1;
        let before = self.reader.rest.len();
        let value = seed.deserialize(&mut *self.reader)?;
        if self.reader.rest.len() == before {
            match self.reader.rest {
                [0, rest @ ..] => self.reader.rest = rest,
                _ => return Err(postcard::Error::DeserializeUnexpectedEnd.into()),
            }
        }
        Ok(value)
    }

    /// The length went ahead, but is believed only as far as there are bytes: what reserves room by it
    /// must not be led to reserve more than was sent.
    #[inline]
    fn hint(&self) -> Option<usize> {
        Some(self.left.min(self.reader.rest.len()))
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Fault;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<Option<T::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.pass(seed).map(Some)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

impl<'de> MapAccess<'de> for Elements<'_, 'de> {
    type Error = Fault;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Read<Option<K::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.pass(seed).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Read<V::Value> {
        seed.deserialize(&mut *self.reader)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}
