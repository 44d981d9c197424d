//! Connecting to a URL.

use super::head::{Head, read_head, status_of};
use super::url::{Scheme, ServerUrl};
use super::{Client, ClientBuilder};
use crate::close::Closed;
use crate::engine::{Extensions, LocalEndpoint, Opened};
use crate::error::{ConnectError, OpenError};
use crate::handshake::{Handshake, MAX_HEADERS, header_map};
use crate::http::subprotocol;
use crate::proto::{Side, shown_name};
use crate::rt;
use crate::transport::{WebSocket, tcp};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::generate_request;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The options of a connection beyond the URL.
#[derive(Default, Debug)]
pub(crate) struct ConnectOptions {
    headers: HeaderMap,
    /// The error of the first header that cannot be sent.
    error: Option<ConnectError>,
    subprotocols: Vec<String>,
    timeout: Option<Duration>,
    #[cfg(feature = "rustls")]
    pub(crate) tls: Option<Arc<crate::client::rustls::ClientConfig>>,
}

impl Client {
    /// Connects to a `ws://` URL, or to a `wss://` URL with the feature `rustls`.
    ///
    /// The default port is 80, or 443 for `wss://`. The platform must trust the certificate of the server, unless the
    /// builder's `tls` sets another configuration.
    ///
    /// Name lookup, TCP, TLS and the WebSocket handshake together have
    /// [`handshake_timeout`](crate::Limits::handshake_timeout); then it fails with [`ConnectError::TimedOut`].
    ///
    /// Returns when the handshake is complete and the hook [`on_open`](crate::client::ClientBuilder::on_open), if there
    /// is one, has returned. If the hook fails or takes longer than [`open_timeout`](crate::Limits::open_timeout),
    /// connecting fails with [`ConnectError::Open`]. Cancel-safe: dropping the future closes the connection.
    ///
    /// ```
    /// # use wswrapper::{Client, error::ConnectError};
    /// # async fn run() -> Result<(), ConnectError> {
    /// let client = Client::connect("ws://localhost:8080/path").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::builder().connect(url).await
    }
}

impl ClientBuilder {
    /// Adds a header to the request of the handshake. A name that is added twice is sent twice.
    ///
    /// Headers of the handshake itself, such as `Host`, `Connection` and `Sec-WebSocket-…`, and invalid headers are an
    /// error when the client connects.
    ///
    /// ```
    /// # use wswrapper::{Client, error::ConnectError};
    /// # async fn run(token: &str) -> Result<(), ConnectError> {
    /// let builder = Client::builder().header("Authorization", &format!("Bearer {token}"));
    /// let client = builder.connect("ws://localhost:8080").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let options = &mut self.options;
        match extra_header(name, value) {
            Ok((name, value)) => drop(options.headers.append(name, value)),
            Err(reason) => {
                options.error.get_or_insert(ConnectError::Header { name: name.to_owned(), reason });
            }
        }
        self
    }

    /// Offers a subprotocol to the server, after the earlier ones. Offering a name again changes nothing.
    ///
    /// The server's choice is [`handshake().subprotocol()`](Handshake::subprotocol), which is `None` if it supports
    /// none of the names. If the server chooses a name that was not offered, connecting fails with
    /// [`ConnectError::Handshake`]. An invalid name is an error when the client connects.
    ///
    /// ```
    /// # use wswrapper::{Client, error::ConnectError};
    /// # async fn run() -> Result<(), ConnectError> {
    /// let client = Client::builder().subprotocol("desk.v2").subprotocol("desk.v1").connect("ws://localhost:8080").await?;
    /// match client.handshake().subprotocol() {
    ///     Some("desk.v2") => println!("the new one"),
    ///     other => println!("an old one: {other:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn subprotocol(mut self, name: &str) -> Self {
        let added = subprotocol(&mut self.options.subprotocols, name);
        self.settings.note(added);
        self
    }

    /// Sets the time for connecting, instead of [`handshake_timeout`](crate::Limits::handshake_timeout).
    ///
    /// ```
    /// # use wswrapper::{Client, error::ConnectError};
    /// # async fn run() -> Result<(), ConnectError> {
    /// use std::time::Duration;
    ///
    /// let builder = Client::builder().connect_timeout(Duration::from_secs(2));
    /// let client = builder.connect("ws://localhost:8080").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// Connects to a URL, as [`Client::connect`] does.
    ///
    /// Also fails if a service cannot be mounted or a header is invalid. Cancel-safe.
    ///
    /// ```
    /// # use wswrapper::{Client, Limits, error::ConnectError};
    /// # async fn run() -> Result<(), ConnectError> {
    /// let limits = Limits::default().max_message_size(16 << 20);
    /// let client = Client::builder().limits(limits).connect("ws://[::1]:8080").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect(self, url: &str) -> Result<Client, ConnectError> {
        let Self { settings, mut options } = self;
        let endpoint = settings.build(Side::Client)?;
        let url = ServerUrl::parse(url)?;
        if let Some(error) = options.error.take() {
            return Err(error);
        }
        let timeout = options.timeout.unwrap_or(endpoint.limits.handshake_timeout);
        let connecting = rt::timeout(timeout, connect_to(endpoint, &url, options));
        let timed_out = |_| ConnectError::TimedOut { address: url.address.clone() };
        let (client, opened) = connecting.await.map_err(timed_out)??;
        if let Some(opened) = opened {
            // The driver sends the result before it is dropped, but its runtime may have dropped it unpolled.
            let closed = || OpenError::Closed(Arc::new(client.close_info().unwrap_or_else(|| Closed::lost(None))));
            opened.await.unwrap_or_else(|_| Err(closed()))?;
        }
        Ok(client)
    }
}

/// Checks a header of the user. Returns the reason if it cannot be sent.
fn extra_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), &'static str> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "that is not a header's name")?;
    match name.as_str() {
        "sec-websocket-protocol" => return Err("subprotocols are offered by `.subprotocol(..)`"),
        "host" => return Err("it comes from the URL"),
        "connection" | "upgrade" | "content-length" | "transfer-encoding" => {
            return Err("it belongs to the handshake itself");
        }
        name if name.starts_with("sec-websocket-") => return Err("it belongs to the handshake itself"),
        _ => {}
    }
    let mut value = HeaderValue::from_str(value).map_err(|_| "its value may not hold control characters")?;
    // Keeps passwords out of logs.
    value.set_sensitive(true);
    Ok((name, value))
}

/// A client, and the receiver of its `on_open` hook's result.
type Started = (Client, Option<Opened>);

/// Opens the TCP or TLS connection and performs the handshake.
async fn connect_to(
    endpoint: LocalEndpoint,
    url: &ServerUrl,
    options: ConnectOptions,
) -> Result<Started, ConnectError> {
    let address = &url.address;
    let stream = TcpStream::connect(address).await;
    let stream = stream.map_err(|source| ConnectError::Connect { address: address.clone(), source })?;
    tcp::set_options(&stream);
    let remote_addr = stream.peer_addr().ok();
    match url.scheme {
        Scheme::Ws => perform_handshake(endpoint, url, options, stream, remote_addr).await,
        #[cfg(feature = "rustls")]
        Scheme::Wss => {
            let stream = super::tls::perform_handshake(stream, url.host(), options.tls.clone()).await;
            let stream = stream.map_err(|source| ConnectError::Tls { address: address.clone(), source })?;
            perform_handshake(endpoint, url, options, stream, remote_addr).await
        }
    }
}

async fn perform_handshake<S>(
    endpoint: LocalEndpoint,
    url: &ServerUrl,
    options: ConnectOptions,
    mut stream: S,
    remote_addr: Option<SocketAddr>,
) -> Result<Started, ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let refused = |reason: String| ConnectError::Handshake { address: url.address.clone(), reason };
    let disconnected = |error| refused(format!("it ended the connection: {error}"));
    let ConnectOptions { headers, subprotocols, .. } = options;
    let (head, key) = build_request(&url.uri, headers, &subprotocols).map_err(refused)?;
    stream.write_all(&head).await.map_err(disconnected)?;
    stream.flush().await.map_err(disconnected)?;
    let mut begun = Vec::new();
    let mut interim_responses = 0;
    let Head { parsed, rest } = loop {
        let response = read_head(&mut stream, begun, endpoint.limits.max_head_size, parse_response).await;
        let head = response.map_err(disconnected)?.map_err(|status| {
            let what = match status {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "the head of its answer is too large",
                _ => "what it answered is not HTTP",
            };
            refused(what.to_owned())
        })?;
        match &head.parsed {
            // Others may precede the response (RFC 9110, 15.2).
            ServerResponse::Http(status, _) if is_interim(*status) && interim_responses < MAX_INTERIM_RESPONSES => {
                interim_responses += 1;
                begun = head.rest;
            }
            _ => break head,
        }
    };
    let ServerResponse::Http(status, headers) = parsed else {
        return Err(refused("it speaks TLS; write wss:// instead of ws://".to_owned()));
    };
    if status != StatusCode::SWITCHING_PROTOCOLS {
        let body = read_body(&mut stream, &headers, rest).await;
        return Err(ConnectError::Refused { address: url.address.clone(), status, headers: Box::new(headers), body });
    }
    check_response(&headers, &key).map_err(refused)?;
    let subprotocol = chosen_subprotocol(&headers, &subprotocols).map_err(refused)?;
    let handshake = Handshake::of(&url.uri, &headers, remote_addr);
    let handshake = subprotocol.into_iter().fold(handshake, |handshake, name| handshake.with_subprotocol(&name));
    let websocket = WebSocket::new(stream, Side::Client, rest, endpoint.limits.max_message_size);
    Ok(Client::start(endpoint, websocket, handshake, Extensions::new()))
}

/// Returns the head of the request and its `Sec-WebSocket-Key`.
fn build_request(uri: &Uri, headers: HeaderMap, subprotocols: &[String]) -> Result<(Vec<u8>, String), String> {
    let mut request = uri.clone().into_client_request().map_err(|error| error.to_string())?;
    if !subprotocols.is_empty() {
        let offered = HeaderValue::from_str(&subprotocols.join(", ")).map_err(|error| error.to_string())?;
        request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, offered);
    }
    request.headers_mut().extend(headers);
    generate_request(request).map_err(|error| error.to_string())
}

/// Checks that the response accepts the handshake (RFC 6455, section 4.1). Returns the reason if it does not.
fn check_response(headers: &HeaderMap, key: &str) -> Result<(), String> {
    // Both headers are lists.
    let has_token = |name, token: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(token))
    };
    if !has_token(header::UPGRADE, "websocket") || !has_token(header::CONNECTION, "upgrade") {
        Err("it did not upgrade the connection to a WebSocket".to_owned())
    } else if headers
        .get(header::SEC_WEBSOCKET_ACCEPT)
        .is_none_or(|accept| *accept != derive_accept_key(key.as_bytes()))
    {
        Err("its Sec-WebSocket-Accept does not fit the request".to_owned())
    } else if headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS) {
        Err("it chose an extension that was not offered".to_owned())
    } else {
        Ok(())
    }
}

/// Interim responses that may precede the response.
const MAX_INTERIM_RESPONSES: usize = 8;

fn is_interim(status: StatusCode) -> bool {
    status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS
}

/// Reads the first bytes of the body of a refusal, of which `begun` has arrived. A body that does not arrive is cut off,
/// because its status is known.
async fn read_body(stream: &mut (impl AsyncRead + Unpin), headers: &HeaderMap, begun: Vec<u8>) -> Bytes {
    const MAX_BODY: usize = 4096;
    const PATIENCE: Duration = Duration::from_secs(1);
    // Its chunks are not decoded.
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return Bytes::new();
    }
    let length =
        headers.get(header::CONTENT_LENGTH).map_or(Some(MAX_BODY), |length| length.to_str().ok()?.parse().ok());
    let length = length.unwrap_or(0).min(MAX_BODY);
    let mut body = begun;
    let arrived = async { while body.len() < length && stream.read_buf(&mut body).await.is_ok_and(|read| read > 0) {} };
    let _ = rt::timeout(PATIENCE, arrived).await;
    body.truncate(length);
    body.into()
}

/// Returns the subprotocol that the server has chosen.
fn chosen_subprotocol(headers: &HeaderMap, offered: &[String]) -> Result<Option<String>, String> {
    let mut values = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => match offered.iter().find(|offer| *value == offer.as_str()) {
            Some(offer) => Ok(Some(offer.clone())),
            None => {
                let name = String::from_utf8_lossy(value.as_bytes());
                let name = shown_name(&name);
                Err(format!("it chose the subprotocol `{name}`, which was not offered"))
            }
        },
        (Some(_), Some(_)) => Err("it chose more than one subprotocol".to_owned()),
    }
}

/// The first bytes from a server.
enum ServerResponse {
    Http(StatusCode, HeaderMap),
    /// A TLS alert: the server expected TLS.
    Tls,
}

fn parse_response(read: &[u8]) -> Result<Option<(ServerResponse, usize)>, StatusCode> {
    const TLS_ALERT: &[u8] = &[0x15, 0x03];
    if read.starts_with(TLS_ALERT) {
        return Ok(Some((ServerResponse::Tls, read.len())));
    }
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let length = match head.parse(read).map_err(status_of)? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return Ok(None),
    };
    let status = head.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(StatusCode::BAD_REQUEST)?;
    let headers = header_map(head.headers).ok_or(StatusCode::BAD_REQUEST)?;
    Ok(Some((ServerResponse::Http(status, headers), length)))
}
