//! The rules of a handshake's request (RFC 6455, section 4.2.1; RFC 8441, section 5).

use super::Refused;
use super::origin::request_host;
use super::response;
use crate::engine::RefusalReason;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The opening of a WebSocket that a request asks for.
pub(super) enum Opening {
    /// HTTP/1.1's upgrade, with the value of `Sec-WebSocket-Accept`.
    Upgrade { accept: HeaderValue },
    /// HTTP/2's extended CONNECT.
    #[cfg(feature = "http2")]
    Connect,
}

/// Returns true if the request asks for a WebSocket.
pub(super) fn asks_for_websocket(request: &Parts) -> bool {
    #[cfg(feature = "http2")]
    if is_extended_connect(request) {
        return true;
    }
    // A protocol may have a version: `websocket/13`.
    tokens(&request.headers, &header::UPGRADE).any(|token| is(token.split('/').next().unwrap_or_default(), "websocket"))
}

#[cfg(feature = "http2")]
fn is_extended_connect(request: &Parts) -> bool {
    request.version == Version::HTTP_2
        && request.method == Method::CONNECT
        && request.extensions.get::<hyper::ext::Protocol>().is_some_and(|protocol| protocol.as_str() == "websocket")
}

/// Checks a request. A refusal names the rule that it breaks.
pub(super) fn check(request: &Parts) -> Result<Opening, Refused> {
    #[cfg(feature = "http2")]
    if is_extended_connect(request) {
        check_host(request)?;
        check_websocket_version(&request.headers)?;
        return Ok(Opening::Connect);
    }
    let headers = &request.headers;
    if request.method != Method::GET {
        let response = response::status(StatusCode::METHOD_NOT_ALLOWED);
        return Err(Refused::new(RefusalReason::Method, response::with(response, &[(header::ALLOW, "GET")])));
    }
    if request.version != Version::HTTP_11 {
        return Err(bad_request(RefusalReason::HttpVersion, "HTTP/1.1 is needed.\n"));
    }
    if !request.uri.path().starts_with('/') || (request.uri.authority().is_some() && request.uri.scheme().is_none()) {
        return Err(bad_request(RefusalReason::Target, "The target of the request is a path.\n"));
    }
    if single(headers, &header::HOST).is_none() {
        return Err(bad_host());
    }
    check_host(request)?;
    // Behind a proxy, a body that nobody reads would be the next request.
    let has_length = headers.get_all(header::CONTENT_LENGTH).iter().any(|length| length != "0");
    if has_length || headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(bad_request(RefusalReason::Body, "The request of a handshake has no body.\n"));
    }
    if !tokens(headers, &header::CONNECTION).any(|token| is(token, "upgrade")) {
        return Err(bad_request(RefusalReason::Connection, "Connection: Upgrade is needed.\n"));
    }
    let key = single(headers, &header::SEC_WEBSOCKET_KEY);
    let Some(key) = key.filter(|key| STANDARD.decode(key).is_ok_and(|key| key.len() == 16)) else {
        return Err(bad_request(RefusalReason::Key, "Exactly one Sec-WebSocket-Key of 16 bytes is needed.\n"));
    };
    check_websocket_version(headers)?;
    let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes())).expect("Base64 is a valid value");
    Ok(Opening::Upgrade { accept })
}

fn check_host(request: &Parts) -> Result<(), Refused> {
    if request_host(request).is_some() { Ok(()) } else { Err(bad_host()) }
}

fn check_websocket_version(headers: &HeaderMap) -> Result<(), Refused> {
    if single(headers, &header::SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13") {
        return Ok(());
    }
    let response = response::upgrade_required("WebSocket version 13 is needed.\n");
    let response = response::with(response, &[(header::SEC_WEBSOCKET_VERSION, "13")]);
    Err(Refused::new(RefusalReason::WebSocketVersion, response))
}

fn bad_host() -> Refused {
    bad_request(RefusalReason::HostHeader, "Exactly one valid Host is needed.\n")
}

fn bad_request(reason: RefusalReason, text: &'static str) -> Refused {
    Refused::new(reason, response::text(StatusCode::BAD_REQUEST, text))
}

/// Returns the value of a header that is there exactly once.
fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// Returns the members of a list, which may be on several lines.
fn tokens<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(|token| token.trim_matches([' ', '\t']))
}

fn is(token: &str, name: &str) -> bool {
    token.eq_ignore_ascii_case(name)
}
