//! Names of events and channels that cannot be wrong.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::sync::Arc;

/// Names that are local notifications on the main channel, so that they never travel there [P-20].
pub const RESERVED: [&str; 6] = ["open", "connect", "message", "error", "close", "disconnect"];

/// Whether this is a reserved name of the main channel [P-20].
#[inline]
pub fn is_reserved(event: &str) -> bool {
    RESERVED.contains(&event)
}

/// The name of a channel: not empty [P-18].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelName(Arc<str>);

impl ChannelName {
    /// A channel of this name.
    pub fn new(name: &str) -> Result<Self, NameError> {
        Self::check(name).map(|()| Self(name.into()))
    }

    /// Whether a channel can have this name.
    pub fn check(name: &str) -> Result<(), NameError> {
        if name.is_empty() { Err(NameError::EmptyChannel) } else { Ok(()) }
    }

    /// The name as text.
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for ChannelName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Checks the name of an event that is to be sent or handled on a channel, `None` being the main one.
#[inline]
pub fn check_event(event: &str, channel: Option<&str>) -> Result<(), NameError> {
    if event.is_empty() {
        Err(NameError::EmptyEvent)
    } else if channel.is_none() && is_reserved(event) {
        Err(NameError::Reserved(event.to_owned()))
    } else {
        Ok(())
    }
}

/// A name that cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// An event without a name.
    #[error("an event's name cannot be empty")]
    EmptyEvent,
    /// A channel without a name; the main channel is meant by leaving the channel out [P-18].
    #[error("a channel's name cannot be empty: leave it out to use the main channel")]
    EmptyChannel,
    /// A reserved name on the main channel [P-20].
    #[error("`{0}` is a reserved event on the main channel: use a channel, or another name")]
    Reserved(String),
}

/// Where an event or a request belongs.
#[derive(Clone, PartialEq, Debug)]
pub enum Address<'f> {
    /// The main channel.
    Main,
    /// A named channel; the name may be one that cannot exist.
    Named(Cow<'f, str>),
    /// An anonymous channel.
    Anonymous(super::RequestId),
    /// A `c` that is no string, as JSON: no channel has that name [P-18].
    InvalidName(&'f str),
    /// An `h` that is no channel's number, as JSON [P-16].
    InvalidNumber(&'f str),
}
