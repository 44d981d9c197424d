//! The request with which a connection began, as its handlers see it.

use http::{HeaderMap, Uri};
#[cfg(feature = "tungstenite")]
use http::{HeaderName, HeaderValue};
use std::net::SocketAddr;
use std::sync::OnceLock;

/// Headers in a head.
#[cfg(feature = "tungstenite")]
pub(crate) const MAX_HEADERS: usize = 100;

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
        self.headers.get_or_init(|| Box::new(parse_headers(&self.head)))
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
pub(crate) fn header_map(headers: &[httparse::Header<'_>]) -> Option<HeaderMap> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for header in headers {
        let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
        map.append(name, HeaderValue::from_bytes(header.value).ok()?);
    }
    Some(map)
}

/// The headers of a head that was in order when it came.
#[cfg(feature = "tungstenite")]
fn parse_headers(head: &[u8]) -> HeaderMap {
    // Empty lines before the first are heeded as little here as when it was parsed (RFC 9112, 2.2).
    let start = head.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(head.len());
    let head = &head[start..];
    let lines = head.iter().position(|byte| *byte == b'\n').map_or(&[][..], |newline| &head[newline + 1..]);
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    match httparse::parse_headers(lines, &mut headers) {
        Ok(httparse::Status::Complete((_, headers))) => header_map(headers).unwrap_or_default(),
        _ => HeaderMap::new(),
    }
}

/// Other transports have no head.
#[cfg(not(feature = "tungstenite"))]
fn parse_headers(_: &[u8]) -> HeaderMap {
    HeaderMap::new()
}
