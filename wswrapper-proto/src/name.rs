//! Names of events and channels.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::sync::Arc;

/// Event names that never travel on the main channel, because they name local notifications there [P-20].
pub const RESERVED: [&str; 6] = ["open", "connect", "message", "error", "close", "disconnect"];

/// Returns true if `event` is reserved on the main channel [P-20].
#[inline]
pub fn is_reserved(event: &str) -> bool {
    RESERVED.contains(&event)
}

/// The number of characters of a name that errors, rejections and logs show. A peer can choose a longer name.
pub const MAX_SHOWN_CHARS: usize = 64;

/// Cuts a name to its first [`MAX_SHOWN_CHARS`] characters.
#[inline]
pub fn cut_name(name: &str) -> &str {
    match name.len() {
        0..=MAX_SHOWN_CHARS => name,
        _ => name.char_indices().nth(MAX_SHOWN_CHARS).map_or(name, |(at, _)| &name[..at]),
    }
}

/// Returns a name as errors, rejections and logs show it: a long name is [cut](cut_name) and followed by `…`.
pub fn shown_name(name: &str) -> Cow<'_, str> {
    let cut = cut_name(name);
    if cut.len() == name.len() { Cow::Borrowed(name) } else { Cow::Owned(format!("{cut}…")) }
}

/// The name of a channel. It is never empty [P-18].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelName(Arc<str>);

impl ChannelName {
    /// Creates a name, or fails if it is empty.
    pub fn new(name: &str) -> Result<Self, NameError> {
        Self::check(name).map(|()| Self(name.into()))
    }

    /// Fails if `name` is empty.
    pub fn check(name: &str) -> Result<(), NameError> {
        if name.is_empty() { Err(NameError::EmptyChannel) } else { Ok(()) }
    }

    /// Returns the name as text.
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

/// Fails if `event` cannot be sent or handled on `channel`. `None` is the main channel.
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

/// An error about the name of an event or a channel.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The event's name is empty.
    #[error("an event's name cannot be empty")]
    EmptyEvent,
    /// The channel's name is empty. The main channel has no name [P-18].
    #[error("a channel's name cannot be empty: leave it out to use the main channel")]
    EmptyChannel,
    /// The value of a parameter in a channel's name is empty.
    #[error("the parameter `{0}` of a channel's name cannot be empty")]
    EmptyParameter(String),
    /// The name is reserved on the main channel [P-20].
    #[error("`{0}` is a reserved event on the main channel: use a channel, or another name")]
    Reserved(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_whole_up_to_64_characters() {
        for c in ["a", "ä", "😀"] {
            let longest = c.repeat(MAX_SHOWN_CHARS);
            assert_eq!((shown_name(&longest), cut_name(&longest)), (Cow::Borrowed(&*longest), &*longest));
            let longer = c.repeat(MAX_SHOWN_CHARS + 1);
            assert_eq!((shown_name(&longer).as_ref(), cut_name(&longer)), (&*format!("{longest}…"), &*longest));
        }
        assert_eq!(shown_name(""), "");
    }
}
