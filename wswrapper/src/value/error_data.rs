//! A derived error on the wire: its code, and its fields in `data`.

use super::codec::ErrorField;
use crate::proto::Rejection;
use serde_json::{Map, Value};
use std::fmt;

/// Starts the rejection of an error with this message and code.
pub fn error(message: String, code: &'static str) -> ErrorWriter {
    ErrorWriter { rejection: Rejection::new(message).with_code(code), data: Value::Null }
}

/// Returns the rejection of an error whose message is not sent to the peer.
pub fn internal(message: String) -> Rejection {
    Rejection::internal(message)
}

/// The conversions of a field of type `T`.
///
/// They are bound to `T: ErrorField` in one place, so that a field that cannot be sent is one error and not two.
pub struct FieldType<T> {
    encode: fn(&T) -> Value,
    decode: fn(Value) -> Option<T>,
}

/// Returns the conversions of a field of type `T`.
pub fn field_type<T: ErrorField>() -> FieldType<T> {
    FieldType {
        encode: |value| serde_json::to_value(value).unwrap_or_default(),
        decode: |value| serde_json::from_value(value).ok(),
    }
}

impl<T> fmt::Debug for FieldType<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldType").finish_non_exhaustive()
    }
}

/// Adds the fields of an error to its rejection. A field that cannot be encoded as JSON becomes null.
#[derive(Debug)]
pub struct ErrorWriter {
    rejection: Rejection,
    data: Value,
}

impl ErrorWriter {
    /// Adds a named field.
    #[must_use]
    pub fn field<T>(mut self, name: &'static str, ty: &FieldType<T>, value: &T) -> Self {
        if self.data.is_null() {
            self.data = Value::Object(Map::new());
        }
        if let Value::Object(fields) = &mut self.data {
            fields.insert(name.to_owned(), (ty.encode)(value));
        }
        self
    }

    /// Adds an unnamed field.
    #[must_use]
    pub fn item<T>(mut self, ty: &FieldType<T>, value: &T) -> Self {
        if self.data.is_null() {
            self.data = Value::Array(Vec::new());
        }
        if let Value::Array(items) = &mut self.data {
            items.push((ty.encode)(value));
        }
        self
    }

    /// Returns the rejection with the fields.
    pub fn finish(self) -> Rejection {
        if self.data.is_null() { self.rejection } else { self.rejection.with_property("data", self.data) }
    }
}

/// Reads the fields of an error back.
#[derive(Debug)]
pub struct ErrorReader<'r> {
    rejection: &'r Rejection,
    items: usize,
}

impl<'r> ErrorReader<'r> {
    /// Creates a reader of this rejection.
    pub fn new(rejection: &'r Rejection) -> Self {
        Self { rejection, items: 0 }
    }

    /// Returns the code of the rejection.
    pub fn code(&self) -> Option<&'r str> {
        self.rejection.code()
    }

    /// Reads a named field. Returns `None` if it cannot be decoded; a missing field is decoded from null.
    pub fn field<T>(&mut self, name: &str, ty: &FieldType<T>) -> Option<T> {
        let value = self.rejection.data().and_then(|data| data.get(name)).cloned().unwrap_or_default();
        (ty.decode)(value)
    }

    /// Reads the next unnamed field, in the same way.
    pub fn item<T>(&mut self, ty: &FieldType<T>) -> Option<T> {
        let value = self.rejection.data().and_then(|data| data.get(self.items)).cloned().unwrap_or_default();
        self.items += 1;
        (ty.decode)(value)
    }
}
