//! Errors of clients that connect.

use super::{MountError, OpenError};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::fmt;
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
///
/// An `address` is a host and a port, or the path of a Unix socket. That of a proxy begins with `the proxy`. No text
/// repeats that of its [source](std::error::Error::source).
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
    /// The name of the host has no address.
    #[error("cannot look up the host of {address}; is its name right?")]
    Dns {
        /// The host and the port.
        address: String,
        /// The error of the system.
        source: io::Error,
    },
    /// The server cannot be reached at any address of its host.
    #[error("cannot connect to {address}{}", connect_help(.source))]
    Connect {
        /// The host and the port, or the path of a Unix socket.
        address: String,
        /// The error of the system: of the last attempt, if the host has several addresses.
        source: io::Error,
    },
    /// The proxy cannot be used, or did not connect to the server.
    #[cfg(feature = "proxy")]
    #[error("the proxy {proxy} does not connect to {address}: {reason}")]
    Proxy {
        /// The host and the port of the proxy, or its URL if that is invalid.
        proxy: String,
        /// The host and the port of the server.
        address: String,
        /// The reason.
        reason: String,
        /// The status of the proxy's response, if there is one.
        status: Option<StatusCode>,
        /// The error of the connection, if that was lost.
        source: Option<io::Error>,
    },
    /// The TLS handshake failed: the certificate is not trusted or not valid for the host, or the server does not speak
    /// TLS.
    #[cfg(feature = "rustls")]
    #[error("no TLS connection to {address}{}", super::tls::explain(.source))]
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
        /// The host and the port, or the path of a Unix socket.
        address: String,
        /// The status.
        status: StatusCode,
        /// The headers.
        headers: Box<HeaderMap>,
        /// The first 4 KiB of the body, as far as they have arrived within a second.
        body: Bytes,
    },
    /// The response of the server is not valid for a WebSocket handshake, or is no HTTP.
    #[error("the server at {address} failed the handshake: {reason}")]
    Protocol {
        /// The host and the port, or the path of a Unix socket.
        address: String,
        /// The reason.
        reason: String,
        /// The error of the connection, if that was lost.
        source: Option<io::Error>,
    },
    /// Connecting took longer than [`handshake_timeout`](crate::Limits::handshake_timeout), or than the builder's
    /// [`connect_timeout`](crate::client::ClientBuilder::connect_timeout).
    #[error("connecting to {address} took too long: {during} is not finished")]
    TimedOut {
        /// The host and the port, or the path of a Unix socket.
        address: String,
        /// The step that was not finished in time.
        during: ConnectStep,
    },
    /// The hook [`on_open`](crate::client::ClientBuilder::on_open) failed. The connection was closed with status 1011.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// A step of a client that connects.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ConnectStep {
    /// The lookup of the host's name.
    Lookup,
    /// The TCP connection, or the connection to a Unix socket.
    Connect,
    /// The request to the proxy.
    #[cfg(feature = "proxy")]
    Proxy,
    /// The TLS handshake.
    Tls,
    /// The WebSocket handshake.
    Handshake,
}

impl fmt::Display for ConnectStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lookup => "the lookup of its name",
            Self::Connect => "the connection",
            #[cfg(feature = "proxy")]
            Self::Proxy => "the request for a connection to the server",
            Self::Tls => "the TLS handshake",
            Self::Handshake => "the WebSocket handshake",
        })
    }
}

fn status_help(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "; is the path right?",
        status if status.is_redirection() => {
            "; with `.redirects(..)` on its builder the client would follow the header `Location`"
        }
        _ => "",
    }
}

/// Explains an error whose own text is for those who know the system.
fn connect_help(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ": nothing listens there; is the server running, and on this port?",
        io::ErrorKind::NotFound => ": there is no such socket; is the server running, and is the path right?",
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => ": no network leads there",
        io::ErrorKind::TimedOut => ": it does not respond",
        _ => "",
    }
}
