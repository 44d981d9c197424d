//! Connectors: how a client opens its connections.

use crate::engine::{Driver, Extensions, NotReopened, Opened, Shared};
use crate::error::{ConnectError, ConnectStep};
use crate::handshake::Handshake;
use crate::rt::timeout;
use crate::transport::Transport;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Opens the connections of a client, over any transport.
///
/// It is implemented for functions: `|attempt| async move { Ok((transport, Handshake::default())) }`. A client of a URL
/// needs none; see `Destination`.
///
/// ```
/// # use wswrapper::{Client, Server, client::Reconnect, connection::Handshake, transport::memory};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use wswrapper::error::ConnectError;
/// let server = Server::builder().build()?;
/// server.on("add", |a: i64, b: i64| async move { a + b })?;
///
/// let connector = move |_attempt| {
///     let (near, far) = memory::pair();
///     let accepted = server.accept_transport(far);
///     async move {
///         accepted.map_err(ConnectError::other)?;
///         Ok((near, Handshake::default()))
///     }
/// };
/// let client = Client::builder().reconnect(Reconnect::default()).connect_with(connector).await?;
/// assert_eq!(client.request::<i64>("add", (1, 2)).await?, 3);
/// # Ok(())
/// # }
/// ```
pub trait Connector: Send + Sync + 'static {
    /// The transport of the connections.
    type Transport: Transport;

    /// Opens a connection. `attempt` is counted from 1; see
    /// [`ClientState::Connecting`](crate::client::ClientState::Connecting).
    ///
    /// The future is dropped if the client is closed or stopped meanwhile, and fails after
    /// [`handshake_timeout`](crate::Limits::handshake_timeout).
    fn connect(&self, attempt: u64) -> impl Future<Output = Result<(Self::Transport, Handshake), ConnectError>> + Send;
}

impl<F, Fut, T> Connector for F
where
    F: Fn(u64) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(T, Handshake), ConnectError>> + Send,
    T: Transport,
{
    type Transport = T;

    fn connect(&self, attempt: u64) -> impl Future<Output = Result<(T, Handshake), ConnectError>> + Send {
        self(attempt)
    }
}

/// An attempt to connect.
pub(super) type Attempt = Pin<Box<dyn Future<Output = Result<NewConnection, ConnectError>> + Send>>;
/// A connector without its type.
pub(super) type BoxConnector = Arc<dyn Fn(u64) -> Attempt + Send + Sync>;

/// Hides the type of a connector, whose attempts have this time.
pub(super) fn boxed<C: Connector>(connector: C, time: Duration) -> BoxConnector {
    let connector = Arc::new(connector);
    Arc::new(move |attempt| {
        let connector = Arc::clone(&connector);
        Box::pin(async move {
            let connected = timeout(time, connector.connect(attempt)).await;
            let timed_out =
                || ConnectError::TimedOut { address: "the server".to_owned(), during: ConnectStep::Connect };
            let (transport, handshake) = connected.unwrap_or_else(|_| Err(timed_out()))?;
            Ok(NewConnection::new(transport, handshake, Extensions::new()))
        })
    })
}

/// Starts to drive a transport.
type Start = dyn FnOnce(&Arc<Shared>) -> Running + Send;

/// A connection that is open and is not used yet.
pub(super) struct NewConnection {
    handshake: Handshake,
    extensions: Extensions,
    start: Box<Start>,
}

/// A connection in use.
pub(super) struct Running {
    /// The driver of the connection, until its `on_close` hooks have returned.
    pub(super) driver: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// The result of the `on_open` hook, if there is one.
    pub(super) opened: Option<Opened>,
}

impl NewConnection {
    pub(super) fn new(transport: impl Transport, handshake: Handshake, extensions: Extensions) -> Self {
        Self { handshake, extensions, start: Box::new(move |shared| Running::new(shared, transport)) }
    }

    /// Uses the connection for a client that has none.
    pub(super) fn open(self, shared: &Arc<Shared>) -> Result<Running, NotReopened> {
        shared.reopen(self.handshake, self.extensions)?;
        Ok((self.start)(shared))
    }
}

impl Running {
    /// Starts to drive an open transport.
    pub(super) fn new(shared: &Arc<Shared>, transport: impl Transport) -> Self {
        let mut driver = Driver::new(Arc::clone(shared), transport);
        let opened = driver.opened();
        Self { driver: Box::pin(driver.run()), opened }
    }
}
