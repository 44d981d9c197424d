//! The HTTP request that opened a connection.

use http::{HeaderMap, Uri};
#[cfg(feature = "tungstenite")]
use http::{HeaderName, HeaderValue};
use std::net::SocketAddr;
use std::sync::OnceLock;

/// The largest number of headers in the head of a request or a response.
#[cfg(feature = "tungstenite")]
pub(crate) const MAX_HEADERS: usize = 100;

/// The HTTP request that opened a connection.
#[derive(Clone, Default, Debug)]
pub struct Handshake {
    pub(crate) uri: Uri,
    /// The head as it was received. Parsed on demand, because most programs never read it.
    pub(crate) head: Box<[u8]>,
    pub(crate) headers: OnceLock<Box<HeaderMap>>,
    pub(crate) remote_addr: Option<SocketAddr>,
    pub(crate) subprotocol: Option<String>,
}

impl Handshake {
    /// Returns the path and the query of the request, at both endpoints, or `/` for a transport without an HTTP
    /// request.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Returns the path of the request.
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// Returns the headers: at the server those of the request, at the client those of the response.
    ///
    /// They are parsed by the first call.
    pub fn headers(&self) -> &HeaderMap {
        self.headers.get_or_init(|| Box::new(parse_headers(&self.head)))
    }

    /// Returns the socket address of the peer, if the transport has one.
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        self.remote_addr
    }

    /// Returns the subprotocol that the server has chosen from the offer of the client.
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

/// Returns the path and the query of a URL or of a request's target, which may be a whole URL (RFC 9112, 3.2.2).
#[cfg(feature = "tungstenite")]
pub(crate) fn path_and_query(uri: &Uri) -> Uri {
    match uri.path_and_query() {
        // `http://host?query` has an empty path.
        Some(target) if target.as_str().starts_with('?') => format!("/{}", target.as_str()).parse().unwrap_or_default(),
        Some(target) => target.clone().into(),
        None => Uri::default(),
    }
}

/// Converts parsed headers. Returns `None` if a name or a value is invalid.
#[cfg(feature = "tungstenite")]
pub(crate) fn header_map(headers: &[httparse::Header<'_>]) -> Option<HeaderMap> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for header in headers {
        let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
        map.append(name, HeaderValue::from_bytes(header.value).ok()?);
    }
    Some(map)
}

/// Parses the headers of a head that was valid when it was received.
#[cfg(feature = "tungstenite")]
fn parse_headers(head: &[u8]) -> HeaderMap {
    // Empty lines before the first line are ignored, as when the head was received (RFC 9112, 2.2).
    let start = head.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(head.len());
    let head = &head[start..];
    let lines = head.iter().position(|byte| *byte == b'\n').map_or(&[][..], |newline| &head[newline + 1..]);
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    match httparse::parse_headers(lines, &mut headers) {
        Ok(httparse::Status::Complete((_, headers))) => header_map(headers).unwrap_or_default(),
        _ => HeaderMap::new(),
    }
}

/// Returns no headers, because only the WebSocket transport has a head.
#[cfg(not(feature = "tungstenite"))]
fn parse_headers(_: &[u8]) -> HeaderMap {
    HeaderMap::new()
}
