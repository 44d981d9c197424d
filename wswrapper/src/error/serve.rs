//! Errors of a server and of its connections that did not come about.

use super::MountError;
use std::io;

/// Why a server does not serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The services cannot be mounted.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// The address cannot be bound.
    #[error("cannot listen on {address}: {}", bind_help(.source))]
    Bind {
        /// The address as it was given.
        address: String,
        /// Why.
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

/// Why a connection was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// It was an ordinary HTTP request, answered with this status.
    #[error("an HTTP request, answered with status {0}")]
    Http(u16),
    /// The request's head did not come in time.
    #[error("no request within the handshake's time")]
    TimedOut,
    /// The server is closing.
    #[error("the server is closing")]
    Closing,
    /// The connection failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}
