//! Errors of servers.

use super::MountError;
use std::io;

/// An error of a server that starts to serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// A service cannot be mounted.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// The address cannot be bound.
    #[error("cannot listen on {address}: {}", bind_help(.source))]
    Bind {
        /// The address.
        address: String,
        /// The error of the system.
        source: io::Error,
    },
}

fn bind_help(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use; end the program that uses it, or take another port".into(),
        io::ErrorKind::PermissionDenied => format!("{error}; ports below 1024 need privileges"),
        io::ErrorKind::AddrNotAvailable => format!("{error}; this machine does not have that address"),
        _ => error.to_string(),
    }
}

/// An error of a connection that was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// The request was not a valid WebSocket handshake. It was answered with this HTTP status.
    #[error("an HTTP request, answered with status {0}")]
    Http(u16),
    /// The head of the request did not arrive within [`handshake_timeout`](crate::Limits::handshake_timeout).
    #[error("no request within the handshake's time")]
    TimedOut,
    /// The server drains or closes.
    #[error("the server is closing")]
    Closing,
    /// The connection failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}
