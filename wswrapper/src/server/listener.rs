//! Listeners of servers.

use super::accept::Accept;
use super::entrance::Entrance;
use super::upgrade::UpgradedWebSocket;
use super::{Phase, Server, ServerBuilder};
use crate::engine::{Driver, Extensions, Shared};
use crate::error::{AcceptError, MountError, ServeError};
use crate::handle::Peer;
use crate::handshake::Handshake;
use crate::http::{HttpFront, RemoteAddr, serve as serve_http};
use crate::proto::Side;
use crate::rt;
use crate::transport::WebSocket;
use http::Request;
use hyper::body::Incoming;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, ToSocketAddrs};

/// The pause after the system could not accept a connection, for example for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A [`Server`] that listens, on a TCP port or another [source](Accept) of connections.
///
/// It accepts connections while [`serve`](Self::serve) runs.
///
/// ```
/// # use wswrapper::{Client, Server};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = Server::builder().bind("127.0.0.1:0").await?;
/// let (address, server) = (listener.local_addr(), listener.server().clone());
/// let serving = tokio::spawn(listener.serve());
///
/// let client = Client::connect(&format!("ws://{address}")).await?;
/// server.close();
/// assert_eq!(client.closed().await.code, 1001);
/// serving.await??;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Listener<A = TcpListener> {
    server: Server,
    source: A,
    /// The streams that are open, with those that have sent no request yet.
    streams: Arc<AtomicUsize>,
}

impl ServerBuilder {
    /// Builds the server and binds a TCP port, for example `127.0.0.1:8080`. Port 0 chooses a free port.
    ///
    /// Fails if a service cannot be mounted or the address cannot be bound. Connections are accepted when
    /// [`serve`](Listener::serve) is polled.
    pub async fn bind(self, address: impl ToSocketAddrs + std::fmt::Debug) -> Result<Listener, ServeError> {
        // A text is shown without the quotes of its debug format, and a host and a port like an address.
        let shown = || format!("{address:?}").trim_matches(['(', ')', '"']).replace("\", ", ":");
        let lookup_error = |source| ServeError::Bind { address: shown(), source };
        // An error of the builder comes first.
        let server = self.build()?;
        let addresses: Vec<_> = tokio::net::lookup_host(&address).await.map_err(lookup_error)?.collect();
        let bind_error = |source| {
            let address = addresses.first().map_or_else(shown, ToString::to_string);
            ServeError::Bind { address, source }
        };
        let source = TcpListener::bind(&addresses[..]).await.map_err(bind_error)?;
        Ok(Listener { server, source, streams: Arc::default() })
    }

    /// Builds the server over a source of connections, such as a Unix socket or a socket that is bound already.
    ///
    /// ```no_run
    /// # use wswrapper::Server;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[cfg(unix)]
    /// let socket = tokio::net::UnixListener::bind("/run/desk.sock")?;
    /// # #[cfg(unix)]
    /// Server::builder().listen(socket)?.serve().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn listen<A: Accept>(self, source: A) -> Result<Listener<A>, MountError> {
        Ok(Listener { server: self.build()?, source, streams: Arc::default() })
    }
}

impl Listener {
    /// Returns the address on which the server listens.
    ///
    /// # Panics
    ///
    /// Panics if the system does not know the address of the socket.
    pub fn local_addr(&self) -> SocketAddr {
        self.source.local_addr().expect("a bound socket has an address")
    }
}

impl<A: Accept> Listener<A> {
    /// Returns the server, for example to add handlers, to broadcast, or to [close](Server::close) it while it serves.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Accepts connections until the server is [closed](Server::close), then waits until all connections are closed.
    ///
    /// While the server [drains](Server::shutdown), handshakes are answered with status 503, and other requests as
    /// usual.
    ///
    /// An error of a single connection does not stop it. Dropping the future stops listening; the connections stay open
    /// while another handle to the server exists.
    pub async fn serve(self) -> Result<(), ServeError> {
        let Self { server, mut source, streams } = self;
        let max_streams = max_streams(server.endpoint().limits.max_connections);
        loop {
            let accepted = tokio::select! {
                accepted = source.accept() => accepted,
                () = server.wait_for_phase(Phase::Closing) => break,
            };
            match accepted {
                // Too many wait to send a request. The next ones are cut off, so that descriptors are left.
                Ok(_) if streams.load(Ordering::Relaxed) >= max_streams => {
                    tracing::warn!("more than {max_streams} streams are open: a new one is cut off");
                }
                Ok((stream, address)) => {
                    let counted = CountedStream::new(&streams);
                    server.spawn(serve_stream(&server, stream, address, counted));
                }
                Err(error) if is_connection_error(&error) => {}
                Err(error) => {
                    tracing::error!("cannot accept connections now: {error}");
                    rt::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(source);
        server.closed().await;
        Ok(())
    }

    /// Accepts connections until `signal` is ready, then [drains](Server::shutdown) the server for
    /// [`drain_timeout`](crate::Limits::drain_timeout) and waits until all connections are closed.
    ///
    /// Also returns when the server is [closed](Server::close) otherwise.
    ///
    /// ```no_run
    /// # use wswrapper::Server;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let listener = Server::builder().bind("127.0.0.1:8080").await?;
    /// let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    /// // Or `tokio::signal::ctrl_c()`.
    /// listener.serve_until(stopped).await?;
    /// # drop(stop);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn serve_until<T>(self, signal: impl Future<Output = T>) -> Result<(), ServeError> {
        let server = self.server.clone();
        let mut closed = std::pin::pin!(self.serve());
        tokio::select! {
            result = &mut closed => return result,
            _ = signal => drop(server.shutdown(server.endpoint().limits.drain_timeout)),
        }
        closed.await
    }
}

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
        if self.spawn(driver.run()) { Ok(Peer::of(&shared)) } else { Err(AcceptError::Closing) }
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

/// Serves a stream until it is closed. Does not keep the server open.
fn serve_stream<S>(
    server: &Server,
    stream: S,
    address: Option<SocketAddr>,
    counted: CountedStream,
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
        drop(counted);
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
        let stream = super::tls::perform_handshake(stream, config, limits.handshake_timeout).await?;
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
    let upgrade = serve_http(stream, &entrance.endpoint.limits, answer, entrance.closing()).await?;
    entrance.open(upgrade).await
}

/// Adds the address of the client to its request.
fn with_address(mut request: Request<Incoming>, address: Option<SocketAddr>) -> Request<Incoming> {
    if let Some(address) = address {
        request.extensions_mut().insert(RemoteAddr(address));
    }
    request
}

/// Returns the number of streams that may be open: all connections, and some that have not sent their request.
fn max_streams(max_connections: usize) -> usize {
    max_connections.saturating_add((max_connections / 8).max(16))
}

/// Counts a stream while it is open.
struct CountedStream(Arc<AtomicUsize>);

impl CountedStream {
    fn new(streams: &Arc<AtomicUsize>) -> Self {
        streams.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(streams))
    }
}

impl Drop for CountedStream {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Returns true for an error of a single connection, which does not affect the listener.
fn is_connection_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
