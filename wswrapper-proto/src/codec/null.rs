//! Distinguishes `None` and `()` from other values that serialize to `null`.

use serde::ser::{Impossible, Serialize, Serializer};
use std::fmt;

/// Returns true if the value is `None`.
pub(super) fn is_none<T: Serialize + ?Sized>(value: &T) -> bool {
    value.serialize(Probe) == Err(Kind::None)
}

/// Returns true if the value is `()`.
pub(super) fn is_unit<T: Serialize + ?Sized>(value: &T) -> bool {
    value.serialize(Probe) == Err(Kind::Unit)
}

/// A serializer that only reports which of its methods was called first.
struct Probe;

#[derive(PartialEq, Debug)]
enum Kind {
    None,
    Unit,
    Other,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Kind {}

impl serde::ser::Error for Kind {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Other
    }
}

macro_rules! other {
    ($($method:ident($($argument:ty),*);)*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<Kind, Kind> { Err(Kind::Other) })*
    };
}

macro_rules! other_compound {
    ($($method:ident($($argument:ty),*) -> $compound:ident;)*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<Self::$compound, Kind> { Err(Kind::Other) })*
    };
}

type Never = Impossible<Kind, Kind>;

impl Serializer for Probe {
    type Ok = Kind;
    type Error = Kind;
    type SerializeSeq = Never;
    type SerializeTuple = Never;
    type SerializeTupleStruct = Never;
    type SerializeTupleVariant = Never;
    type SerializeMap = Never;
    type SerializeStruct = Never;
    type SerializeStructVariant = Never;

    fn serialize_none(self) -> Result<Kind, Kind> {
        Err(Kind::None)
    }

    fn serialize_unit(self) -> Result<Kind, Kind> {
        Err(Kind::Unit)
    }

    other! {
        serialize_bool(bool); serialize_i8(i8); serialize_i16(i16); serialize_i32(i32); serialize_i64(i64);
        serialize_i128(i128); serialize_u8(u8); serialize_u16(u16); serialize_u32(u32); serialize_u64(u64);
        serialize_u128(u128); serialize_f32(f32); serialize_f64(f64); serialize_char(char); serialize_str(&str);
        serialize_bytes(&[u8]); serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    other_compound! {
        serialize_seq(Option<usize>) -> SerializeSeq;
        serialize_tuple(usize) -> SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant;
        serialize_map(Option<usize>) -> SerializeMap;
        serialize_struct(&'static str, usize) -> SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> SerializeStructVariant;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<Kind, Kind> {
        Err(Kind::Other)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, _: &T) -> Result<Kind, Kind> {
        Err(Kind::Other)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Kind, Kind> {
        Err(Kind::Other)
    }
}
