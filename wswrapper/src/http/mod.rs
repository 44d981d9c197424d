//! HTTP of a WebSocket server: reads the head of a request, and answers it or upgrades the connection.

mod authenticate;
mod origin;
mod refusal;
mod response;
mod rules;

pub(crate) use authenticate::Authenticator;
pub(crate) use origin::OriginPolicy;
pub use refusal::Refusal;

use self::response::Response;
use crate::engine::Extensions;
use crate::error::{AcceptError, MountError};
use crate::handshake::{MAX_HEADERS, header_map};
use crate::limits::Limits;
use crate::rt::{Instant, timeout};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use std::collections::HashMap;
use std::io;
use std::mem;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The HTTP settings of a server: who may connect, and the pages beside the WebSocket.
#[derive(Default, Debug)]
pub(crate) struct HttpFront {
    /// The path of WebSocket connections; any path if not set.
    path: Option<String>,
    pub(crate) subprotocols: Vec<String>,
    pub(crate) origins: OriginPolicy,
    pub(crate) authenticator: Authenticator,
    pages: HashMap<String, Page>,
}

#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) content_type: String,
    pub(crate) content: Bytes,
}

/// The server behind the front.
pub(crate) trait Site: Sync {
    /// Returns true once new connections are refused.
    fn refuses_connections(&self) -> bool;

    /// Returns the page with the health of the server, if it has this path.
    fn health_page(&self, path: &str) -> Option<SitePage>;

    /// Returns the page with the status of the server, if it has this path.
    fn status_page(&self, path: &str) -> Option<SitePage>;
}

/// A page that the server makes for each request.
pub(crate) struct SitePage {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) content: Bytes,
}

/// The request of a completed WebSocket handshake.
pub(crate) struct Request {
    pub(crate) parts: Arc<Parts>,
    /// The values that are stored with the connection.
    pub(crate) extensions: Extensions,
    /// The subprotocol that was chosen.
    pub(crate) subprotocol: Option<String>,
    /// The bytes that were read beyond the head.
    pub(crate) rest: Vec<u8>,
}

impl HttpFront {
    pub(crate) fn set_path(&mut self, path: &str) {
        self.path = Some(absolute_path(path));
    }

    pub(crate) fn add_page(&mut self, path: &str, page: Page) {
        self.pages.insert(absolute_path(path), page);
    }

    /// Reads a request and answers it. Returns the request of a valid handshake; any other request is an error.
    ///
    /// The request has to arrive and to be authenticated within `handshake_timeout`. Writing the response takes as long
    /// as the client reads it.
    pub(crate) async fn perform_handshake<S>(
        &self,
        stream: &mut S,
        site: &impl Site,
        limits: &Limits,
    ) -> Result<Request, AcceptError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let started = Instant::now();
        let head = read_head(stream, Vec::new(), limits.max_head_bytes, parse_request);
        let Ok(head) = timeout(limits.handshake_timeout, head).await else {
            // The client may be gone.
            let response = Response::status(StatusCode::REQUEST_TIMEOUT);
            let _ = timeout(limits.close_timeout, response.write(stream, limits.write_timeout)).await;
            return Err(AcceptError::TimedOut);
        };
        let response = match head? {
            Err(status) => Response::status(status),
            Ok(Head { parsed, rest }) => {
                let parts = Arc::new(parsed.into_parts().0);
                let time_left = limits.handshake_timeout.saturating_sub(started.elapsed());
                match self.decide(&parts, site, limits, time_left).await {
                    Ok((Upgrade { head, subprotocol }, extensions)) => {
                        write(stream, &head, limits.write_timeout).await?;
                        timeout(limits.write_timeout, stream.flush()).await.map_err(io::Error::from)??;
                        return Ok(Request { parts, extensions, subprotocol, rest });
                    }
                    Err(response) => response.head_only(parts.method == Method::HEAD),
                }
            }
        };
        let status = response.status;
        response.write(stream, limits.write_timeout).await?;
        Err(AcceptError::Http(status.as_u16()))
    }

    /// Decides about a request: by its head, and then by the program, which has this time.
    async fn decide(
        &self,
        request: &Arc<Parts>,
        site: &impl Site,
        limits: &Limits,
        time_left: Duration,
    ) -> Result<(Upgrade, Extensions), Response> {
        let upgrade = self.decide_by_head(request, site)?;
        let decided = self.authenticator.decide(request, limits.max_handshakes_in_flight);
        match timeout(time_left, decided).await {
            // The drain may have begun in the meantime.
            Ok(_) if site.refuses_connections() => Err(Response::draining()),
            Ok(decided) => Ok((upgrade, decided?)),
            Err(_) => Err(Response::status(StatusCode::SERVICE_UNAVAILABLE)),
        }
    }

    fn decide_by_head(&self, request: &Parts, site: &impl Site) -> Result<Upgrade, Response> {
        let (path, is_websocket) = (request.uri.path(), rules::asks_for_websocket(&request.headers));
        if let Some(page) = site.health_page(path).filter(|_| !is_websocket) {
            return Err(Response::site(request, page));
        }
        if !self.origins.answers(request) {
            return Err(Response::text(StatusCode::FORBIDDEN, "This host is not served here.\n"));
        }
        if is_websocket {
            return if site.refuses_connections() { Err(Response::draining()) } else { self.upgrade(request) };
        }
        Err(match site.status_page(path) {
            Some(page) => Response::site(request, page),
            None => self.page(request),
        })
    }

    /// Returns the response to a request that asks for no WebSocket.
    fn page(&self, request: &Parts) -> Response {
        let path = request.uri.path();
        match self.pages.get(path) {
            Some(_) if !is_read(request) => Response::not_allowed(),
            Some(page) => Response::page(page),
            None if self.accepts_path(path) => Response::text(
                StatusCode::UPGRADE_REQUIRED,
                "This is the address of a WebSocket: connect with ws:// instead of http://.\n",
            )
            .header("Upgrade", "websocket")
            .header("Connection", "Upgrade"),
            None => Response::status(StatusCode::NOT_FOUND),
        }
    }

    fn upgrade(&self, request: &Parts) -> Result<Upgrade, Response> {
        let key = rules::check(request)?;
        if !self.accepts_path(request.uri.path()) {
            return Err(Response::status(StatusCode::NOT_FOUND));
        }
        if !self.origins.allows(request) {
            return Err(Response::text(StatusCode::FORBIDDEN, "Pages of this origin may not connect.\n"));
        }
        let subprotocol = self.choose_subprotocol(&request.headers);
        Ok(Upgrade { head: response_head(key, subprotocol), subprotocol: subprotocol.map(str::to_owned) })
    }

    fn accepts_path(&self, path: &str) -> bool {
        self.path.as_deref().is_none_or(|only| only == path)
    }

    /// Returns the first offered subprotocol that is supported.
    fn choose_subprotocol(&self, headers: &HeaderMap) -> Option<&str> {
        let values =
            headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).into_iter().filter_map(|value| value.to_str().ok());
        let mut offers = values.flat_map(|value| value.split(',')).map(str::trim);
        offers.find_map(|offer| self.subprotocols.iter().find(|supported| *supported == offer)).map(String::as_str)
    }
}

/// Returns true for the methods that read a page.
fn is_read(request: &Parts) -> bool {
    request.method == Method::HEAD || request.method == Method::GET
}

/// Returns the path with a leading slash.
pub(crate) fn absolute_path(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

/// Returns the head of the response to a valid handshake with this `Sec-WebSocket-Key`.
fn response_head(key: &HeaderValue, subprotocol: Option<&str>) -> Vec<u8> {
    let accept = derive_accept_key(key.as_bytes());
    let mut head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n"
    );
    if let Some(name) = subprotocol {
        head.extend(["Sec-WebSocket-Protocol: ", name, "\r\n"]);
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// Adds a subprotocol to the names that are offered or supported.
pub(crate) fn subprotocol(names: &mut Vec<String>, name: &str) -> Result<(), MountError> {
    // A subprotocol is a token, like the name of a header.
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Err(MountError::Subprotocol(name.to_owned()));
    }
    if !names.iter().any(|other| other == name) {
        names.push(name.to_owned());
    }
    Ok(())
}

/// The response to a valid handshake.
struct Upgrade {
    head: Vec<u8>,
    subprotocol: Option<String>,
}

/// Writes all bytes. Fails if the peer reads nothing for the whole `timeout`.
async fn write(stream: &mut (impl AsyncWrite + Unpin), mut bytes: &[u8], patience: Duration) -> io::Result<()> {
    while !bytes.is_empty() {
        match timeout(patience, stream.write(bytes)).await?? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => bytes = &bytes[written..],
        }
    }
    Ok(())
}

/// The head of a request or a response.
pub(crate) struct Head<T> {
    pub(crate) parsed: T,
    /// The bytes that were read beyond the head.
    pub(crate) rest: Vec<u8>,
}

/// Reads until `parse` returns a head, of which `begun` has arrived. An invalid head, or one larger than `max_bytes`, is returned as its error
/// status.
pub(crate) async fn read_head<S, T>(
    stream: &mut S,
    begun: Vec<u8>,
    max_bytes: usize,
    parse: impl Fn(&[u8]) -> Result<Option<(T, usize)>, StatusCode>,
) -> io::Result<Result<Head<T>, StatusCode>>
where
    S: AsyncRead + Unpin,
{
    let mut head = begun;
    head.reserve(1024);
    let mut is_begun = !head.is_empty();
    loop {
        let before = head.len();
        if !mem::take(&mut is_begun) {
            if stream.read_buf(&mut head).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            // Only a line feed can complete a head. A head that arrives byte by byte is not parsed at each byte.
            if before > 0 && head.len() < max_bytes && !head[before..].contains(&b'\n') {
                continue;
            }
        }
        match parse(&head) {
            Err(status) => return Ok(Err(status)),
            Ok(Some((parsed, length))) => {
                let rest = head.split_off(length);
                return Ok(Ok(Head { parsed, rest }));
            }
            Ok(None) if head.len() >= max_bytes => return Ok(Err(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)),
            Ok(None) => {}
        }
    }
}

fn parse_request(read: &[u8]) -> Result<Option<(http::Request<()>, usize)>, StatusCode> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let length = match head.parse(read).map_err(status_of)? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return Ok(None),
    };
    let bad = StatusCode::BAD_REQUEST;
    let mut request = http::Request::new(());
    *request.method_mut() = Method::from_bytes(head.method.unwrap_or_default().as_bytes()).map_err(|_| bad)?;
    *request.uri_mut() = head.path.unwrap_or_default().parse().map_err(|_| bad)?;
    *request.version_mut() = if head.version == Some(1) { Version::HTTP_11 } else { Version::HTTP_10 };
    *request.headers_mut() = header_map(head.headers).ok_or(StatusCode::BAD_REQUEST)?;
    Ok(Some((request, length)))
}

pub(crate) fn status_of(error: httparse::Error) -> StatusCode {
    match error {
        httparse::Error::TooManyHeaders => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    }
}
