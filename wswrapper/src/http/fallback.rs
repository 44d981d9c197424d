//! The service that answers the requests which are no handshakes.

use super::body::Body;
use http::{Request, Response};
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use tower_service::Service;

/// A tower service of any type. Each request is answered by a clone of it.
pub(crate) struct Fallback(Box<dyn CloneService>);

type ResponseFuture = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// A service whose type is erased.
trait CloneService: Send + Sync {
    /// Answers a request by a clone of the service.
    fn answer(&self, request: Request<Body>) -> ResponseFuture;
}

impl Fallback {
    pub(crate) fn new<S, B>(service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>, Error = Infallible, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
        B: http_body::Body<Data = bytes::Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
    {
        Self(Box::new(service))
    }

    pub(super) async fn answer(&self, request: Request<Body>) -> Response<Body> {
        self.0.answer(request).await
    }
}

impl<S, B> CloneService for S
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static,
    B: http_body::Body<Data = bytes::Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    fn answer(&self, request: Request<Body>) -> ResponseFuture {
        let mut service = self.clone();
        Box::pin(async move {
            let ready = poll_fn(|cx| service.poll_ready(cx)).await;
            let response = match ready {
                Ok(()) => service.call(request).await,
                Err(never) => match never {},
            };
            match response {
                Ok(response) => response.map(Body::new),
                Err(never) => match never {},
            }
        })
    }
}

impl fmt::Debug for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback").finish_non_exhaustive()
    }
}
