//! The HTTP request that opened a connection.

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

/// The largest number of headers in the head of a request or a response.
#[cfg(feature = "websocket")]
pub(crate) const MAX_HEADERS: usize = 100;

/// The HTTP request that opened a connection: its path, query and headers, the address of its peer and the chosen
/// subprotocol.
///
/// A `Handshake` is cheap to clone. It keeps a compact copy of the head, and none of the buffers of an HTTP library.
///
/// ```
/// use wswrapper::connection::Handshake;
///
/// let request = http::Request::get("/chat?room=1").header("Host", "localhost").body(()).unwrap();
/// let handshake = Handshake::new(&request.into_parts().0, None).with_subprotocol("chat.v2");
/// assert_eq!(handshake.path(), "/chat");
/// assert_eq!(handshake.uri().query(), Some("room=1"));
/// assert_eq!(handshake.headers()["host"], "localhost");
/// ```
#[derive(Clone, Default)]
pub struct Handshake {
    /// `None` for a transport without an HTTP request.
    head: Option<Arc<Head>>,
}

#[derive(Clone)]
struct Head {
    uri: Uri,
    headers: CompactHeaders,
    remote_addr: Option<SocketAddr>,
    subprotocol: Option<Box<str>>,
}

impl Handshake {
    /// Describes a request that was received elsewhere, and the address of its client.
    ///
    /// The path, the query and the headers are copied. [`Default`] describes a transport without an HTTP request.
    pub fn new(request: &Parts, remote_addr: Option<SocketAddr>) -> Self {
        Self::of(&request.uri, &request.headers, remote_addr)
    }

    pub(crate) fn of(uri: &Uri, headers: &HeaderMap, remote_addr: Option<SocketAddr>) -> Self {
        let head =
            Head { uri: path_and_query(uri), headers: CompactHeaders::new(headers), remote_addr, subprotocol: None };
        Self { head: Some(Arc::new(head)) }
    }

    /// Adds the subprotocol that was chosen.
    #[must_use]
    pub fn with_subprotocol(mut self, name: &str) -> Self {
        let head = self.head.get_or_insert_with(|| Arc::new(Head::default()));
        Arc::make_mut(head).subprotocol = Some(name.into());
        self
    }

    /// Returns the path and the query of the request, at both endpoints, or `/` for a transport without an HTTP
    /// request.
    pub fn uri(&self) -> &Uri {
        static NONE: OnceLock<Uri> = OnceLock::new();
        self.head.as_ref().map_or_else(|| NONE.get_or_init(Uri::default), |head| &head.uri)
    }

    /// Returns the path of the request.
    pub fn path(&self) -> &str {
        self.uri().path()
    }

    /// Returns the headers: at the server those of the request, at the client those of the response.
    ///
    /// They are parsed by the first call.
    pub fn headers(&self) -> &HeaderMap {
        static NONE: OnceLock<HeaderMap> = OnceLock::new();
        self.head.as_ref().map_or_else(|| NONE.get_or_init(HeaderMap::new), |head| head.headers.get())
    }

    /// Returns the socket address of the peer, if the transport has one.
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        self.head.as_ref().and_then(|head| head.remote_addr)
    }

    /// Returns the subprotocol that the server has chosen from the offer of the client.
    ///
    /// ```
    /// # use wswrapper::{Context, ws_handlers};
    /// # struct Desk;
    /// #[ws_handlers]
    /// impl Desk {
    ///     pub async fn version(&self, ctx: Context) -> u32 {
    ///         if ctx.handshake().subprotocol() == Some("desk.v2") { 2 } else { 1 }
    ///     }
    /// }
    /// ```
    pub fn subprotocol(&self) -> Option<&str> {
        self.head.as_ref().and_then(|head| head.subprotocol.as_deref())
    }
}

impl Default for Head {
    fn default() -> Self {
        let headers = CompactHeaders::new(&HeaderMap::new());
        Self { uri: Uri::default(), headers, remote_addr: None, subprotocol: None }
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the headers, which may hold passwords.
        f.debug_struct("Handshake")
            .field("uri", self.uri())
            .field("remote_addr", &self.remote_addr())
            .field("subprotocol", &self.subprotocol())
            .finish_non_exhaustive()
    }
}

/// Headers as one text, because a map of them is several times larger and most programs never read it.
#[derive(Clone)]
struct CompactHeaders {
    /// A line `name:value` for each header.
    lines: Box<[u8]>,
    parsed: OnceLock<Box<HeaderMap>>,
}

impl CompactHeaders {
    fn new(headers: &HeaderMap) -> Self {
        let lengths = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 2);
        let mut lines = Vec::with_capacity(lengths.sum());
        for (name, value) in headers {
            lines.extend_from_slice(name.as_str().as_bytes());
            lines.push(b':');
            lines.extend_from_slice(value.as_bytes());
            lines.push(b'\n');
        }
        Self { lines: lines.into(), parsed: OnceLock::new() }
    }

    fn get(&self) -> &HeaderMap {
        self.parsed.get_or_init(|| Box::new(self.parse()))
    }

    fn parse(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        // Neither a name nor a value holds a line feed, and no name holds a colon.
        for line in self.lines.split(|byte| *byte == b'\n') {
            let mut parts = line.splitn(2, |byte| *byte == b':');
            if let (Some(name), Some(value)) = (parts.next(), parts.next())
                && let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
            {
                headers.append(name, value);
            }
        }
        headers
    }
}

/// Returns a copy of the path and the query of a URL or of a request's target, which may be a whole URL (RFC 9112,
/// 3.2.2).
pub(crate) fn path_and_query(uri: &Uri) -> Uri {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    // `http://host?query` has an empty path.
    let slash = if target.starts_with('?') { "/" } else { "" };
    format!("{slash}{target}").parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Handshake;

    #[test]
    fn headers_are_kept_with_their_bytes_and_their_number() {
        let request = http::Request::get("http://example.org?q=1")
            .header("X-Empty", "")
            .header("X-List", "a: b")
            .header("X-List", "c")
            .header("X-Bytes", http::HeaderValue::from_bytes(b"\xfftab\t").unwrap())
            .body(())
            .unwrap();
        let (parts, ()) = request.into_parts();
        let handshake = Handshake::new(&parts, None);
        assert_eq!(*handshake.headers(), parts.headers);
        assert_eq!(handshake.uri(), "/?q=1");
        assert_eq!(handshake.remote_addr(), None);
    }

    #[test]
    fn a_transport_without_a_request_has_an_empty_handshake() {
        let handshake = Handshake::default();
        assert_eq!((handshake.path(), handshake.headers().len()), ("/", 0));
        assert_eq!(handshake.clone().with_subprotocol("v2").subprotocol(), Some("v2"));
        assert_eq!(handshake.subprotocol(), None);
    }

    #[test]
    fn debug_shows_no_headers() {
        let request = http::Request::get("/").header("Authorization", "secret").body(()).unwrap();
        assert!(!format!("{:?}", Handshake::new(&request.into_parts().0, None)).contains("secret"));
    }
}
