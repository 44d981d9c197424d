//! The state of a client.

use crate::close::Closed;
use crate::error::ConnectError;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// The state of a client, as [`Client::state`](crate::Client::state) shows it.
#[derive(Clone, Debug)]
pub enum ClientState {
    /// A connection is being opened, or its hook `on_open` runs.
    Connecting {
        /// The number of the attempt: 1 for the first one, and for the first one after a connection that was open for
        /// [`reset_after`](crate::client::Reconnect::reset_after).
        attempt: u64,
    },
    /// The connection is open, and its hook `on_open` has returned. The state stays until the hooks `on_close` of the
    /// connection have returned.
    Open {
        /// The number of the connection, from 1; see [`Peer::epoch`](crate::Peer::epoch).
        epoch: u64,
    },
    /// The client connects again later.
    Waiting {
        /// The time of the next attempt.
        until: Instant,
        /// The reason for which there is no connection.
        error: Disconnected,
    },
    /// There is no connection, and the client does not open one by itself.
    Closed {
        /// The reason for which there is no connection.
        cause: Disconnected,
    },
}

/// The reason for which a client has no connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Disconnected {
    /// The client was not connected yet.
    NotConnected,
    /// The connection was closed or lost.
    Lost(Arc<Closed>),
    /// The last attempt to connect has failed.
    Failed(Arc<ConnectError>),
    /// The client was [stopped](crate::Client::stop).
    Stopped,
}

impl ClientState {
    /// Returns true if the connection is open, and its hook `on_open` has returned.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open { .. })
    }

    /// Returns true if there is no connection, and the client does not open one by itself.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed { .. })
    }
}

impl fmt::Display for Disconnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnected => f.write_str("the client was not connected yet"),
            Self::Lost(closed) => closed.fmt(f),
            Self::Failed(error) => error.fmt(f),
            Self::Stopped => f.write_str("the client was stopped"),
        }
    }
}

impl Error for Disconnected {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Lost(closed) => closed.source(),
            Self::Failed(error) => error.source(),
            Self::NotConnected | Self::Stopped => None,
        }
    }
}
