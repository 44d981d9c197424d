//! The requests on a stream, and the connections that they open.

use super::entrance::Entrance;
use super::upgrade::UpgradedWebSocket;
use super::{Phase, Server};
use crate::engine::{Driver, Extensions, Shared};
use crate::error::AcceptError;
use crate::handle::Peer;
use crate::handshake::Handshake;
use crate::http::{HttpFront, RemoteAddr, serve as serve_http};
use crate::proto::Side;
use crate::transport::WebSocket;
use http::Request;
use hyper::body::Incoming;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

impl Server {
    /// Serves a stream that was accepted elsewhere.
    ///
    /// Answers the requests on it until one is a valid handshake, and then drives the connection in a task of the
    /// server. A stream that ends without a handshake is an error: [`AcceptError::Http`] with the status of the last
    /// response, or [`AcceptError::TimedOut`] if no request arrives within
    /// [`handshake_timeout`](crate::Limits::handshake_timeout). While the server drains or closes, a stream whose last
    /// response has the status 503 is [`AcceptError::Closing`].
    ///
    /// Not cancel-safe: dropping the future drops the stream.
    pub async fn accept<S>(&self, stream: S) -> Result<Peer, AcceptError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let entrance = &self.inner.entrance;
        let (shared, driver) = open(entrance, &self.inner.front, stream, None).await.map_err(|error| match error {
            AcceptError::Http(503) if entrance.phase() > Phase::Open => AcceptError::Closing,
            error => error,
        })?;
        if self.spawn_connection(driver.run()) { Ok(Peer::of(&shared)) } else { Err(AcceptError::Closing) }
    }

    /// Serves a stream whose handshake was performed elsewhere, for example by another HTTP library.
    ///
    /// `handshake` describes the request, and the values of `extensions` are stored with the connection. Messages follow
    /// on the stream at once. Fails with [`AcceptError::Closing`] if the server is closing.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    pub fn accept_upgraded<S>(
        &self,
        stream: S,
        handshake: Handshake,
        extensions: Extensions,
    ) -> Result<Peer, AcceptError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let websocket = WebSocket::new(stream, Side::Server, Vec::new(), self.endpoint().limits.max_message_size);
        self.accept_transport_with(websocket, handshake, extensions)
    }
}

/// Serves a stream until it is closed, and holds `open_stream` as long. Does not keep the server open.
pub(super) fn serve_stream<S>(
    server: &Server,
    stream: S,
    address: Option<SocketAddr>,
    open_stream: Arc<()>,
) -> impl Future<Output = ()> + Send + 'static
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (entrance, front) = (Arc::clone(&server.inner.entrance), Arc::clone(&server.inner.front));
    async move {
        // Boxed, because the task keeps the size of its largest part.
        let driver = match Box::pin(open_with_tls(&entrance, &front, stream, address)).await {
            Ok(Some(driver)) => driver,
            Ok(None) => return,
            Err(error) => return tracing::debug!(?address, "no connection: {error}"),
        };
        drop((entrance, front));
        driver.run().await;
        drop(open_stream);
    }
}

/// Performs the handshake of TLS, if there is a configuration, and opens the connection. Returns none after the end of an
/// HTTP/2 stream, which has carried any number of connections.
async fn open_with_tls<S>(
    entrance: &Arc<Entrance>,
    front: &Arc<HttpFront>,
    stream: S,
    address: Option<SocketAddr>,
) -> Result<Option<Driver<UpgradedWebSocket>>, AcceptError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    #[cfg(feature = "rustls")]
    if let Some(config) = &front.tls {
        let limits = &entrance.endpoint.limits;
        let stream = tokio::select! {
            stream = super::tls::perform_handshake(stream, config, limits.handshake_timeout) => stream?,
            () = entrance.closing() => return Err(AcceptError::Closing),
        };
        #[cfg(feature = "http2")]
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            return serve_http2(entrance, front, stream, address).await.map(|()| None);
        }
        return open(entrance, front, stream, address).await.map(|(_, driver)| Some(driver));
    }
    open(entrance, front, stream, address).await.map(|(_, driver)| Some(driver))
}

/// Serves the connections on an HTTP/2 stream until it ends.
#[cfg(all(feature = "http2", feature = "rustls"))]
async fn serve_http2<S>(
    entrance: &Arc<Entrance>,
    front: &Arc<HttpFront>,
    stream: S,
    address: Option<SocketAddr>,
) -> Result<(), AcceptError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let answer = |request| {
        let (entrance, front) = (Arc::clone(entrance), Arc::clone(front));
        async move { front.answer(with_address(request, address), &*entrance).await }
    };
    let opened = Arc::clone(entrance);
    let drive = move |upgrade| Arc::clone(&opened).open_and_drive(upgrade);
    crate::http::http2::serve(stream, &entrance.endpoint.limits, answer, drive, entrance.closing()).await
}

/// Answers the requests on a stream until one is a valid handshake, and opens its connection.
async fn open<S>(
    entrance: &Entrance,
    front: &HttpFront,
    stream: S,
    address: Option<SocketAddr>,
) -> Result<(Arc<Shared>, Driver<UpgradedWebSocket>), AcceptError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let answer = |request| front.answer(with_address(request, address), entrance);
    // A server that is closed already refuses one handshake.
    let is_open = entrance.phase() < Phase::Closing;
    let upgrade = serve_http(stream, &entrance.endpoint.limits, is_open, answer, entrance.closing()).await?;
    entrance.open(upgrade).await
}

/// Adds the address of the client to its request.
fn with_address(mut request: Request<Incoming>, address: Option<SocketAddr>) -> Request<Incoming> {
    if let Some(address) = address {
        request.extensions_mut().insert(RemoteAddr(address));
    }
    request
}
