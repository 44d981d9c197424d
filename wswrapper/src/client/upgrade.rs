//! The WebSocket handshake of a client (RFC 6455, section 4.1).

use super::deadline::Deadline;
use super::exchange::{ExchangeError, MAX_BODY_PATIENCE, NoBody, Response, exchange};
use super::socket::Socket;
use super::url::ServerUrl;
use crate::error::ConnectError;
use crate::proto::shown_name;
use bytes::Bytes;
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Version, header};
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The request of a handshake, apart from its URL.
pub(super) struct Offer<'o> {
    /// The headers of the user, among them perhaps `Host`.
    pub(super) headers: &'o HeaderMap,
    pub(super) subprotocols: &'o [String],
    pub(super) max_head_size: usize,
    pub(super) deadline: Deadline,
}

/// A stream after its handshake.
pub(super) struct Upgraded {
    pub(super) stream: Socket,
    /// The bytes that were read beyond the head.
    pub(super) rest: Bytes,
    /// The headers of the response.
    pub(super) headers: HeaderMap,
    pub(super) subprotocol: Option<String>,
}

impl Offer<'_> {
    /// Performs the handshake.
    pub(super) async fn upgrade(&self, stream: Socket, url: &ServerUrl) -> Result<Upgraded, ConnectError> {
        let address = || url.address.clone();
        let failed = |reason| ConnectError::Protocol { address: address(), reason, source: None };
        let key = generate_key();
        let request = self.request(url, &key).map_err(failed)?;
        // The status is known before the time for connecting has passed.
        let body_patience = || MAX_BODY_PATIENCE.min(self.deadline.time_left() / 2);
        match exchange(stream, request, self.max_head_size, body_patience).await {
            Ok(Response::Upgraded { head, stream, rest }) => {
                check_response(&head, &key).map_err(|reason| failed(reason.to_owned()))?;
                let subprotocol = chosen_subprotocol(&head.headers, self.subprotocols).map_err(failed)?;
                Ok(Upgraded { stream, rest, headers: head.headers, subprotocol })
            }
            Ok(Response::Refused { head, body }) => Err(ConnectError::Refused {
                address: address(),
                status: head.status,
                headers: Box::new(head.headers),
                body,
            }),
            Err(error) => Err(exchange_error(error, address())),
        }
    }

    fn request(&self, url: &ServerUrl, key: &str) -> Result<Request<NoBody>, String> {
        let mut request = Request::new(NoBody::new());
        *request.uri_mut() = url.target.clone();
        let headers = request.headers_mut();
        let value = |text: &str| HeaderValue::from_str(text).map_err(|error| error.to_string());
        headers.insert(header::HOST, value(&url.host_header())?);
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        headers.insert(header::SEC_WEBSOCKET_KEY, value(key)?);
        if !self.subprotocols.is_empty() {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, value(&self.subprotocols.join(", "))?);
        }
        // Replaces `Host` if it is there.
        headers.extend(self.headers.clone());
        Ok(request)
    }
}

/// Returns the error of a server that did not answer with HTTP.
fn exchange_error(error: ExchangeError, address: String) -> ConnectError {
    let ExchangeError { failure, source } = error;
    #[cfg(feature = "rustls")]
    if let Some(source) = source.as_ref().and_then(super::tls::find_error) {
        // With TLS 1.3 a server refuses the certificate of a client after the handshake.
        return ConnectError::Tls { address, source };
    }
    ConnectError::Protocol { address, reason: failure.to_string(), source }
}

/// Checks that the response accepts the handshake. Returns the reason if it does not.
fn check_response(head: &Parts, key: &str) -> Result<(), &'static str> {
    if head.version != Version::HTTP_11 {
        return Err("it answered in another version than HTTP/1.1");
    }
    let headers = &head.headers;
    if !has_token(headers, header::UPGRADE, "websocket") || !has_token(headers, header::CONNECTION, "upgrade") {
        return Err("it did not upgrade the connection to a WebSocket");
    }
    let mut accepts = headers.get_all(header::SEC_WEBSOCKET_ACCEPT).iter();
    match (accepts.next(), accepts.next()) {
        (Some(accept), None) if *accept == derive_accept_key(key.as_bytes()) => {}
        (Some(_), Some(_)) => return Err("it sent Sec-WebSocket-Accept twice"),
        _ => return Err("its Sec-WebSocket-Accept does not fit the request"),
    }
    if headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS) {
        return Err("it chose an extension that was not offered");
    }
    Ok(())
}

/// Returns true if a list, perhaps over several lines, contains a token.
fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(token))
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
