//! Rejections of calls without a handler.

use crate::{Address, Rejection, shown_name};

/// Returns the rejection of a call on a channel that does not exist [P-47, P-48].
pub(super) fn no_channel(address: &Address<'_>) -> Rejection {
    match address {
        Address::Main => no_named_channel(""),
        Address::Named(name) => no_named_channel(name),
        Address::InvalidName(json) => no_named_channel(json),
        Address::Anonymous(id) => Rejection::new(format!("Anonymous channel '{id}' does not exist")),
        Address::InvalidNumber(json) => {
            let json = shown_name(json);
            Rejection::new(format!("Anonymous channel '{json}' does not exist"))
        }
    }
}

fn no_named_channel(name: &str) -> Rejection {
    let name = shown_name(name);
    Rejection::new(format!("Channel '{name}' does not exist"))
}

impl Rejection {
    /// Creates the rejection of a call that has no handler [P-46] or no channel [P-47, P-48].
    ///
    /// Names of more than [`MAX_SHOWN_CHARS`](crate::MAX_SHOWN_CHARS) characters are cut.
    pub fn no_listener(event: &str, address: &Address<'_>, channel_exists: bool) -> Self {
        let event = shown_name(event);
        match address {
            Address::Main => Self::new(format!("No event listener for '{event}'")),
            Address::Named(name) if channel_exists => {
                let name = shown_name(name);
                Self::new(format!("No event listener for '{event}' on channel '{name}'"))
            }
            Address::Anonymous(id) if channel_exists => {
                Self::new(format!("No event listener for '{event}' on channel '{id}'"))
            }
            address => no_channel(address),
        }
    }
}
