//! Errors of clients that connect.

use super::{MountError, OpenError};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::io;

/// An error of [`Client::rebind`](crate::Client::rebind).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RebindError {
    /// The client is still connected. Close the connection first and wait until it is closed.
    #[error("the connection is still open")]
    StillOpen,
}

/// An error of a client that connects.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// A service cannot be mounted.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// The URL is invalid.
    #[error("`{url}` is not a WebSocket URL: {reason}")]
    Url {
        /// The URL without user and password.
        url: String,
        /// The reason.
        reason: &'static str,
    },
    /// A header cannot be sent with the handshake.
    #[error("header `{name}` cannot be sent: {reason}")]
    Header {
        /// The name of the header.
        name: String,
        /// The reason.
        reason: &'static str,
    },
    /// The server cannot be reached.
    #[error("cannot connect to {address}: {source}{}", connect_help(.source))]
    Connect {
        /// The host and the port.
        address: String,
        /// The error of the system.
        source: io::Error,
    },
    /// The TLS handshake failed: the certificate is not trusted or not valid for the host, or the server does not speak
    /// TLS.
    #[cfg(feature = "rustls")]
    #[error("no TLS connection to {address}: {}", super::tls::explain(.source))]
    Tls {
        /// The host and the port.
        address: String,
        /// The error of the handshake. Its inner error is a [`rustls::Error`](crate::client::rustls::Error) if TLS
        /// failed.
        source: io::Error,
    },
    /// The server refused the WebSocket handshake with an HTTP response.
    ///
    /// Its [`status`](#variant.Refused.field.status) tells a wrong path (404) from a missing login (401) and from an
    /// overloaded server (503).
    #[error("the server at {address} refused the handshake: status {status}{}", status_help(*.status))]
    Refused {
        /// The host and the port.
        address: String,
        /// The status.
        status: StatusCode,
        /// The headers.
        headers: Box<HeaderMap>,
        /// The first 4 KiB of the body, as far as they have arrived within a second. Empty if it is sent in chunks.
        body: Bytes,
    },
    /// The response of the server is not valid for a WebSocket handshake, or is no HTTP.
    #[error("the server at {address} refused the handshake: {reason}")]
    Handshake {
        /// The host and the port.
        address: String,
        /// The reason.
        reason: String,
    },
    /// Connecting took longer than [`handshake_timeout`](crate::Limits::handshake_timeout), or than the builder's
    /// [`connect_timeout`](crate::client::ClientBuilder::connect_timeout).
    #[error("{address} did not complete the handshake in time")]
    TimedOut {
        /// The host and the port.
        address: String,
    },
    /// The hook [`on_open`](crate::client::ClientBuilder::on_open) failed. The connection was closed with status 1011.
    #[error(transparent)]
    Open(#[from] OpenError),
}

fn status_help(status: StatusCode) -> &'static str {
    if status == StatusCode::NOT_FOUND { "; is the path right?" } else { "" }
}

fn connect_help(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "; is the server running, and on this port?",
        _ => "",
    }
}
