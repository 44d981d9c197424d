//! Bytes as a value in JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::Deref;

/// Bytes that are sent as a base64 string.
///
/// Go encodes a `[]byte` in the same way. When bytes are received, an array of numbers is accepted too, and an argument
/// `&[u8]` of a handler is decoded by the same rules. A `Vec<u8>` is sent as an array of numbers.
///
/// ```
/// use wswrapper::Base64;
///
/// assert_eq!(serde_json::to_string(&Base64::from(b"hello".to_vec()))?, r#""aGVsbG8=""#);
/// assert_eq!(serde_json::from_str::<Base64>("[104,105]")?, *b"hi");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Base64(bytes::Bytes);

impl Base64 {
    /// Returns the bytes as the type of the `bytes` crate.
    pub fn into_inner(self) -> bytes::Bytes {
        self.0
    }
}

impl Deref for Base64 {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Base64 {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl<T: Into<bytes::Bytes>> From<T> for Base64 {
    fn from(bytes: T) -> Self {
        Self(bytes.into())
    }
}

impl<const N: usize> PartialEq<[u8; N]> for Base64 {
    fn eq(&self, other: &[u8; N]) -> bool {
        *self.0 == *other
    }
}

impl fmt::Debug for Base64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Base64Slice(self).serialize(serializer)
    }
}

/// Borrowed bytes that are sent as a base64 string.
#[derive(Debug)]
pub struct Base64Slice<'b>(pub &'b [u8]);

impl Serialize for Base64Slice<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&base64::display::Base64Display::new(self.0, &STANDARD))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesVisitor;
        impl<'de> Visitor<'de> for BytesVisitor {
            type Value = Base64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string in base64")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Base64, E> {
                STANDARD.decode(text).map(Base64::from).map_err(|error| E::custom(format_args!("not base64: {error}")))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Base64, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = numbers.next_element::<u8>()? {
                    bytes.push(byte);
                }
                Ok(bytes.into())
            }
        }
        deserializer.deserialize_any(BytesVisitor)
    }
}
