//! The writing half: a serde `Serializer` that leaves single values to postcard's and keeps count.

use std::fmt::Display;

use serde::ser::{self, Serialize, Serializer};

use super::table::Table;
use super::{Cause, Fault, Shape, fingerprint};

/// A `Vec` as postcard's output. postcard's own `ExtendFlavor` goes through an iterator.
struct Scratch<'b>(&'b mut Vec<u8>);

impl postcard::ser_flavors::Flavor for Scratch<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

pub(super) struct Writer<'b> {
    out: postcard::Serializer<Scratch<'b>>,
    variants: Table<'static>,
    shape: Shape,
}

impl<'b> Writer<'b> {
    #[inline]
    pub(super) fn new(out: &'b mut Vec<u8>) -> Self {
        Self {
            out: postcard::Serializer {
                output: Scratch(out),
            },
            variants: Table::default(),
            shape: Shape::default(),
        }
    }

    /// Ends the message with its shape, if it has any.
    #[inline]
    pub(super) fn finish(self) {
        if !self.shape.is_empty() {
            self.out.output.0.extend_from_slice(&self.shape.to_bytes());
        }
    }

    /// The variant's place in the table, and its name if it is new there.
    #[inline]
    fn variant(&mut self, name: &'static str) -> Result<(), Fault> {
        match self.variants.place(name) {
            Some(place) => self.serialize_length(place),
            None => {
                self.serialize_length(self.variants.len())?;
                self.variants.push(name);
                self.serialize_str(name)
            }
        }
    }

    /// As postcard writes a `usize`; below 128 that is one byte, and most lengths are.
    #[inline]
    fn serialize_length(&mut self, length: usize) -> Result<(), Fault> {
        match u8::try_from(length) {
            Ok(short @ 0..0x80) => {
                self.out.output.0.push(short);
                Ok(())
            }
            _ => length.serialize(&mut self.out).map_err(Fault::from),
        }
    }

    #[inline]
    fn fields(&mut self, owner: &'static str) -> Fields<'_, 'b> {
        Fields {
            writer: self,
            owner,
            count: 0,
        }
    }

    #[inline]
    fn elements(&mut self, said: Option<usize>) -> Result<Elements<'_, 'b>, Fault> {
        let said = said.ok_or(Cause::Unsized)?;
        self.serialize_length(said)?;
        Ok(Elements {
            writer: self,
            said,
            had: 0,
        })
    }
}

/// Single values: postcard's business.
macro_rules! leave_to_postcard {
    ($($method:ident: $value:ty,)*) => {$(
        #[inline]
        fn $method(self, value: $value) -> Result<(), Fault> {
            (&mut self.out).$method(value).map_err(Fault::from)
        }
    )*};
}

impl<'a, 'b> Serializer for &'a mut Writer<'b> {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Elements<'a, 'b>;
    type SerializeTuple = Fields<'a, 'b>;
    type SerializeTupleStruct = Fields<'a, 'b>;
    type SerializeTupleVariant = Fields<'a, 'b>;
    type SerializeMap = Elements<'a, 'b>;
    type SerializeStruct = Fields<'a, 'b>;
    type SerializeStructVariant = Fields<'a, 'b>;

    leave_to_postcard! {
        serialize_bool: bool,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
        serialize_f32: f32, serialize_f64: f64,
        serialize_char: char, serialize_str: &str, serialize_bytes: &[u8],
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }

    #[inline]
    fn collect_str<T: ?Sized + Display>(self, value: &T) -> Result<(), Fault> {
        self.out.collect_str(value).map_err(Fault::from)
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Fault> {
        self.serialize_u8(0)
    }

    #[inline]
    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), Fault> {
        self.serialize_u8(1)?;
        value.serialize(self)
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), Fault> {
        Ok(())
    }

    #[inline]
    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Fault> {
        Ok(())
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Fault> {
        self.variant(variant)
    }

    #[inline]
    fn serialize_newtype_struct<T>(self, _name: &'static str, value: &T) -> Result<(), Fault>
    where
        T: ?Sized + Serialize,
    {
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Fault>
    where
        T: ?Sized + Serialize,
    {
        self.variant(variant)?;
        value.serialize(self)
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Elements<'a, 'b>, Fault> {
        self.elements(len)
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Elements<'a, 'b>, Fault> {
        self.elements(len)
    }

    #[inline]
    fn serialize_tuple(self, _len: usize) -> Result<Fields<'a, 'b>, Fault> {
        Ok(self.fields("a tuple"))
    }

    #[inline]
    fn serialize_tuple_struct(
        self,
        name: &'static str,
        _len: usize,
    ) -> Result<Fields<'a, 'b>, Fault> {
        Ok(self.fields(name))
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Fields<'a, 'b>, Fault> {
        self.variant(variant)?;
        Ok(self.fields(variant))
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<Fields<'a, 'b>, Fault> {
        Ok(self.fields(name))
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Fields<'a, 'b>, Fault> {
        self.variant(variant)?;
        Ok(self.fields(variant))
    }
}

/// A struct, tuple or variant being written: no length of its own, only its [`Shape`].
pub(super) struct Fields<'a, 'b> {
    writer: &'a mut Writer<'b>,
    owner: &'static str,
    count: usize,
}

impl Fields<'_, '_> {
    #[inline]
    fn pass<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Fault> {
        self.count += 1;
        value.serialize(&mut *self.writer)
    }

    #[inline]
    fn close(self) -> Result<(), Fault> {
        self.writer.shape.close(self.count);
        Ok(())
    }
}

macro_rules! unnamed_fields {
    ($($of:ident: $method:ident,)*) => {$(
        impl ser::$of for Fields<'_, '_> {
            type Ok = ();
            type Error = Fault;

            #[inline]
            fn $method<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Fault> {
                self.pass(value)
            }

            #[inline]
            fn end(self) -> Result<(), Fault> {
                self.close()
            }
        }
    )*};
}
unnamed_fields! {
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field,
}

macro_rules! named_fields {
    ($($of:ident)*) => {$(
        impl ser::$of for Fields<'_, '_> {
            type Ok = ();
            type Error = Fault;

            // Always: where the name is not seen to be a literal, it is hashed at every call.
            #[inline(always)]
            fn serialize_field<T>(&mut self, name: &'static str, value: &T) -> Result<(), Fault>
            where
                T: ?Sized + Serialize,
            {
                self.writer.shape.field(fingerprint(name));
                self.pass(value)
            }

            #[inline]
            fn skip_field(&mut self, field: &'static str) -> Result<(), Fault> {
                Err(Cause::Skipped { owner: self.owner, field }.into())
            }

            #[inline]
            fn end(self) -> Result<(), Fault> {
                self.close()
            }
        }
    )*};
}
named_fields!(SerializeStruct SerializeStructVariant);

/// A sequence or map being written: its length went ahead and must be kept.
pub(super) struct Elements<'a, 'b> {
    writer: &'a mut Writer<'b>,
    said: usize,
    had: usize,
}

impl Elements<'_, '_> {
    /// Writes one element, or the key of one: of one byte at least, so that a length which is read is bounded by the bytes
    /// behind it.
    #[inline]
    fn pass<T: ?Sized + Serialize>(&mut self, element: &T) -> Result<(), Fault> {
        self.had += 1;
        let before = self.writer.out.output.0.len();
        element.serialize(&mut *self.writer)?;
        if self.writer.out.output.0.len() == before {
            self.writer.out.output.0.push(0);
        }
        Ok(())
    }

    #[inline]
    fn close(self) -> Result<(), Fault> {
        if self.said == self.had {
            Ok(())
        } else {
            Err(Cause::Miscounted {
                said: self.said,
                had: self.had,
            }
            .into())
        }
    }
}

impl ser::SerializeSeq for Elements<'_, '_> {
    type Ok = ();
    type Error = Fault;

    #[inline]
    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Fault> {
        self.pass(value)
    }

    #[inline]
    fn end(self) -> Result<(), Fault> {
        self.close()
    }
}

impl ser::SerializeMap for Elements<'_, '_> {
    type Ok = ();
    type Error = Fault;

    #[inline]
    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Fault> {
        self.pass(key)
    }

    #[inline]
    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Fault> {
        value.serialize(&mut *self.writer)
    }

    #[inline]
    fn end(self) -> Result<(), Fault> {
        self.close()
    }
}
