//! Errors of a client that connects.

use super::MountError;
use std::io;

/// Why a client does not go on over another transport.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// It is still connected: close the connection first, and wait for its end.
    #[error("the connection is still open")]
    StillOpen,
}

/// Why a client could not connect.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The services cannot be mounted.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// Not the URL of a WebSocket.
    #[error("`{url}` is not a WebSocket URL: {reason}")]
    Url {
        /// The URL as it was given, without user and password.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Not a header that can be sent with the handshake.
    #[error("header `{name}` cannot be sent: {reason}")]
    Header {
        /// The header's name as it was given.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The server cannot be reached.
    #[error("cannot connect to {address}: {source}{}", connect_help(.source))]
    Connect {
        /// Host and port.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The server was reached, but not by TLS: its certificate is not trusted or is for another name, or it does not
    /// speak TLS.
    #[cfg(feature = "rustls")]
    #[error("no TLS connection to {address}: {}", super::tls::explain(.source))]
    Tls {
        /// Host and port.
        address: String,
        /// Why; a [`rustls::Error`](crate::rustls::Error) is its inner error.
        source: io::Error,
    },
    /// The server answered, but not as a WebSocket server.
    #[error("the server at {address} refused the handshake: {reason}")]
    Handshake {
        /// Host and port.
        address: String,
        /// What it answered.
        reason: String,
    },
    /// [`handshake_timeout`](crate::Limits::handshake_timeout) passed, or the client's
    /// [`connect_timeout`](crate::ClientBuilder::connect_timeout).
    #[error("{address} did not complete the handshake in time")]
    TimedOut {
        /// Host and port.
        address: String,
    },
}

fn connect_help(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "; is the server running, and on this port?",
        _ => "",
    }
}
