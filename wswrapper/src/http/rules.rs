//! The rules of a handshake's request (RFC 6455, section 4.2.1).

use super::origin::request_host;
use super::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};

/// Returns true if the request asks for a WebSocket.
pub(super) fn asks_for_websocket(headers: &HeaderMap) -> bool {
    // A protocol may have a version: `websocket/13`.
    tokens(headers, &header::UPGRADE).any(|token| is(token.split('/').next().unwrap_or_default(), "websocket"))
}

/// Returns the `Sec-WebSocket-Key` of a valid request. The response to any other names the rule that it breaks.
pub(super) fn check(request: &Parts) -> Result<&HeaderValue, Response> {
    let headers = &request.headers;
    if request.method != Method::GET {
        return Err(Response::status(StatusCode::METHOD_NOT_ALLOWED).header("Allow", "GET"));
    }
    if request.version != Version::HTTP_11 {
        return Err(bad_request("HTTP/1.1 is needed."));
    }
    if !request.uri.path().starts_with('/') || (request.uri.authority().is_some() && request.uri.scheme().is_none()) {
        return Err(bad_request("The target of the request is a path."));
    }
    if single(headers, &header::HOST).is_none() || request_host(request).is_none() {
        return Err(bad_request("Exactly one valid Host is needed."));
    }
    // Behind a proxy, a body that nobody reads would be the next request.
    let has_length = headers.get_all(header::CONTENT_LENGTH).iter().any(|length| length != "0");
    if has_length || headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(bad_request("The request of a handshake has no body."));
    }
    if !tokens(headers, &header::CONNECTION).any(|token| is(token, "upgrade")) {
        return Err(bad_request("Connection: Upgrade is needed."));
    }
    let key = single(headers, &header::SEC_WEBSOCKET_KEY);
    let Some(key) = key.filter(|key| STANDARD.decode(key).is_ok_and(|key| key.len() == 16)) else {
        return Err(bad_request("Exactly one Sec-WebSocket-Key of 16 bytes is needed."));
    };
    if single(headers, &header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let response = Response::text(StatusCode::UPGRADE_REQUIRED, "WebSocket version 13 is needed.\n");
        let response = response.header("Upgrade", "websocket").header("Connection", "Upgrade");
        return Err(response.header("Sec-WebSocket-Version", "13"));
    }
    Ok(key)
}

fn bad_request(text: &str) -> Response {
    Response::text(StatusCode::BAD_REQUEST, &format!("{text}\n"))
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
