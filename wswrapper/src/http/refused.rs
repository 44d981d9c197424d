//! A refused handshake, and its reason.

use super::body::Body;
use super::response;
use crate::engine::{LocalEndpoint, RefusalReason, RefusedHandshake};
use http::Response;
use http::request::Parts;
use std::net::SocketAddr;

/// The response to a request that breaks a rule of the handshake.
pub(super) struct Refused {
    reason: RefusalReason,
    response: Box<Response<Body>>,
}

impl Refused {
    pub(super) fn new(reason: RefusalReason, response: Response<Body>) -> Self {
        Self { reason, response: Box::new(response) }
    }

    pub(super) fn closing() -> Self {
        Self::new(RefusalReason::Closing, response::closing())
    }

    /// Returns the response, after the observers have seen the refusal.
    pub(super) fn tell(
        self,
        request: &Parts,
        remote_addr: Option<SocketAddr>,
        endpoint: &LocalEndpoint,
    ) -> Response<Body> {
        let Self { reason, response } = self;
        tracing::debug!(?reason, status = response.status().as_u16(), ?remote_addr, "handshake refused");
        let refused = RefusedHandshake::new(reason, response.status(), remote_addr, request);
        endpoint.observers.tell_refused(&refused);
        *response
    }
}
