//! Errors of builders.

use crate::proto::NameError;
use std::fmt;

/// An error of a service, a subprotocol, an origin or a host, returned when the server is built or the client connects.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MountError {
    /// Two services handle the same event.
    #[error("event `{event}`{} is handled by two services: mount one on a channel of its own", On(.channel.as_deref()))]
    Duplicate {
        /// The event.
        event: String,
        /// The channel; `None` is the main channel.
        channel: Option<String>,
    },
    /// The name of an event or a channel is invalid.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The name of a channel has braces, and they do not mark parameters.
    #[error("`{0}` cannot be a channel: a parameter is a whole segment with a name of its own, as in `doc/{{id}}`")]
    ChannelPattern(String),
    /// Two services are on channels that the same names stand for.
    #[error("channel `{channel}` cannot be told apart from channel `{other}`: give the parameters the same names")]
    AmbiguousChannel {
        /// The channel.
        channel: String,
        /// The channel that was mounted before.
        other: String,
    },
    /// The methods of a service take a parameter that their channel does not have.
    #[error("channel `{channel}` has no parameter `{{{parameter}}}`, and methods that are mounted there take it")]
    MissingParameter {
        /// The name of the parameter.
        parameter: String,
        /// The channel.
        channel: String,
    },
    /// An `on_enter` or `on_leave` hook would never run.
    #[error("there is a hook for channel `{channel}`, and no service is mounted there")]
    UnusedHook {
        /// The channel.
        channel: String,
    },
    /// The name of a subprotocol is invalid.
    #[error("`{0}` cannot be a subprotocol: it must be of ASCII letters, digits and !#$%&'*+-.^_`|~")]
    Subprotocol(String),
    /// The pattern of an origin is invalid.
    #[error("`{0}` cannot be an origin: write a scheme, a host and perhaps a port, as in `https://*.example.com:8443`")]
    Origin(String),
    /// [`max_head_size`](crate::Limits::max_head_size) is too small for the HTTP library.
    #[error("`max_head_size` must be at least 8 KiB, and not {0} bytes")]
    HeadSize(usize),
    /// The name of a host is invalid.
    #[error("`{0}` cannot be a host: write a name and perhaps a port, as in `example.com` or `localhost:8080`")]
    Host(String),
}

/// Displays the channel of an event, if it has one.
pub(super) struct On<'n>(pub(super) Option<&'n str>);

impl fmt::Display for On<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |channel| write!(f, " on channel `{channel}`"))
    }
}
