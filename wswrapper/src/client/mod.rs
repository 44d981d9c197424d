//! Clients: [`Client`], and [`ClientBuilder`] for services, limits, hooks, and how a client connects again.

#[cfg(feature = "websocket")]
mod addresses;
mod backoff;
#[cfg(feature = "websocket")]
mod connect;
mod connector;
mod control;
#[cfg(feature = "websocket")]
mod deadline;
#[cfg(feature = "websocket")]
mod destination;
#[cfg(feature = "websocket")]
mod dial;
mod drive;
#[cfg(feature = "websocket")]
mod exchange;
mod mailbox;
#[cfg(feature = "websocket")]
mod options;
mod pause;
mod peer_methods;
#[cfg(feature = "websocket")]
#[cfg(feature = "proxy")]
mod proxy;
mod rebind;
mod reconnect;
#[cfg(feature = "websocket")]
mod redirect;
mod retry_after;
#[cfg(feature = "websocket")]
mod socket;
mod state;
mod stop;
mod supervision;
mod task;
#[cfg(feature = "rustls")]
mod tls;
#[cfg(feature = "websocket")]
mod upgrade;
#[cfg(feature = "websocket")]
mod url;

pub use connector::Connector;
#[cfg(feature = "websocket")]
pub use destination::{ConnectRequest, Destination, IntoDestination};
pub use pause::Pause;
pub use reconnect::Reconnect;
pub use state::{ClientState, Disconnected};
pub use supervision::Decision;
/// The crate `rustls`, whose [configurations](ClientBuilder::tls) a client takes.
#[cfg(feature = "rustls")]
pub use tokio_rustls::rustls;

use self::connector::Running;
use self::control::Control;
use self::supervision::Supervision;
use self::task::ClientTask;
use crate::builder::{Settings, settings_methods};
use crate::call::IntoTarget;
use crate::close::{CloseCause, Closed};
use crate::engine::{ConnectionHandle, Epoch, Extensions, LocalEndpoint, Shared};
use crate::error::{ConnectError, MountError};
use crate::handle::{Channel, Peer};
use crate::handshake::Handshake;
use crate::proto::Side;
use crate::registry::Registry;
use crate::rt;
use crate::transport::Transport;
use std::fmt;
use std::sync::Arc;
use tokio::sync::watch;

/// A client: an endpoint that opens a connection, and another one after it if it [connects again](ClientBuilder::reconnect).
///
/// It has the methods of [`Peer`], the handle to the server that [`peer`](Self::peer) returns. A `Client` is cheap to
/// clone.
///
/// The connection stays open while something can use it: the client, a peer or channel from it, a proxy created from
/// one of these, a running call, or a stream. When the last of them is dropped, the connection is closed with status 1000,
/// and the client does not connect again. A handler or a hook of the client that owns one keeps it open for ever; it takes
/// the peer from its [`Context`](crate::Context) or its argument instead.
///
/// A task of the runtime writes what was queued. Events that are queued when `main` returns are lost, unless
/// [`stop`](Self::stop), [`flush`](Peer::flush) or, after [`close`](Self::close), [`closed`](Self::closed) was awaited.
///
/// ```
/// # use wswrapper::{Client, Server, transport::memory};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = Server::builder().build()?;
/// # server.on("add", |a: i64, b: i64| async move { a + b })?;
/// let (client_transport, server_transport) = memory::pair();
/// # server.accept_transport(server_transport)?;
/// // `Client::connect("ws://localhost:8080").await?` connects over TCP.
/// let client = Client::connect_transport(client_transport)?;
/// assert_eq!(client.request::<i64>("add", (1, 2)).await?, 3);
/// client.close(1000, "");
/// client.closed().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    peer: Peer,
    extensions: Extensions,
    control: Arc<Control>,
    #[cfg(feature = "websocket")]
    options: Arc<options::ConnectOptions>,
}

/// Builds a [`Client`]: its services, limits, hooks and observers, and how it connects.
///
/// The services are mounted before the first frame is read.
#[must_use = "a builder does nothing until the client is connected"]
#[derive(Default, Debug)]
pub struct ClientBuilder {
    settings: Settings,
    supervision: Supervision,
    #[cfg(feature = "websocket")]
    options: options::ConnectOptions,
}

impl Client {
    /// Returns a builder of clients with services, limits or hooks.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Creates a client over an open transport.
    ///
    /// A task drives it on the current tokio runtime. Fails if a service of the builder cannot be mounted.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    pub fn connect_transport(transport: impl Transport) -> Result<Self, MountError> {
        Self::builder().connect_transport(transport)
    }

    /// Returns the handle to the server. The handle and its clones keep the connection open.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Returns the values that are stored with the client. They stay while it is [bound](Self::rebind) to other
    /// transports, and are dropped with its last handle.
    ///
    /// Those of the present connection are [`client.peer().extensions()`](Peer::extensions).
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Returns a named channel of the connection; see [`Peer::channel`].
    pub fn channel(&self, name: &str) -> Channel {
        self.peer.channel(name)
    }

    /// Returns the state of the client, and waits for its changes.
    ///
    /// A receiver may miss states that were followed quickly by others.
    ///
    /// ```
    /// # use wswrapper::{Client, Server, client::ClientState, transport::memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = Server::builder().build()?;
    /// # let (client_transport, server_transport) = memory::pair();
    /// # server.accept_transport(server_transport)?;
    /// let client = Client::builder().build()?;
    /// let mut state = client.state();
    /// assert!(state.borrow().is_closed());
    /// client.rebind(client_transport).await?;
    /// assert!(matches!(*state.borrow_and_update(), ClientState::Open { epoch: 1 }));
    /// client.close(1000, "");
    /// let closed = state.wait_for(ClientState::is_closed).await?.clone();
    /// println!("{closed:?}");
    /// # Ok(())
    /// # }
    /// ```
    pub fn state(&self) -> watch::Receiver<ClientState> {
        self.control.state.subscribe()
    }
}

impl ClientBuilder {
    settings_methods!();

    /// Creates a client over an open transport.
    ///
    /// A task drives it on the current tokio runtime. Fails if a service of the builder cannot be mounted.
    ///
    /// Does not wait for the hook [`on_open`](Self::on_open). If the hook fails, the connection is closed with status
    /// 1011, and calls fail with that status.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    pub fn connect_transport(self, transport: impl Transport) -> Result<Client, MountError> {
        self.connect_transport_with(transport, Handshake::default(), Extensions::new())
    }

    /// Creates a client over an open transport, with the request that opened it and values that are stored with the
    /// connection. Otherwise like [`connect_transport`](Self::connect_transport).
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    pub fn connect_transport_with(
        self,
        transport: impl Transport,
        handshake: Handshake,
        extensions: Extensions,
    ) -> Result<Client, MountError> {
        let epoch = Epoch::first(handshake, extensions);
        let start = |shared: &Arc<Shared>| Running::new(shared, transport);
        self.start(|endpoint, members| Shared::new(endpoint, members, epoch), Some(start))
    }

    /// Creates a client without a connection.
    ///
    /// Closures can be added before the first frame comes. [`connect_to`](Client::connect_to),
    /// [`connect_with`](Client::connect_with) and [`rebind`](Client::rebind) connect it. Until then up to
    /// [`max_calls_before_open`](crate::Limits::max_calls_before_open) calls and events wait, and are sent in their
    /// order when the connection is open [P-90].
    ///
    /// Fails if a service of the builder cannot be mounted.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    ///
    /// ```
    /// # use wswrapper::{Client, Server, transport::memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = Server::builder().build()?;
    /// # let (client_transport, server_transport) = memory::pair();
    /// # let peer = server.accept_transport(server_transport)?;
    /// let client = Client::builder().build()?;
    /// client.on("name", || async { "Ada" })?;
    /// client.rebind(client_transport).await?; // or `connect_to("ws://localhost:8080")`
    /// # assert_eq!(peer.request::<String>("name", ()).await?, "Ada");
    /// # Ok(())
    /// # }
    /// ```
    pub fn build(self) -> Result<Client, MountError> {
        let closed = Closed::abnormal(CloseCause::Local, Disconnected::NotConnected.to_string());
        let unconnected = |endpoint, members: Arc<Registry>| {
            Shared::unconnected(endpoint, members, Epoch::unconnected(), Some(Arc::new(closed)))
        };
        self.start(unconnected, None::<fn(&Arc<Shared>) -> Running>)
    }

    /// Creates a client and connects it by a connector of the program; see [`Connector`].
    ///
    /// Otherwise like `connect`. Cancel-safe.
    pub async fn connect_with(self, connector: impl Connector) -> Result<Client, ConnectError> {
        let client = self.build()?;
        let connected = client.connect_with(connector).await;
        client.after(connected).await
    }

    /// Creates a client and its task. `first` starts its first connection.
    fn start(
        self,
        shared: impl FnOnce(Arc<LocalEndpoint>, Arc<Registry>) -> Shared,
        first: Option<impl FnOnce(&Arc<Shared>) -> Running>,
    ) -> Result<Client, MountError> {
        let endpoint = Arc::new(self.settings.build(Side::Client)?);
        let shared = Arc::new(shared(endpoint, Arc::new(Registry::new())));
        let control = Arc::new(Control::new(&shared));
        let released = Arc::clone(&control);
        let peer = Peer::new(ConnectionHandle::keeping_open(&shared, Box::new(move || released.mailbox.release())));
        let task = ClientTask::new(&shared, &control, self.supervision);
        let first = first.map(|start| start(&shared));
        // The task ends when the client is stopped, or soon after its last handle is gone.
        rt::spawn(task.run(first));
        Ok(Client {
            peer,
            extensions: Extensions::new(),
            control,
            #[cfg(feature = "websocket")]
            options: Arc::new(self.options),
        })
    }
}

impl Client {
    /// Returns the client if it was connected. Otherwise it is dropped, and the error is no longer shared with it.
    async fn after(self, connected: Result<(), Arc<ConnectError>>) -> Result<Self, ConnectError> {
        let Err(error) = connected else { return Ok(self) };
        let error = match Arc::try_unwrap(error) {
            Ok(error) => return Err(error),
            Err(shared) => shared,
        };
        let control = Arc::clone(&self.control);
        drop(self);
        // The state of the client has shown the error. Its task has no connection, so it ends at once.
        control.ended().await;
        Err(Arc::try_unwrap(error).unwrap_or(ConnectError::Stopped))
    }
}

impl IntoTarget for &Client {
    type Target = Peer;

    fn into_target(self) -> Peer {
        self.peer.clone()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.peer).finish()
    }
}
