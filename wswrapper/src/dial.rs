//! A client's way to a URL.

use crate::builder::Builder;
use crate::client::{Client, Dialling};
use crate::error::ConnectError;
use crate::http::{MAX_HEADERS, header_map, read_head, status_of};
use crate::link::Handshake;
use crate::proto::Side;
use crate::transport::WebSocket;
use http::{HeaderMap, StatusCode, Uri, header};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::generate_request;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

impl Client {
    /// Connects to a `ws://` URL.
    ///
    /// Returns when the handshake is done; at the latest after
    /// [`handshake_timeout`](crate::Limits::handshake_timeout).
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::builder().connect(url).await
    }
}

impl Builder<Dialling> {
    /// Connects to a `ws://` URL; see [`Client::connect`].
    pub async fn connect(self, url: &str) -> Result<Client, ConnectError> {
        let (end, Dialling {}) = self.finish(Side::Dialling)?;
        let place = Place::parse(url)?;
        let dialled = tokio::time::timeout(end.limits.handshake_timeout, dial(&place, end.limits.head_bytes));
        let (stream, handshake, rest) =
            dialled.await.map_err(|_| ConnectError::TimedOut { address: place.address.clone() })??;
        let websocket = WebSocket::new(stream, Side::Dialling, rest, end.limits.frame_bytes);
        Ok(Client::start(end, websocket, handshake))
    }
}

/// Where a URL leads.
struct Place {
    uri: Uri,
    address: String,
}

impl Place {
    fn parse(url: &str) -> Result<Self, ConnectError> {
        let wrong = |reason| ConnectError::Url { url: url.to_owned(), reason };
        let uri: Uri = url.parse().map_err(|_| wrong("it cannot be parsed"))?;
        match uri.scheme_str() {
            Some("ws") => {}
            Some("wss") => return Err(wrong("wss:// is not supported yet, only ws://")),
            Some("http" | "https") => return Err(wrong("it begins with http; write ws:// instead")),
            _ => return Err(wrong("it must begin with ws://")),
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(wrong("it has no host"))?;
        let address = format!("{host}:{}", uri.port_u16().unwrap_or(80));
        Ok(Self { uri, address })
    }
}

async fn dial(place: &Place, head_bytes: usize) -> Result<(TcpStream, Handshake, Vec<u8>), ConnectError> {
    let address = &place.address;
    let connect = |source| ConnectError::Connect { address: address.clone(), source };
    let refused = |reason: String| ConnectError::Handshake { address: address.clone(), reason };
    let mut stream = TcpStream::connect(address).await.map_err(connect)?;
    // Frames are written in batches by ourselves.
    let _ = stream.set_nodelay(true);
    let request = place.uri.clone().into_client_request().map_err(|error| refused(error.to_string()))?;
    let (head, key) = generate_request(request).map_err(|error| refused(error.to_string()))?;
    stream.write_all(&head).await.map_err(connect)?;
    let answer = read_head(&mut stream, head_bytes, parse_response).await;
    let answer = answer.map_err(|error| refused(format!("it ended the connection: {error}")))?;
    let ((status, headers), rest) = answer.map_err(|_| refused("what it answered is not HTTP".to_owned()))?;
    check(status, &headers, &key).map_err(refused)?;
    let remote_addr = stream.peer_addr().ok();
    Ok((stream, Handshake { uri: place.uri.clone(), headers, remote_addr }, rest))
}

/// Whether the answer is that of a WebSocket server to our request (RFC 6455, section 4.1).
fn check(status: StatusCode, headers: &HeaderMap, key: &str) -> Result<(), String> {
    let is = |name, value: &str| headers.get(name).is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(value.as_bytes()));
    if status != StatusCode::SWITCHING_PROTOCOLS {
        let hint = if status == StatusCode::NOT_FOUND { "; is the path right?" } else { "" };
        Err(format!("status {status}{hint}"))
    } else if !is(header::UPGRADE, "websocket") || !is(header::CONNECTION, "upgrade") {
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

/// Status and headers.
type ResponseHead = (StatusCode, HeaderMap);

fn parse_response(read: &[u8]) -> Result<Option<(ResponseHead, usize)>, StatusCode> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let length = match head.parse(read).map_err(status_of)? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return Ok(None),
    };
    let status = head.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(StatusCode::BAD_REQUEST)?;
    let headers = header_map(head.headers).ok_or(StatusCode::BAD_REQUEST)?;
    Ok(Some(((status, headers), length)))
}
