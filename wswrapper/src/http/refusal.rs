//! The refusal of a handshake.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

/// The response to a handshake that [`authenticate`](crate::server::ServerBuilder::authenticate) refuses.
///
/// ```
/// use http::StatusCode;
/// use wswrapper::server::Refusal;
///
/// let refusal = Refusal::new(StatusCode::UNAUTHORIZED).header("WWW-Authenticate", "Bearer").body("no token\n");
/// assert_eq!(refusal.status(), 401);
/// ```
#[derive(Clone, Debug)]
pub struct Refusal {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Refusal {
    /// Creates a refusal with this status and a body that repeats it.
    ///
    /// # Panics
    ///
    /// Panics if the status is not that of an error: 400 to 599.
    #[track_caller]
    pub fn new(status: StatusCode) -> Self {
        assert!(status.is_client_error() || status.is_server_error(), "{status} refuses nothing");
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        Self { status, headers, body: format!("{status}\n").into() }
    }

    /// Returns the status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Sets a header, in place of one with the same name.
    ///
    /// # Panics
    ///
    /// Panics if the name or the value is invalid, or belongs to the connection: `Connection`, `Content-Length`,
    /// `Transfer-Encoding`.
    #[must_use]
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("the name of a header");
        let of_connection = [header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING];
        assert!(!of_connection.contains(&name), "`{name}` belongs to the connection");
        let value = HeaderValue::from_str(value).expect("the value of a header");
        assert!(value.to_str().is_ok(), "the value of `{name}` is not ASCII");
        self.headers.insert(name, value);
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}
