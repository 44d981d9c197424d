//! Why a request failed or was cancelled, as it travels.

use super::NameError;
use serde::Serialize;
use serde::ser::SerializeMap;
use serde_json::{Map, Value};
use std::error::Error;
use std::fmt;

/// What a request is rejected with: an Error with a message, or any bare value [P-40, P-41].
///
/// An Error is a JavaScript `Error` over there. Beside its message it may carry properties; by this library's
/// convention `code` tells errors apart and `data` holds what a program needs of them.
///
/// ```
/// # use wswrapper_proto::Rejection;
/// let rejection = Rejection::new("no such file").with_code("NotFound").with_data(&["a.txt"]);
/// assert_eq!(rejection.to_string(), "no such file");
/// assert_eq!(rejection.code(), Some("NotFound"));
/// ```
pub struct Rejection(Box<Inner>);

struct Inner {
    thrown: Thrown,
    /// The true error, when what travels is only `internal error`.
    source: Option<Box<dyn Error + Send + Sync>>,
}

#[derive(Clone, PartialEq)]
enum Thrown {
    Error { message: String, properties: Map<String, Value> },
    Value(Value),
}

/// Why a request was cancelled, or a channel ended: `Reason::new("enough")`; encoded like a rejection [P-52, P-63].
pub type Reason = Rejection;

/// What a cancellation or an abort says that has no reason [P-52].
pub(crate) const ABORTED: &str = "Request aborted";

impl Rejection {
    /// An Error with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self::from_thrown(Thrown::Error { message: message.into(), properties: Map::new() })
    }

    /// A bare value, which is no Error at the other end. Null is sent as the Error `Error`, or as a reason
    /// `Request aborted` [P-42, P-52].
    pub fn value(value: impl Into<Value>) -> Self {
        Self::from_thrown(Thrown::Value(value.into()))
    }

    /// An Error whose message is the text of this error, shown to the peer on purpose.
    pub fn from_display(error: impl fmt::Display) -> Self {
        Self::new(error.to_string())
    }

    /// The Error `internal error`: the peer learns nothing else, the true error is kept as the
    /// [source](Error::source) for this end's own eyes.
    pub fn internal(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let mut internal = Self::internal_error();
        internal.0.source = Some(error.into());
        internal
    }

    /// The same without a source.
    pub fn internal_error() -> Self {
        Self::new("internal error")
    }

    /// The reason that stands for none.
    pub fn aborted() -> Self {
        Self::new(ABORTED)
    }

    /// Adds the property `code`. A bare value stays as it is.
    #[must_use]
    pub fn with_code(self, code: impl Into<String>) -> Self {
        self.with_property("code", Value::String(code.into()))
    }

    /// Adds the property `data`. What cannot be JSON is left out; a bare value stays as it is.
    #[must_use]
    pub fn with_data(self, data: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_value(data) {
            Ok(data) => self.with_property("data", data),
            Err(_) => self,
        }
    }

    /// Adds any property, but not another `message`.
    #[must_use]
    pub fn with_property(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let (Thrown::Error { properties, .. }, false) = (&mut self.0.thrown, name == "message") {
            properties.insert(name.to_owned(), value.into());
        }
        self
    }

    /// The message of an Error; `None` for a bare value.
    pub fn message(&self) -> Option<&str> {
        match &self.0.thrown {
            Thrown::Error { message, .. } => Some(message),
            Thrown::Value(_) => None,
        }
    }

    /// The property `code`, if it is a string.
    pub fn code(&self) -> Option<&str> {
        self.property("code")?.as_str()
    }

    /// The property `data`.
    pub fn data(&self) -> Option<&Value> {
        self.property("data")
    }

    /// A property of an Error.
    pub fn property(&self, name: &str) -> Option<&Value> {
        self.properties()?.get(name)
    }

    /// All properties of an Error but its message; `None` for a bare value.
    pub fn properties(&self) -> Option<&Map<String, Value>> {
        match &self.0.thrown {
            Thrown::Error { properties, .. } => Some(properties),
            Thrown::Value(_) => None,
        }
    }

    /// The bare value; `None` for an Error.
    pub fn as_value(&self) -> Option<&Value> {
        match &self.0.thrown {
            Thrown::Error { .. } => None,
            Thrown::Value(value) => Some(value),
        }
    }

    /// Whether this is an Error and not a bare value.
    pub fn is_error(&self) -> bool {
        self.message().is_some()
    }

    /// Reads what came: an Error if it is marked as one [P-43, P-45].
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

/// What travels in `e` or `x`; whether it is marked as an Error is told by [`Rejection::is_error`].
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

/// Without the source, which stays where it was made.
impl Clone for Rejection {
    fn clone(&self) -> Self {
        Self::from_thrown(self.0.thrown.clone())
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

/// A handler that uses a wrong name itself: the caller is told `internal error`.
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
