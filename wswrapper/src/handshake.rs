//! The request with which a connection began, as its handlers see it.

use http::{HeaderMap, Uri};
use std::net::SocketAddr;
use std::sync::OnceLock;

/// The request with which a connection began.
#[derive(Clone, Default, Debug)]
pub struct Handshake {
    pub(crate) uri: Uri,
    /// The head as it came: most programs never look at it, and each connection keeps it.
    pub(crate) head: Box<[u8]>,
    pub(crate) headers: OnceLock<Box<HeaderMap>>,
    pub(crate) remote_addr: Option<SocketAddr>,
    pub(crate) subprotocol: Option<String>,
}

impl Handshake {
    /// Path and query of the request; `/` for a transport without any.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The path of the request.
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// The headers: of the request at the server, of the response at the client; parsed when they are first asked for.
    pub fn headers(&self) -> &HeaderMap {
        self.headers.get_or_init(|| Box::new(parse(&self.head)))
    }

    /// The address of the other end, if it has one.
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        self.remote_addr
    }

    /// The subprotocol that the server chose of those that the client offered.
    ///
    /// ```
    /// # use wswrapper::{Context, ws_handlers};
    /// # struct Desk;
    /// #[ws_handlers]
    /// impl Desk {
    ///     async fn version(&self, ctx: Context) -> u32 {
    ///         if ctx.handshake().subprotocol() == Some("desk.v2") { 2 } else { 1 }
    ///     }
    /// }
    /// ```
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }
}

#[cfg(feature = "tungstenite")]
use crate::http::parse_headers as parse;

/// Other transports have no head.
#[cfg(not(feature = "tungstenite"))]
fn parse(_: &[u8]) -> HeaderMap {
    HeaderMap::new()
}
