//! Responses that upgrade nothing.

use super::body::Body;
use super::refusal::Refusal;
use super::rules::Opening;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

const PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Returns a response whose body repeats its status.
pub(super) fn status(status: StatusCode) -> Response<Body> {
    text(status, format!("{status}\n"))
}

pub(super) fn text(status: StatusCode, text: impl Into<String>) -> Response<Body> {
    let mut response = Response::new(Body::from(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, PLAIN_TEXT);
    response
}

pub(super) fn with(mut response: Response<Body>, headers: &[(HeaderName, &'static str)]) -> Response<Body> {
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Returns a response that asks for a WebSocket handshake.
pub(super) fn upgrade_required(reason: &'static str) -> Response<Body> {
    let response = text(StatusCode::UPGRADE_REQUIRED, reason);
    with(response, &[(header::UPGRADE, "websocket"), (header::CONNECTION, "Upgrade")])
}

/// Returns a response that asks to come back in a second.
pub(super) fn unavailable(reason: &'static str) -> Response<Body> {
    with(text(StatusCode::SERVICE_UNAVAILABLE, reason), &[(header::RETRY_AFTER, "1")])
}

/// Returns the response of a server that is closing.
pub(crate) fn closing() -> Response<Body> {
    unavailable("The server is about to close.\n")
}

/// Returns the response to a valid handshake.
pub(super) fn opening(opening: Opening, subprotocol: Option<&str>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    match opening {
        Opening::Upgrade { accept } => {
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            let headers = response.headers_mut();
            headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        }
        #[cfg(feature = "http2")]
        Opening::Connect => {}
    }
    if let Some(name) = subprotocol {
        // Checked when it was added.
        response.headers_mut().extend(HeaderValue::from_str(name).map(|name| (header::SEC_WEBSOCKET_PROTOCOL, name)));
    }
    response
}

impl From<Refusal> for Response<Body> {
    fn from(refusal: Refusal) -> Self {
        let Refusal { status, headers, body } = refusal;
        let mut response = Self::new(Body::from(body));
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        response
    }
}
