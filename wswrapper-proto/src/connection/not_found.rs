//! Rejections of calls that nobody handles.

use crate::{Address, Rejection};

/// A channel that there is not [P-47, P-48].
pub(super) fn no_channel(address: &Address<'_>) -> Rejection {
    match address {
        Address::Main => no_named_channel(""),
        Address::Named(name) => no_named_channel(name),
        Address::InvalidName(json) => no_named_channel(json),
        Address::Anonymous(id) => Rejection::new(format!("Anonymous channel '{id}' does not exist")),
        Address::InvalidNumber(json) => Rejection::new(format!("Anonymous channel '{json}' does not exist")),
    }
}

fn no_named_channel(name: &str) -> Rejection {
    Rejection::new(format!("Channel '{name}' does not exist"))
}

impl Rejection {
    /// Nobody handles the event [P-46], or there is no such channel [P-47, P-48].
    pub fn no_listener(event: &str, address: &Address<'_>, channel_exists: bool) -> Self {
        match address {
            Address::Main => Self::new(format!("No event listener for '{event}'")),
            Address::Named(name) if channel_exists => {
                Self::new(format!("No event listener for '{event}' on channel '{name}'"))
            }
            Address::Anonymous(id) if channel_exists => {
                Self::new(format!("No event listener for '{event}' on channel '{id}'"))
            }
            address => no_channel(address),
        }
    }
}
