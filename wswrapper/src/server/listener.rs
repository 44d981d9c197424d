//! A server's TCP port.

use super::{CLOSE_REASON, Phase, Server, Serving};
use crate::builder::Builder;
use crate::close::{Close, CloseRequest};
use crate::engine::{Driver, LocalEndpoint, Shared};
use crate::error::{AcceptError, ServeError};
use crate::handle::Peer;
use crate::handshake::Handshake;
use crate::http;
use crate::http::{HttpFront, Page, Request};
use crate::proto::Side;
use crate::transport::WebSocket;
use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};

/// How long to wait when the system has no room for a further connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A [`Server`] with a TCP port.
#[derive(Debug)]
pub struct Listening {
    server: Server,
    listener: TcpListener,
    address: SocketAddr,
}

impl Builder<Serving> {
    /// Takes WebSocket connections only on this path; others are answered with status 404. By default every path is
    /// taken, and handlers see it in their [`Context`](crate::Context::handshake).
    pub fn path(mut self, path: &str) -> Self {
        self.role.front.set_path(path);
        self
    }

    /// Answers ordinary requests for this path with a page: its content type and its content.
    pub fn page(mut self, path: &str, content_type: &str, content: impl Into<bytes::Bytes>) -> Self {
        self.role.front.add_page(path, Page { content_type: content_type.to_owned(), content: content.into() });
        self
    }

    /// Supports a subprotocol. A client offers its own in its order of preference; the first that is supported is
    /// chosen, and handlers see it in their context's [`handshake().subprotocol()`](Handshake::subprotocol). If none is,
    /// the connection is taken without one. What cannot be a subprotocol's name is an error when the server is built.
    ///
    /// ```
    /// # use wswrapper::{MountError, Server};
    /// let server = Server::builder().subprotocol("desk.v2").subprotocol("desk.v1").build()?;
    /// # Ok::<(), MountError>(())
    /// ```
    pub fn subprotocol(mut self, name: &str) -> Self {
        let added = http::subprotocol(&mut self.role.front.subprotocols, name);
        self.note(added)
    }

    /// Builds the server and binds a TCP port, `127.0.0.1:8080` for example; port 0 takes any that is free.
    pub async fn bind(self, address: impl ToSocketAddrs + std::fmt::Debug) -> Result<Listening, ServeError> {
        let server = self.build()?;
        let lookup_error = |source| ServeError::Bind { address: format!("{address:?}"), source };
        let addresses: Vec<_> = tokio::net::lookup_host(&address).await.map_err(lookup_error)?.collect();
        let bind_error = |source| {
            let address = addresses.first().map_or_else(|| format!("{address:?}"), ToString::to_string);
            ServeError::Bind { address, source }
        };
        let listener = TcpListener::bind(&addresses[..]).await.map_err(bind_error)?;
        let address = listener.local_addr().map_err(bind_error)?;
        Ok(Listening { server, listener, address })
    }
}

impl Listening {
    /// The address that it listens on.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// A handle to the server, to broadcast or to [close](Server::close) it while it serves.
    pub fn server(&self) -> Server {
        self.server.clone()
    }

    /// Serves until the server is [closed](Server::close); then waits until all connections have ended. Dropping this
    /// future stops listening; the connections stay while another handle of the server does.
    pub async fn serve(self) -> Result<(), ServeError> {
        let Self { server, listener, .. } = self;
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = server.wait_for_phase(Phase::Closing) => break,
            };
            match accepted {
                Ok((stream, _)) => server.spawn(handshake_and_drive(&server, stream)),
                Err(error) if is_connection_error(&error) => {}
                Err(error) => {
                    tracing::error!("cannot accept connections now: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        server.close().await;
        Ok(())
    }
}

/// All of a [`Server`] can be done while it listens.
impl Deref for Listening {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl Server {
    /// Serves a connection that was accepted elsewhere: reads its request, answers the handshake, and drives the
    /// connection in a task of the server's. An ordinary HTTP request is answered, and is an error here.
    ///
    /// Not cancel-safe: dropping the future drops the stream.
    pub async fn accept<S>(&self, stream: S) -> Result<Peer, AcceptError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let front = Arc::clone(&self.inner.front);
        let (websocket, handshake) = perform_handshake(&self.inner.endpoint, &front, stream, None).await?;
        self.accept_with(websocket, handshake)
    }
}

/// The whole life of a connection. It holds nothing that keeps the server open.
fn handshake_and_drive(server: &Server, stream: TcpStream) -> impl Future<Output = ()> + Send + 'static {
    let (endpoint, front, registry) =
        (Arc::clone(&server.inner.endpoint), Arc::clone(&server.inner.front), Arc::clone(server.registry()));
    let mut phase = server.inner.phase.subscribe();
    async move {
        let address = stream.peer_addr().ok();
        // Answers are written in batches by ourselves.
        let _ = stream.set_nodelay(true);
        let result = tokio::select! {
            result = perform_handshake(&endpoint, &front, stream, address) => result,
            _ = phase.wait_for(|phase| *phase >= Phase::Closing) => Err(AcceptError::Closing),
        };
        match result {
            Ok((websocket, handshake)) => {
                let shared = Arc::new(Shared::new(endpoint, registry, handshake));
                let driver = Driver::new(Arc::clone(&shared), websocket);
                if *phase.borrow() >= Phase::Closing {
                    // It may have come too late to be told.
                    shared.close(CloseRequest::Close(Close::new(1001, CLOSE_REASON)));
                }
                drop((phase, shared));
                driver.run().await;
            }
            Err(error) => tracing::debug!(?address, "no connection: {error}"),
        }
    }
}

async fn perform_handshake<S>(
    endpoint: &LocalEndpoint,
    front: &HttpFront,
    mut stream: S,
    remote_addr: Option<SocketAddr>,
) -> Result<(WebSocket<S>, Handshake), AcceptError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Request { uri, head, subprotocol, rest } = front.perform_handshake(&mut stream, &endpoint.limits).await?;
    let websocket = WebSocket::new(stream, Side::Server, rest, endpoint.limits.frame_bytes);
    Ok((websocket, Handshake { uri, head: head.into(), remote_addr, subprotocol, ..Handshake::default() }))
}

/// A connection that failed before it was accepted says nothing of the listener.
fn is_connection_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
