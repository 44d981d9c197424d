//! The text of a message.

use bytes::Bytes;
use std::fmt;
use std::ops::Deref;
use std::str::{self, Utf8Error};

/// The text of a message, in memory that is shared by its clones.
///
/// It is checked once, when it is created, so nobody checks the message of a WebSocket twice.
///
/// ```
/// use wswrapper::transport::Text;
///
/// let text = Text::from("hello");
/// assert_eq!(&*text, "hello");
/// assert!(Text::try_from(bytes::Bytes::from_static(b"\xff")).is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Text(Utf8);

/// Bytes that are valid UTF-8. The codec has proven it, and returns the text without another check.
#[cfg(feature = "websocket")]
type Utf8 = tokio_tungstenite::tungstenite::Utf8Bytes;

/// Bytes that are valid UTF-8. Without a codec they are checked at each access, because `unsafe` is forbidden.
#[cfg(not(feature = "websocket"))]
type Utf8 = Bytes;

impl Text {
    /// Returns the text.
    #[cfg(feature = "websocket")]
    #[inline]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the text.
    #[cfg(not(feature = "websocket"))]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Returns the bytes of the text.
    #[cfg(feature = "websocket")]
    #[inline]
    pub fn as_bytes(&self) -> &Bytes {
        self.0.as_ref()
    }

    /// Returns the bytes of the text.
    #[cfg(not(feature = "websocket"))]
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// Returns a copy that shares no memory with other texts.
    pub(crate) fn to_unshared(&self) -> Self {
        Self::from(self.as_str())
    }
}

impl TryFrom<Bytes> for Text {
    type Error = Utf8Error;

    #[cfg(feature = "websocket")]
    fn try_from(bytes: Bytes) -> Result<Self, Utf8Error> {
        Utf8::try_from(bytes).map(Self)
    }

    #[cfg(not(feature = "websocket"))]
    fn try_from(bytes: Bytes) -> Result<Self, Utf8Error> {
        str::from_utf8(&bytes)?;
        Ok(Self(bytes))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

#[cfg(feature = "websocket")]
impl From<Utf8> for Text {
    #[inline]
    fn from(text: Utf8) -> Self {
        Self(text)
    }
}

impl Deref for Text {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
