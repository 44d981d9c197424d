//! Errors of clients that connect.

use super::{AcceptError, MountError, OpenError};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::error::Error;
use std::fmt;
use std::io;

/// An error of [`Client::rebind`](crate::Client::rebind).
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RebindError {
    /// The hook [`on_open`](crate::client::ClientBuilder::on_open) failed, or the connection was closed before it
    /// returned.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The client was stopped.
    #[error("the client was stopped")]
    Stopped,
    /// A later request for another connection has replaced this one.
    #[error("a later request for another connection has replaced this one")]
    Superseded,
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
    /// The function that determines the server's URL has failed; see
    /// [`Destination`](crate::client::Destination).
    #[cfg(feature = "websocket")]
    #[error("the function for the destination failed")]
    Destination(#[source] Box<dyn Error + Send + Sync>),
    /// A [connector](crate::client::Connector) of the program has failed.
    #[error(transparent)]
    Other(Box<dyn Error + Send + Sync>),
    /// The client cannot connect by itself, because it was given a transport or a stream and no URL.
    #[error("the client has no URL to connect to")]
    NoDestination,
    /// The client was stopped.
    #[error("the client was stopped")]
    Stopped,
    /// A later request for another connection has replaced this one.
    #[error("a later request for another connection has replaced this one")]
    Superseded,
}

impl ConnectError {
    /// Wraps the error of a [connector](crate::client::Connector).
    pub fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }

    /// Returns true if another attempt would fail in the same way: after an invalid URL or header, and after a refusal
    /// with status 401, 403 or 404.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Url { .. } | Self::Header { .. } | Self::Mount(_) | Self::NoDestination | Self::Stopped => true,
            Self::Refused { status, .. } => {
                matches!(*status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND)
            }
            _ => false,
        }
    }
}

/// The error of a [connector](crate::client::Connector) to a server in the same process.
impl From<AcceptError> for ConnectError {
    fn from(error: AcceptError) -> Self {
        Self::other(error)
    }
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
    /// The function that determines the URL; see [`Destination`](crate::client::Destination).
    #[cfg(feature = "websocket")]
    Destination,
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
            #[cfg(feature = "websocket")]
            Self::Destination => "the function that determines its URL",
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
        io::ErrorKind::ConnectionRefused => ": nothing listens there; is the server running, and is this its address?",
        io::ErrorKind::NotFound => ": there is no such socket; is the server running, and is the path right?",
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => ": no network leads there",
        io::ErrorKind::TimedOut => ": it does not respond",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::{ConnectError, ConnectStep};
    use crate::close::Closed;
    use crate::error::{MountError, OpenError};
    use crate::proto::ChannelName;
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};
    use std::error::Error;
    use std::io;
    use std::sync::Arc;

    /// Each kind of error, with sources as they come from the system and from libraries.
    fn all() -> Vec<ConnectError> {
        let address = || "desk.example:80".to_owned();
        let kinds = [
            io::ErrorKind::ConnectionRefused,
            io::ErrorKind::NotFound,
            io::ErrorKind::NetworkUnreachable,
            io::ErrorKind::HostUnreachable,
            io::ErrorKind::TimedOut,
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::UnexpectedEof,
        ];
        let mut sources: Vec<_> = kinds.into_iter().map(io::Error::from).collect();
        // Errors of systems, whose texts end with their numbers.
        sources.extend((1..140).map(io::Error::from_raw_os_error));
        sources.push(io::Error::other("a text of a library"));
        let mut errors: Vec<_> = sources
            .into_iter()
            .flat_map(|source| {
                let copy = || io::Error::from_raw_os_error(source.raw_os_error().unwrap_or(1));
                [
                    ConnectError::Protocol { address: address(), reason: "reason".to_owned(), source: Some(copy()) },
                    ConnectError::Dns { address: address(), source: copy() },
                    ConnectError::Connect { address: address(), source },
                ]
            })
            .collect();
        let name = ChannelName::new("").expect_err("it is empty");
        errors.extend([
            ConnectError::Mount(MountError::Name(name)),
            ConnectError::Url { url: "ftp://x".to_owned(), reason: "reason" },
            ConnectError::Header { name: "X".to_owned(), reason: "reason" },
            ConnectError::Refused {
                address: address(),
                status: StatusCode::NOT_FOUND,
                headers: Box::new(HeaderMap::new()),
                body: Bytes::new(),
            },
            ConnectError::TimedOut { address: address(), during: ConnectStep::Connect },
            ConnectError::Open(OpenError::TimedOut),
            ConnectError::Open(OpenError::Failed(Arc::new(io::Error::other("the hook's own text")))),
            ConnectError::Open(OpenError::Closed(Arc::new(Closed::lost(Some(
                io::Error::other("the stream's text").into(),
            ))))),
        ]);
        errors.extend([ConnectError::NoDestination, ConnectError::Stopped, ConnectError::Superseded]);
        errors.push(ConnectError::other(io::Error::other("the program's own text")));
        #[cfg(feature = "websocket")]
        errors.push(ConnectError::Destination(io::Error::other("no token").into()));
        #[cfg(feature = "proxy")]
        errors.push(ConnectError::Proxy {
            proxy: "proxy.example:3128".to_owned(),
            address: address(),
            reason: "reason".to_owned(),
            status: None,
            source: Some(io::ErrorKind::ConnectionReset.into()),
        });
        #[cfg(feature = "rustls")]
        errors.extend(tls_errors().into_iter().map(|source| ConnectError::Tls { address: address(), source }));
        errors
    }

    #[cfg(feature = "rustls")]
    fn tls_errors() -> Vec<io::Error> {
        use tokio_rustls::rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerMisbehaved};
        let certificates = [
            CertificateError::UnknownIssuer,
            CertificateError::NotValidForName,
            CertificateError::Expired,
            CertificateError::NotValidYet,
            CertificateError::Revoked,
            CertificateError::BadSignature,
        ];
        let mut errors: Vec<_> = certificates.into_iter().map(Error::InvalidCertificate).collect();
        errors.extend([
            Error::AlertReceived(AlertDescription::CertificateRequired),
            Error::AlertReceived(AlertDescription::ProtocolVersion),
            Error::AlertReceived(AlertDescription::HandshakeFailure),
            Error::InvalidMessage(InvalidMessage::InvalidContentType),
            Error::InvalidMessage(InvalidMessage::MessageTooLarge),
            Error::PeerMisbehaved(PeerMisbehaved::IllegalMiddleboxChangeCipherSpec),
            Error::DecryptError,
            Error::General("a text".to_owned()),
        ]);
        let mut errors: Vec<_> = errors.into_iter().map(io::Error::other).collect();
        errors.extend([io::ErrorKind::UnexpectedEof.into(), io::ErrorKind::ConnectionReset.into()]);
        errors
    }

    #[test]
    fn no_text_repeats_that_of_its_source() {
        for error in all() {
            let mut error: &dyn Error = &error;
            while let Some(source) = error.source() {
                let (text, source_text) = (error.to_string(), source.to_string());
                assert!(!text.to_lowercase().contains(&source_text.to_lowercase()), "{text}: {source_text}");
                error = source;
            }
        }
    }

    #[test]
    fn each_error_of_the_network_names_the_address() {
        for error in all() {
            let names_it = match &error {
                ConnectError::Dns { address, .. }
                | ConnectError::Connect { address, .. }
                | ConnectError::Refused { address, .. }
                | ConnectError::Protocol { address, .. }
                | ConnectError::TimedOut { address, .. } => error.to_string().contains(address),
                #[cfg(feature = "proxy")]
                ConnectError::Proxy { address, proxy, .. } => {
                    error.to_string().contains(address) && error.to_string().contains(proxy)
                }
                #[cfg(feature = "rustls")]
                ConnectError::Tls { address, .. } => error.to_string().contains(address),
                ConnectError::Url { url, .. } => error.to_string().contains(url),
                ConnectError::Mount(_)
                | ConnectError::Header { .. }
                | ConnectError::Open(_)
                | ConnectError::Other(_)
                | ConnectError::NoDestination
                | ConnectError::Stopped
                | ConnectError::Superseded => true,
                #[cfg(feature = "websocket")]
                ConnectError::Destination(_) => true,
            };
            assert!(names_it, "{error}");
        }
    }
}
