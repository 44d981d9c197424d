//! Rejections of requests and reasons of cancellations.

use super::{NameError, code};
use serde::Serialize;
use serde::ser::SerializeMap;
use serde_json::{Map, Value};
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// The rejection of a request: an Error with a message, or a bare value.
///
/// A JavaScript peer receives an Error as an `Error` object. It may have properties in addition to its message. By
/// convention of this library, `code` identifies the kind of error and `data` holds its details for programs
/// [P-40, P-41].
///
/// ```
/// # use wswrapper_proto::Rejection;
/// let rejection = Rejection::new("no such file").with_code("NotFound").with_data(&["a.txt"]);
/// assert_eq!(rejection.to_string(), "no such file");
/// assert_eq!(rejection.code(), Some("NotFound"));
/// ```
#[derive(Clone)]
pub struct Rejection(Box<Inner>);

#[derive(Clone)]
struct Inner {
    thrown: Thrown,
    /// The local error behind an `internal error`. It never travels.
    source: Option<Arc<dyn Error + Send + Sync>>,
}

#[derive(Clone, PartialEq)]
enum Thrown {
    Error { message: String, properties: Map<String, Value> },
    Value(Value),
}

/// The reason of a cancellation or of a channel's abort. It is encoded like a rejection [P-52, P-63].
pub type Reason = Rejection;

/// The message of a cancellation or an abort without a reason [P-52].
pub(crate) const ABORTED: &str = "Request aborted";

/// The largest reason of an abort that is sent back for more than one request, in bytes of its JSON.
const MAX_REPEATED_REASON: usize = 1024;

impl Rejection {
    /// Creates an Error with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self::from_thrown(Thrown::Error { message: message.into(), properties: Map::new() })
    }

    /// Creates a bare value, which the peer does not receive as an Error.
    ///
    /// Null is sent as the Error `Error`, or as `Request aborted` if it is a reason [P-42, P-52].
    pub fn value(value: impl Into<Value>) -> Self {
        Self::from_thrown(Thrown::Value(value.into()))
    }

    /// Creates an Error whose message is the text of `error`. The peer sees that text.
    pub fn from_display(error: impl fmt::Display) -> Self {
        Self::new(error.to_string())
    }

    /// Creates the Error `internal error` and keeps `error` as its local [source](Error::source).
    ///
    /// The peer receives nothing of `error`.
    pub fn internal(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let mut internal = Self::internal_error();
        internal.0.source = Some(error.into().into());
        internal
    }

    /// Returns the local error behind an `internal error`, as an owner of it.
    pub fn shared_source(&self) -> Option<Arc<dyn Error + Send + Sync>> {
        self.0.source.clone()
    }

    /// Creates the Error `internal error` without a source.
    pub fn internal_error() -> Self {
        Self::new("internal error").with_code(code::INTERNAL)
    }

    /// Creates the reason that is sent where none is given: `Request aborted`.
    pub fn aborted() -> Self {
        Self::new(ABORTED)
    }

    /// Sets the property `code`. A bare value does not change.
    #[must_use]
    pub fn with_code(self, code: impl Into<String>) -> Self {
        self.with_property("code", Value::String(code.into()))
    }

    /// Sets the property `data`. Data that cannot be encoded is left out. A bare value does not change.
    #[must_use]
    pub fn with_data(self, data: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_value(data) {
            Ok(data) => self.with_property("data", data),
            Err(_) => self,
        }
    }

    /// Sets a property other than `message`. A bare value does not change.
    #[must_use]
    pub fn with_property(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let (Thrown::Error { properties, .. }, false) = (&mut self.0.thrown, name == "message") {
            properties.insert(name.to_owned(), value.into());
        }
        self
    }

    /// Sets the time after which the caller may try again: the property `retry_after`, in milliseconds, rounded up [X-09].
    #[must_use]
    pub fn with_retry_after(self, wait: std::time::Duration) -> Self {
        let millis = wait.as_nanos().div_ceil(1_000_000);
        self.with_property("retry_after", u64::try_from(millis).unwrap_or(u64::MAX))
    }

    /// Returns the time after which the caller may try again [X-09].
    pub fn retry_after(&self) -> Option<std::time::Duration> {
        self.property("retry_after")?.as_u64().map(std::time::Duration::from_millis)
    }

    /// Returns the message of an Error, or `None` for a bare value.
    pub fn message(&self) -> Option<&str> {
        match &self.0.thrown {
            Thrown::Error { message, .. } => Some(message),
            Thrown::Value(_) => None,
        }
    }

    /// Returns the property `code` if it is a string.
    pub fn code(&self) -> Option<&str> {
        self.property("code")?.as_str()
    }

    /// Returns the property `data`.
    pub fn data(&self) -> Option<&Value> {
        self.property("data")
    }

    /// Returns a property of an Error.
    pub fn property(&self, name: &str) -> Option<&Value> {
        self.properties()?.get(name)
    }

    /// Returns the properties of an Error without its message, or `None` for a bare value.
    pub fn properties(&self) -> Option<&Map<String, Value>> {
        match &self.0.thrown {
            Thrown::Error { properties, .. } => Some(properties),
            Thrown::Value(_) => None,
        }
    }

    /// Returns the bare value, or `None` for an Error.
    pub fn as_value(&self) -> Option<&Value> {
        match &self.0.thrown {
            Thrown::Error { .. } => None,
            Thrown::Value(value) => Some(value),
        }
    }

    /// Returns true if the implementation at either endpoint has made this rejection, and not an application [X-09].
    pub fn is_from_library(&self) -> bool {
        self.code().is_some_and(|code| code.starts_with(code::PREFIX))
    }

    /// Returns the rejection for each of this many requests on a channel that was aborted with this reason.
    ///
    /// A reason above 1 KiB is not repeated for more than one request, because the peer chooses both its size and their
    /// number: they are rejected as `Request aborted`.
    #[doc(hidden)]
    #[must_use]
    pub fn for_requests(self, requests: usize) -> Self {
        let is_repeatable = || serde_json::to_vec(&self).is_ok_and(|json| json.len() <= MAX_REPEATED_REASON);
        if requests < 2 || is_repeatable() { self } else { Self::aborted().with_code(code::CHANNEL_CLOSED) }
    }

    /// Returns true for an Error, false for a bare value.
    pub fn is_error(&self) -> bool {
        self.message().is_some()
    }

    /// Converts a received value, which is an Error if it is `marked` as one [P-43, P-45].
    pub(crate) fn from_wire(value: Value, marked: bool) -> Self {
        let thrown = match value {
            value if !marked => Thrown::Value(value),
            Value::Object(mut properties) => {
                let message = match properties.remove("message") {
                    Some(Value::String(message)) => message,
                    None => String::new(),
                    Some(other) => other.to_string(),
                };
                Thrown::Error { message, properties }
            }
            _ => Thrown::Error { message: String::new(), properties: Map::new() },
        };
        Self::from_thrown(thrown)
    }

    fn from_thrown(thrown: Thrown) -> Self {
        Self(Box::new(Inner { thrown, source: None }))
    }
}

/// Writes the value of `e` or `x`. The mark `_` of an Error is written by the encoder.
impl Serialize for Rejection {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0.thrown {
            Thrown::Value(value) => value.serialize(serializer),
            Thrown::Error { message, properties } => {
                let mut map = serializer.serialize_map(Some(1 + properties.len()))?;
                map.serialize_entry("message", message)?;
                for (name, value) in properties {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

impl PartialEq for Rejection {
    fn eq(&self, other: &Self) -> bool {
        self.0.thrown == other.0.thrown
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.thrown {
            Thrown::Error { message, .. } => f.write_str(message),
            Thrown::Value(Value::String(text)) => f.write_str(text),
            Thrown::Value(value) => value.fmt(f),
        }
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.thrown {
            Thrown::Error { message, properties } if properties.is_empty() => {
                f.debug_tuple("Rejection").field(message).finish()
            }
            Thrown::Error { message, properties } => {
                f.debug_tuple("Rejection").field(message).field(properties).finish()
            }
            Thrown::Value(value) => f.debug_tuple("Rejection").field(value).finish(),
        }
    }
}

/// The caller receives `internal error`, because the wrong name is a mistake of the handler.
impl From<NameError> for Rejection {
    fn from(error: NameError) -> Self {
        Self::internal(error)
    }
}

impl Error for Rejection {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
