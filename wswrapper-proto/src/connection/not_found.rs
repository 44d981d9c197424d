//! Rejections of calls without a handler.

use crate::{Address, Rejection, code, shown_name};
use std::fmt::Display;

/// Returns the rejection of a call on a channel that does not exist [P-47, P-48].
pub(super) fn no_channel(address: &Address<'_>) -> Rejection {
    match address {
        Address::Main => no_named_channel(""),
        Address::Named(name) => no_named_channel(name),
        Address::InvalidName(json) => no_named_channel(json),
        Address::Anonymous(id) => no_numbered_channel(id),
        Address::InvalidNumber(json) => no_numbered_channel(shown_name(json)),
    }
}

fn no_numbered_channel(id: impl Display) -> Rejection {
    Rejection::new(format!("Anonymous channel '{id}' does not exist")).with_code(code::UNKNOWN_CHANNEL)
}

fn no_named_channel(name: &str) -> Rejection {
    let name = shown_name(name);
    Rejection::new(format!("Channel '{name}' does not exist")).with_code(code::UNKNOWN_CHANNEL)
}

impl Rejection {
    /// Creates the rejection of a call that has no handler [P-46] or no channel [P-47, P-48].
    ///
    /// Names of more than [`MAX_SHOWN_CHARS`](crate::MAX_SHOWN_CHARS) characters are cut.
    pub fn no_listener(event: &str, address: &Address<'_>, channel_exists: bool) -> Self {
        let event = shown_name(event);
        let text = match address {
            Address::Main => format!("No event listener for '{event}'"),
            Address::Named(name) if channel_exists => {
                let name = shown_name(name);
                format!("No event listener for '{event}' on channel '{name}'")
            }
            Address::Anonymous(id) if channel_exists => format!("No event listener for '{event}' on channel '{id}'"),
            address => return no_channel(address),
        };
        Self::new(text).with_code(code::UNKNOWN_EVENT)
    }
}
