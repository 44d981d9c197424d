//! The server behind the front.

use super::body::Body;
use super::response;
use crate::engine::LocalEndpoint;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, header};
use std::future::Future;

/// The server for which requests are decided about.
pub(crate) trait Site: Sync {
    fn endpoint(&self) -> &LocalEndpoint;

    /// Returns the number of its connections.
    fn connections(&self) -> usize;

    /// Returns true once new connections are refused.
    fn refuses_connections(&self) -> bool;

    /// Waits until new connections are refused.
    fn refusing(&self) -> impl Future<Output = ()> + Send;

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

impl SitePage {
    /// Responds to a request that reads the page.
    pub(super) fn respond(self, request: &Parts) -> Response<Body> {
        if request.method != Method::HEAD && request.method != Method::GET {
            let response = response::status(StatusCode::METHOD_NOT_ALLOWED);
            return response::with(response, &[(header::ALLOW, "GET, HEAD")]);
        }
        let mut response = Response::new(Body::from(self.content));
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        response::with(response, &[(header::CACHE_CONTROL, "no-store")])
    }
}
