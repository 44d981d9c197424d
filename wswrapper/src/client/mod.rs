//! Clients: [`Client`], and [`ClientBuilder`] for services, limits and hooks.

#[cfg(feature = "websocket")]
mod addresses;
#[cfg(feature = "websocket")]
mod connect;
#[cfg(feature = "websocket")]
mod deadline;
#[cfg(feature = "websocket")]
mod dial;
#[cfg(feature = "websocket")]
mod exchange;
#[cfg(feature = "websocket")]
mod options;
mod peer_methods;
#[cfg(feature = "websocket")]
#[cfg(feature = "proxy")]
mod proxy;
#[cfg(feature = "websocket")]
mod redirect;
#[cfg(feature = "websocket")]
mod socket;
#[cfg(feature = "rustls")]
mod tls;
#[cfg(feature = "websocket")]
mod upgrade;
#[cfg(feature = "websocket")]
mod url;

/// The crate `rustls`, whose [configurations](ClientBuilder::tls) a client takes.
#[cfg(feature = "rustls")]
pub use tokio_rustls::rustls;

use crate::builder::{Settings, settings_methods};
use crate::call::IntoTarget;
use crate::engine::{ConnectionHandle, Driver, Epoch, Extensions, LocalEndpoint, Opened, Shared};
use crate::error::{MountError, RebindError};
use crate::handle::{Channel, Peer};
use crate::handshake::Handshake;
use crate::proto::Side;
use crate::registry::Registry;
use crate::rt;
use crate::transport::Transport;
use std::fmt;
use std::sync::Arc;

/// A client: a connection that this endpoint has opened.
///
/// It has the methods of [`Peer`], the handle to the server that [`peer`](Self::peer) returns. A `Client` is cheap to
/// clone.
///
/// The connection stays open while something can use it: the client, a peer or channel from it, a proxy created from
/// one of these, or a running call. When the last of them is dropped, the connection is closed with status 1000.
///
/// A task of the runtime writes what was queued. Events that are queued when `main` returns are lost, unless
/// [`flush`](Peer::flush) or [`closed`](Self::closed) was awaited after [`close`](Self::close).
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
}

/// Builds a [`Client`]: its services, limits, hooks and observers, and how it connects.
///
/// The services are mounted before the first frame is read.
#[must_use = "a builder does nothing until the client is connected"]
#[derive(Default, Debug)]
pub struct ClientBuilder {
    settings: Settings,
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

    /// Continues over another transport after the connection was closed or lost.
    ///
    /// Handlers, hooks and proxies stay. Calls of the old connection have failed with
    /// [`Closed`](crate::CallError::Closed), and the ids of new calls continue the count [P-91]. Events that waited for
    /// capacity are sent on the new connection. The hook
    /// [`on_open`](crate::client::ClientBuilder::on_open) runs again, and `rebind` does not wait for it.
    ///
    /// Fails with [`StillOpen`](RebindError::StillOpen) while the old connection is not closed or its `on_close`
    /// hook runs. Wait for [`closed`](Peer::closed) first, because calls can fail before the connection is closed.
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
    /// # server.on("add", |a: i64, b: i64| async move { a + b })?;
    /// # let (client_transport, server_transport) = memory::pair();
    /// # let client = Client::connect_transport(client_transport)?;
    /// # drop(server_transport);
    /// client.closed().await;
    /// let (client_transport, server_transport) = memory::pair();
    /// server.accept_transport(server_transport)?;
    /// client.rebind(client_transport)?;
    /// assert_eq!(client.request::<i64>("add", (1, 2)).await?, 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn rebind(&self, transport: impl Transport) -> Result<(), RebindError> {
        self.rebind_with(transport, Handshake::default(), Extensions::new())
    }

    /// Continues over another transport, with the request that opened it and values that are stored with the new
    /// connection. Otherwise like [`rebind`](Self::rebind). `ClientBuilder::dial` opens such a transport to a URL.
    ///
    /// The values are dropped when the connection closes, also from clones of `extensions`. So they are not those of
    /// [`extensions`](Self::extensions), which stay.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    pub fn rebind_with(
        &self,
        transport: impl Transport,
        handshake: Handshake,
        extensions: Extensions,
    ) -> Result<(), RebindError> {
        let shared = self.peer.shared();
        if !shared.reopen(handshake, extensions) {
            return Err(RebindError::StillOpen);
        }
        rt::spawn(Driver::new(Arc::clone(shared), transport).run());
        Ok(())
    }

    /// Starts a client. Also returns the receiver of the `on_open` hook's result, if there is a hook.
    pub(crate) fn start(
        endpoint: LocalEndpoint,
        transport: impl Transport,
        handshake: Handshake,
        extensions: Extensions,
    ) -> (Self, Option<Opened>) {
        let epoch = Epoch::first(handshake, extensions);
        let shared = Arc::new(Shared::new(Arc::new(endpoint), Arc::new(Registry::default()), epoch));
        let peer = Peer::new(ConnectionHandle::keeping_open(&shared));
        let mut driver = Driver::new(shared, transport);
        let opened = driver.opened();
        // The task finishes when the last handle is gone, at the latest after `close_timeout`.
        rt::spawn(driver.run());
        (Self { peer, extensions: Extensions::new() }, opened)
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
        Ok(Client::start(self.settings.build(Side::Client)?, transport, handshake, extensions).0)
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
