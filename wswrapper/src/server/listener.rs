//! TCP listeners of servers.

use super::entrance::Entrance;
use super::{Phase, Server, ServerBuilder};
use crate::engine::Extensions;
use crate::error::{AcceptError, ServeError};
use crate::handle::Peer;
use crate::handshake::Handshake;
use crate::http;
use crate::http::{HttpFront, Page, Request};
use crate::proto::Side;
use crate::rt;
use crate::transport::{WebSocket, tcp};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};

/// The pause after the system could not accept a connection, for example for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A [`Server`] that listens on a TCP port.
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
pub struct Listener {
    server: Server,
    socket: TcpListener,
    address: SocketAddr,
}

impl ServerBuilder {
    /// Accepts WebSocket connections only on this path; others are answered with status 404.
    ///
    /// By default each path is accepted. Handlers see it in [`Context::handshake`](crate::Context::handshake).
    pub fn path(mut self, path: &str) -> Self {
        self.front.set_path(path);
        self
    }

    /// Answers ordinary HTTP requests for `path` with a page.
    ///
    /// Only GET and HEAD are allowed. WebSocket connections on the same path are still accepted.
    pub fn page(mut self, path: &str, content_type: &str, content: impl Into<bytes::Bytes>) -> Self {
        self.front.add_page(path, Page { content_type: content_type.to_owned(), content: content.into() });
        self
    }

    /// Adds a supported subprotocol.
    ///
    /// A client offers subprotocols in its order of preference. The server chooses the first that it supports, and
    /// handlers see it as [`handshake().subprotocol()`](Handshake::subprotocol) of their context. If it supports none
    /// of them, the connection is accepted without a subprotocol. An invalid name is an error when the server is
    /// built.
    ///
    /// ```
    /// # use wswrapper::{Server, error::MountError};
    /// let server = Server::builder().subprotocol("desk.v2").subprotocol("desk.v1").build()?;
    /// # Ok::<(), MountError>(())
    /// ```
    pub fn subprotocol(mut self, name: &str) -> Self {
        let added = http::subprotocol(&mut self.front.subprotocols, name);
        self.settings.note(added);
        self
    }

    /// Builds the server and binds a TCP port, for example `127.0.0.1:8080`. Port 0 chooses a free port.
    ///
    /// Fails if a service cannot be mounted or the address cannot be bound. Connections are accepted when
    /// [`serve`](Listener::serve) is polled.
    pub async fn bind(self, address: impl ToSocketAddrs + std::fmt::Debug) -> Result<Listener, ServeError> {
        let server = self.build()?;
        // A text is shown without the quotes of its debug format, and a host and a port like an address.
        let shown = || format!("{address:?}").trim_matches(['(', ')', '"']).replace("\", ", ":");
        let lookup_error = |source| ServeError::Bind { address: shown(), source };
        let addresses: Vec<_> = tokio::net::lookup_host(&address).await.map_err(lookup_error)?.collect();
        let bind_error = |source| {
            let address = addresses.first().map_or_else(shown, ToString::to_string);
            ServeError::Bind { address, source }
        };
        let socket = TcpListener::bind(&addresses[..]).await.map_err(bind_error)?;
        let address = socket.local_addr().map_err(bind_error)?;
        Ok(Listener { server, socket, address })
    }
}

impl Listener {
    /// Returns the address on which the server listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

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
        let Self { server, socket, .. } = self;
        loop {
            let accepted = tokio::select! {
                accepted = socket.accept() => accepted,
                () = server.wait_for_phase(Phase::Closing) => break,
            };
            match accepted {
                Ok((stream, _)) => drop(server.spawn(handshake_and_drive(&server, stream))),
                Err(error) if is_connection_error(&error) => {}
                Err(error) => {
                    tracing::error!("cannot accept connections now: {error}");
                    rt::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(socket);
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
    /// Serves a connection that was accepted elsewhere.
    ///
    /// Reads the request, answers the handshake, and drives the connection in a task of the server. An ordinary HTTP
    /// request is answered and returned as [`AcceptError::Http`]. A request that does not arrive within
    /// [`handshake_timeout`](crate::Limits::handshake_timeout) fails with [`AcceptError::TimedOut`]. While the server
    /// drains or closes, a request that is answered with status 503 fails with [`AcceptError::Closing`].
    ///
    /// Not cancel-safe: dropping the future drops the stream.
    pub async fn accept<S>(&self, stream: S) -> Result<Peer, AcceptError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (entrance, front) = (Arc::clone(&self.inner.entrance), Arc::clone(&self.inner.front));
        let performed = perform_handshake(&entrance, &front, stream, None).await;
        let (websocket, handshake, extensions) = performed.map_err(|error| match error {
            AcceptError::Http(503) if entrance.phase() > Phase::Open => AcceptError::Closing,
            error => error,
        })?;
        self.accept_transport_with(websocket, handshake, extensions)
    }
}

/// Performs the handshake of a connection and drives it until it is closed. Does not keep the server open.
fn handshake_and_drive(server: &Server, stream: TcpStream) -> impl Future<Output = ()> + Send + 'static {
    let (entrance, front) = (Arc::clone(&server.inner.entrance), Arc::clone(&server.inner.front));
    async move {
        let address = stream.peer_addr().ok();
        tcp::set_options(&stream);
        // Boxed, because the task keeps the size of its largest part. The box is freed after everything that stays was
        // allocated, so that it leaves no gap.
        let opened = Box::pin(async {
            let (websocket, handshake, extensions) = perform_handshake(&entrance, &front, stream, address).await?;
            let (_, driver) = entrance.enter(websocket, handshake, extensions)?;
            Ok(driver)
        });
        let mut phase = entrance.phase.subscribe();
        let driver = match tokio::select! {
            opened = opened => opened,
            _ = phase.wait_for(|phase| *phase >= Phase::Closing) => Err(AcceptError::Closing),
        } {
            Ok(driver) => driver,
            Err(error) => return tracing::debug!(?address, "no connection: {error}"),
        };
        drop((entrance, front, phase));
        driver.run().await;
    }
}

async fn perform_handshake<S>(
    entrance: &Entrance,
    front: &HttpFront,
    mut stream: S,
    remote_addr: Option<SocketAddr>,
) -> Result<(WebSocket<S>, Handshake, Extensions), AcceptError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Request { parts, extensions, subprotocol, rest } =
        front.perform_handshake(&mut stream, entrance, &entrance.endpoint.limits).await?;
    let websocket = WebSocket::new(stream, Side::Server, rest, entrance.endpoint.limits.max_message_size);
    let handshake = Handshake::new(&parts, remote_addr);
    let handshake = subprotocol.into_iter().fold(handshake, |handshake, name| handshake.with_subprotocol(&name));
    Ok((websocket, handshake, extensions))
}

/// Returns true for an error of a single connection, which does not affect the listener.
fn is_connection_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
