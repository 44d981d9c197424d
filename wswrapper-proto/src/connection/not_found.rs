//! Rejections of calls that nobody handles.

use crate::{Rejection, Scope};

/// A channel that there is not [P-47, P-48].
pub(super) fn no_channel(scope: &Scope<'_>) -> Rejection {
    match scope {
        Scope::Main => no_named_channel(""),
        Scope::Named(name) => no_named_channel(name),
        Scope::NoChannel(json) => no_named_channel(json),
        Scope::Anonymous(id) => Rejection::new(format!("Anonymous channel '{id}' does not exist")),
        Scope::NoAnonymous(json) => Rejection::new(format!("Anonymous channel '{json}' does not exist")),
    }
}

fn no_named_channel(name: &str) -> Rejection {
    Rejection::new(format!("Channel '{name}' does not exist"))
}

impl Rejection {
    /// Nobody handles the event [P-46], or there is no such channel [P-47, P-48].
    pub fn no_listener(event: &str, scope: &Scope<'_>, channel_exists: bool) -> Self {
        match scope {
            Scope::Main => Self::new(format!("No event listener for '{event}'")),
            Scope::Named(name) if channel_exists => {
                Self::new(format!("No event listener for '{event}' on channel '{name}'"))
            }
            Scope::Anonymous(id) if channel_exists => {
                Self::new(format!("No event listener for '{event}' on channel '{id}'"))
            }
            scope => no_channel(scope),
        }
    }
}
