//! Errors of services that are mounted.

use crate::proto::NameError;
use std::fmt;

/// A service that cannot be mounted, told when the server is built or the client connects.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MountError {
    /// Two services handle the same event.
    #[error("event `{event}`{} is handled by two services: mount one on a channel of its own", On(.channel.as_deref()))]
    Duplicate {
        /// The event.
        event: String,
        /// The channel; none is the main one.
        channel: Option<String>,
    },
    /// A name that cannot be.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Not the name of a subprotocol.
    #[error("`{0}` cannot be a subprotocol: it must be of ASCII letters, digits and !#$%&'*+-.^_`|~")]
    Subprotocol(String),
}

pub(super) struct On<'n>(pub(super) Option<&'n str>);

impl fmt::Display for On<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |channel| write!(f, " on channel `{channel}`"))
    }
}
