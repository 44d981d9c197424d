//! A server as a tower service.

use super::Server;
use crate::http::{Answer, Body, closing_response};
use bytes::Bytes;
use http::{Request, Response};
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_service::Service;

/// Answers HTTP requests: a WebSocket handshake opens a connection of the server, and every other request goes to the
/// [fallback](super::ServerBuilder::fallback).
///
/// The HTTP server around it has to support upgrades, as hyper and axum do.
impl<B> Service<Request<B>> for Server
where
    B: http_body::Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture {
        let server = self.clone();
        ResponseFuture(Box::pin(async move { server.respond(request).await }))
    }
}

impl Server {
    pub(super) async fn respond<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let entrance = &self.inner.entrance;
        let (response, upgrade) = match self.inner.front.answer(request, &**entrance).await {
            Answer::Response(response) => return response,
            Answer::Upgrade(response, upgrade) => (response, upgrade),
        };
        if self.spawn_connection(Arc::clone(entrance).open_and_drive(*upgrade)) { response } else { closing_response() }
    }
}

/// The future of a [`Server`]'s response.
pub struct ResponseFuture(Pin<Box<dyn Future<Output = Response<Body>> + Send>>);

impl Future for ResponseFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
