//! Listeners of servers.

use super::accept::Accept;
use super::stream::serve_stream;
use super::{Phase, Server, ServerBuilder};
use crate::error::{MountError, ServeError};
use crate::rt::{self, Instant};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, ToSocketAddrs};

/// The pause after the system could not accept a connection, for example for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The time between two warnings that streams are cut off.
const WARNING_INTERVAL: Duration = Duration::from_secs(1);

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
        Ok(Listener { server, source })
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
        Ok(Listener { server: self.build()?, source })
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
        let Self { server, mut source } = self;
        let max_streams = max_streams(server.endpoint().limits.max_connections);
        // Each stream holds it while it is open, also if it has sent no request yet.
        let open_stream = Arc::new(());
        let mut warned_at = None;
        loop {
            let accepted = tokio::select! {
                accepted = source.accept() => accepted,
                () = server.wait_for_phase(Phase::Closing) => break,
            };
            match accepted {
                // Too many wait to send a request. The next ones are cut off, so that descriptors are left.
                Ok(_) if Arc::strong_count(&open_stream) > max_streams => {
                    let now = Instant::now();
                    if warned_at.is_none_or(|warned| now.duration_since(warned) >= WARNING_INTERVAL) {
                        warned_at = Some(now);
                        tracing::warn!("{max_streams} streams are open: new ones are cut off");
                    }
                }
                Ok((stream, address)) => {
                    server.spawn_connection(serve_stream(&server, stream, address, Arc::clone(&open_stream)));
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

/// Returns the number of streams that may be open: all connections, and some that have not sent their request.
fn max_streams(max_connections: usize) -> usize {
    max_connections.saturating_add((max_connections / 8).max(16))
}

/// Returns true for an error of a single connection, which does not affect the listener.
fn is_connection_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
