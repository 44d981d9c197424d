//! Encodes values as the compact encoder of `serde_json` does, but searches strings for escapes in blocks.
//!
//! That encoder looks at each byte of a string on its own, which is most of the work of a message. It lets a formatter
//! decide how *bytes* are written and not how strings are. So the serializer here passes a string on as bytes, and the
//! formatter writes them as a string.

#[cfg(test)]
mod tests;

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use serde_json::ser::{CharEscape, Formatter};
use std::fmt;
use std::io;

/// The length of a block, in bytes. The compiler checks a block with a few vector instructions.
const BLOCK: usize = 16;

/// Names that `serde_json` gives to its own types begin like this. It encodes their fields in ways of its own.
const PRIVATE: &str = "$serde_json::private::";

/// Appends a value as JSON. After an error a part of it may have been written.
pub(super) fn write<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<(), serde_json::Error> {
    value.serialize(Json(&mut serde_json::Serializer::with_formatter(out, BytesAsString)))
}

/// Returns true if the byte is escaped in a JSON string.
const fn is_escaped(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Returns the number of bytes before the first one that is escaped.
fn plain_len(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    let has_escape = |block: &[u8; BLOCK]| block.iter().fold(false, |found, &byte| found | is_escaped(byte));
    let start = blocks.iter().take_while(|block| !has_escape(block)).count() * BLOCK;
    let rest = &bytes[start..];
    start + rest.iter().position(|&byte| is_escaped(byte)).unwrap_or(rest.len())
}

/// Writes compact JSON, and bytes as a string. They are UTF-8.
struct BytesAsString;

impl Formatter for BytesAsString {
    fn write_byte_array<W: ?Sized + io::Write>(&mut self, out: &mut W, mut bytes: &[u8]) -> io::Result<()> {
        out.write_all(b"\"")?;
        loop {
            let (plain, rest) = bytes.split_at(plain_len(bytes));
            out.write_all(plain)?;
            let Some((&byte, rest)) = rest.split_first() else { break };
            let escape = match byte {
                b'"' => CharEscape::Quote,
                b'\\' => CharEscape::ReverseSolidus,
                b'\n' => CharEscape::LineFeed,
                b'\r' => CharEscape::CarriageReturn,
                b'\t' => CharEscape::Tab,
                0x08 => CharEscape::Backspace,
                0x0c => CharEscape::FormFeed,
                byte => CharEscape::AsciiControl(byte),
            };
            self.write_char_escape(out, escape)?;
            bytes = rest;
        }
        out.write_all(b"\"")
    }
}

/// Passes strings on as bytes, and everything else as it is.
struct Json<S>(S);

/// A part of a value, whose strings are passed on as bytes too.
struct Part<'v, T: ?Sized>(&'v T);

impl<T: Serialize + ?Sized> Serialize for Part<'_, T> {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(Json(serializer))
    }
}

/// Serializer methods that pass their value on.
macro_rules! scalars {
    ($($method:ident: $value:ty,)*) => {
        $(
            #[inline]
            fn $method(self, value: $value) -> Result<S::Ok, S::Error> {
                self.0.$method(value)
            }
        )*
    };
}

impl<S: Serializer> Serializer for Json<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Json<S::SerializeSeq>;
    type SerializeTuple = Json<S::SerializeTuple>;
    type SerializeTupleStruct = Json<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Json<S::SerializeTupleVariant>;
    type SerializeMap = Json<S::SerializeMap>;
    type SerializeStruct = Fields<S::SerializeStruct>;
    type SerializeStructVariant = Json<S::SerializeStructVariant>;

    scalars! {
        serialize_bool: bool,
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_i128: i128,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
        serialize_u128: u128,
        serialize_f32: f32,
        serialize_f64: f64,
        serialize_char: char,
        serialize_unit_struct: &'static str,
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Result<S::Ok, S::Error> {
        self.0.serialize_bytes(text.as_bytes())
    }

    /// Bytes are an array of numbers.
    fn serialize_bytes(self, bytes: &[u8]) -> Result<S::Ok, S::Error> {
        self.0.collect_seq(bytes)
    }

    #[inline]
    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.0.serialize_none()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.serialize_some(&Part(value))
    }

    #[inline]
    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.0.serialize_unit()
    }

    #[inline]
    fn serialize_unit_variant(self, name: &'static str, index: u32, variant: &'static str) -> Result<S::Ok, S::Error> {
        self.0.serialize_unit_variant(name, index, variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_struct(name, &Part(value))
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_variant(name, index, variant, &Part(value))
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        self.0.serialize_seq(len).map(Json)
    }

    #[inline]
    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, S::Error> {
        self.0.serialize_tuple(len).map(Json)
    }

    #[inline]
    fn serialize_tuple_struct(self, name: &'static str, len: usize) -> Result<Self::SerializeTupleStruct, S::Error> {
        self.0.serialize_tuple_struct(name, len).map(Json)
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        self.0.serialize_tuple_variant(name, index, variant, len).map(Json)
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        self.0.serialize_map(len).map(Json)
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Self::SerializeStruct, S::Error> {
        let fields = self.0.serialize_struct(name, len)?;
        Ok(Fields { fields, is_private: name.starts_with(PRIVATE) })
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        self.0.serialize_struct_variant(name, index, variant, len).map(Json)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.collect_str(value)
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

/// Implements a trait whose parts are values without a name.
macro_rules! elements {
    ($($trait:ident: $method:ident,)*) => {
        $(
            impl<S: $trait> $trait for Json<S> {
                type Ok = S::Ok;
                type Error = S::Error;

                #[inline]
                fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
                    self.0.$method(&Part(value))
                }

                #[inline]
                fn end(self) -> Result<S::Ok, S::Error> {
                    self.0.end()
                }
            }
        )*
    };
}

elements! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field,
}

/// Keys have rules of their own and are passed on as they are.
impl<S: SerializeMap> SerializeMap for Json<S> {
    type Ok = S::Ok;
    type Error = S::Error;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), S::Error> {
        self.0.serialize_key(key)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        self.0.serialize_value(&Part(value))
    }

    #[inline]
    fn end(self) -> Result<S::Ok, S::Error> {
        self.0.end()
    }
}

impl<S: SerializeStructVariant> SerializeStructVariant for Json<S> {
    type Ok = S::Ok;
    type Error = S::Error;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), S::Error> {
        self.0.serialize_field(key, &Part(value))
    }

    #[inline]
    fn end(self) -> Result<S::Ok, S::Error> {
        self.0.end()
    }
}

/// The fields of a struct.
struct Fields<S> {
    fields: S,
    /// True for a type of `serde_json`, whose fields are passed on as they are.
    is_private: bool,
}

impl<S: SerializeStruct> SerializeStruct for Fields<S> {
    type Ok = S::Ok;
    type Error = S::Error;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), S::Error> {
        if self.is_private {
            self.fields.serialize_field(key, value)
        } else {
            self.fields.serialize_field(key, &Part(value))
        }
    }

    #[inline]
    fn skip_field(&mut self, key: &'static str) -> Result<(), S::Error> {
        self.fields.skip_field(key)
    }

    #[inline]
    fn end(self) -> Result<S::Ok, S::Error> {
        self.fields.end()
    }
}
