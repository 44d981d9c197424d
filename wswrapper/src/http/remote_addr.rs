//! The address of a client.

use http::request::Parts;
use std::fmt;
use std::net::SocketAddr;

/// The socket address of a client, as an extension of its request.
///
/// It is the address of the socket, which a [`Listener`](crate::server::Listener) knows, or what
/// [`remote_addr`](crate::server::ServerBuilder::remote_addr) has found.
/// [`authenticate`](crate::server::ServerBuilder::authenticate) and a
/// [fallback](crate::server::ServerBuilder::fallback) find it there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RemoteAddr(pub SocketAddr);

/// Finds the address of a client.
#[derive(Default)]
pub(crate) enum RemoteAddrSource {
    /// The address of the socket, if a listener knows it.
    #[default]
    Socket,
    Function(Box<FindAddress>),
}

pub(crate) type FindAddress = dyn Fn(&Parts) -> Option<SocketAddr> + Send + Sync;

impl RemoteAddrSource {
    pub(super) fn find(&self, request: &Parts) -> Option<SocketAddr> {
        match self {
            Self::Socket => request.extensions.get::<RemoteAddr>().map(|address| address.0),
            Self::Function(find) => find(request),
        }
    }
}

impl fmt::Debug for RemoteAddrSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Socket => "Socket",
            Self::Function(_) => "Function",
        })
    }
}
