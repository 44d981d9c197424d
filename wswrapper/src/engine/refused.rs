//! Handshakes that a server has refused.

use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, Uri};
use std::fmt;
use std::net::SocketAddr;

/// A handshake that a server has refused, as an [`Observer`](super::Observer) sees it.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct RefusedHandshake<'h> {
    /// The rule that the request breaks.
    pub reason: RefusalReason,
    /// The status of the response.
    pub status: StatusCode,
    /// The address of the client, if it is known.
    pub remote_addr: Option<SocketAddr>,
    request: &'h Parts,
}

/// The rule of a handshake that a request breaks, in the order in which the rules are checked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum RefusalReason {
    /// Its host is not one of the [hosts](crate::server::ServerBuilder::hosts) that are answered.
    Host,
    /// Its method is not GET.
    Method,
    /// It is not HTTP/1.1.
    HttpVersion,
    /// Its target is no path.
    Target,
    /// It has not exactly one valid `Host`.
    HostHeader,
    /// It has a body.
    Body,
    /// Its `Connection` has no `upgrade`.
    Connection,
    /// It has not exactly one valid `Sec-WebSocket-Key`.
    Key,
    /// It has not exactly one `Sec-WebSocket-Version`, 13.
    WebSocketVersion,
    /// No connection is accepted on its path.
    Path,
    /// Pages of its `Origin` may not connect.
    Origin,
    /// The server is closing.
    Closing,
    /// The server has [`max_connections`](crate::Limits::max_connections).
    TooManyConnections,
    /// More handshakes are under way than [`max_handshakes_in_flight`](crate::Limits::max_handshakes_in_flight), or this
    /// second had [`max_handshakes_per_second`](crate::Limits::max_handshakes_per_second) already.
    TooManyHandshakes,
    /// Its address has [`max_connections_per_address`](crate::Limits::max_connections_per_address).
    TooManyOfAddress,
    /// [`authenticate`](crate::server::ServerBuilder::authenticate) has refused it, or has panicked.
    Authentication,
    /// [`authenticate`](crate::server::ServerBuilder::authenticate) did not decide within
    /// [`handshake_timeout`](crate::Limits::handshake_timeout).
    TimedOut,
    /// The HTTP server around the [`Server`](crate::Server) cannot upgrade the connection.
    NotUpgradable,
}

#[cfg(feature = "websocket")]
impl<'h> RefusedHandshake<'h> {
    pub(crate) fn new(
        reason: RefusalReason,
        status: StatusCode,
        remote_addr: Option<SocketAddr>,
        request: &'h Parts,
    ) -> Self {
        Self { reason, status, remote_addr, request }
    }
}

impl<'h> RefusedHandshake<'h> {
    /// Returns the method of the request.
    pub fn method(&self) -> &'h Method {
        &self.request.method
    }

    /// Returns the target of the request.
    pub fn uri(&self) -> &'h Uri {
        &self.request.uri
    }

    /// Returns the headers of the request.
    pub fn headers(&self) -> &'h HeaderMap {
        &self.request.headers
    }
}

impl fmt::Debug for RefusedHandshake<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the headers, which may hold passwords.
        f.debug_struct("RefusedHandshake")
            .field("reason", &self.reason)
            .field("status", &self.status)
            .field("remote_addr", &self.remote_addr)
            .field("uri", self.uri())
            .finish_non_exhaustive()
    }
}
