//! Responses that upgrade nothing.

use super::body::Body;
use super::refusal::Refusal;
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

impl From<Refusal> for Response<Body> {
    fn from(refusal: Refusal) -> Self {
        let Refusal { status, headers, body } = refusal;
        let mut response = Self::new(Body::from(body));
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        response
    }
}
