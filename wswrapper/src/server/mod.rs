//! Servers: [`Server`], [`ServerBuilder`] for services, limits and hooks, and events to all connections.

#[cfg(feature = "websocket")]
mod accept;
#[cfg(feature = "websocket")]
mod access;
mod background;
mod channel;
mod drain;
mod entrance;
mod first_message;
mod groups;
#[cfg(feature = "websocket")]
mod listener;
mod presence;
#[cfg(feature = "websocket")]
mod probes;
#[cfg(feature = "websocket")]
mod requests;
mod status;
#[cfg(feature = "websocket")]
mod stream;
#[cfg(feature = "rustls")]
mod tls;
#[cfg(feature = "websocket")]
mod tower;
#[cfg(feature = "websocket")]
mod upgrade;

use crate::rt::{self, Instant, JoinSet, RuntimeHandle};
#[cfg(feature = "websocket")]
pub use accept::Accept;
pub use channel::ServerChannel;
use drain::Drain;
pub use drain::{Shutdown, ShutdownReport};
use entrance::Entrance;
pub use first_message::FirstMessage;
use groups::UserOf;
#[cfg(feature = "websocket")]
pub use listener::Listener;
pub use presence::{Presence, PresenceChange, PresenceChanges, PresenceKey, Present};
pub use status::ServerStatus;
#[cfg(feature = "websocket")]
pub use tower::ResponseFuture;

#[cfg(feature = "websocket")]
pub use crate::http::{Authenticate, Body, Refusal, RemoteAddr};
/// The crate `rustls`, whose [configurations](ServerBuilder::tls) a server takes.
#[cfg(feature = "rustls")]
pub use tokio_rustls::rustls;

pub use crate::handle::{Audience, AudienceChannel, Calls, Delivery, Each, EmitToAudience};

use crate::builder::{Settings, settings_methods};
use crate::close::CloseRequest;
use crate::engine::{Extensions, LocalEndpoint, Members, PeerId};
use crate::error::{AcceptError, MountError};
use crate::handle::Peer;
use crate::handshake::Handshake;
use crate::lock::lock;
use crate::proto::Side;
use crate::registry::Registry;
use crate::service::{handler_methods, serve_method};
use crate::transport::Transport;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::watch;

/// A server: its services and its connections.
///
/// [`ServerBuilder::bind`] returns a server that [listens](crate::server::Listener) on a TCP port. A server from
/// [`ServerBuilder::build`] receives its connections by [`accept_transport`](Self::accept_transport) or `accept`.
///
/// A `Server` is cheap to clone. Dropping the last handle cuts off its connections; [`close`](Self::close) closes them
/// with a closing handshake, and [`shutdown`](Self::shutdown) lets their calls finish before.
///
/// ```
/// # use wswrapper::{Client, Server, transport::memory};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder().build()?;
/// server.on("add", |a: i64, b: i64| async move { a + b })?;
/// let (client_transport, server_transport) = memory::pair();
/// server.accept_transport(server_transport)?;
///
/// let client = Client::connect_transport(client_transport)?;
/// assert_eq!(client.request::<i64>("add", (1, 2)).await?, 3);
///
/// server.close();
/// server.closed().await;
/// assert_eq!(client.closed().await.code, 1001);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Server {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) entrance: Arc<Entrance>,
    #[cfg(feature = "websocket")]
    pub(crate) front: Arc<crate::http::HttpFront>,
    /// The tasks of all connections. Dropping the server aborts them. `None` once the server waits for them.
    tasks: Mutex<Option<JoinSet<()>>>,
}

/// The progress of closing a server.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Debug)]
pub(crate) enum Phase {
    Open,
    /// Until this time.
    Draining(Instant),
    Closing,
    Closed,
}

/// Builds a [`Server`]: its services, limits, hooks and observers, and how it is reached.
///
/// ```
/// use wswrapper::{Limits, Server, error::MountError, ws_handlers};
///
/// struct Clock;
///
/// #[ws_handlers]
/// impl Clock {
///     pub async fn now(&self) -> u64 {
///         1_700_000_000
///     }
/// }
///
/// # fn main() -> Result<(), MountError> {
/// let limits = Limits::default().max_message_size(64 * 1024);
/// let server = Server::builder().service(Clock).limits(limits).on_error(|_, error| eprintln!("{error}")).build()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing until it is built"]
#[derive(Default, Debug)]
pub struct ServerBuilder {
    settings: Settings,
    user_of: UserOf,
    /// The frame of the event that all peers receive.
    drain_event: Option<Arc<[u8]>>,
    #[cfg(feature = "websocket")]
    front: crate::http::HttpFront,
    #[cfg(feature = "websocket")]
    probes: probes::Probes,
}

impl ServerBuilder {
    settings_methods!();

    /// Builds a server without a listener.
    ///
    /// It receives its connections by [`accept_transport`](Server::accept_transport) or `accept`. Fails if a service
    /// cannot be mounted or a name is invalid.
    pub fn build(self) -> Result<Server, MountError> {
        #[cfg(feature = "websocket")]
        crate::http::check_head_size(self.settings.limits.max_head_size)?;
        let endpoint = LocalEndpoint { drain_event: self.drain_event, ..self.settings.build(Side::Server)? };
        let entrance = Entrance {
            endpoint: Arc::new(endpoint),
            registry: Arc::new(Registry::new()),
            user_of: self.user_of,
            phase: watch::Sender::new(Phase::Open),
            drain: Drain::default(),
            #[cfg(feature = "websocket")]
            probes: self.probes,
            started: Instant::now(),
        };
        let inner = Inner {
            entrance: Arc::new(entrance),
            #[cfg(feature = "websocket")]
            front: Arc::new(self.front),
            tasks: Mutex::new(Some(JoinSet::new())),
        };
        Ok(Server { inner: Arc::new(inner) })
    }
}

impl Server {
    /// Returns a builder of servers.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    /// Serves a connection over an open transport.
    ///
    /// A task of the server drives it on the current tokio runtime. Fails with [`AcceptError::Closing`] if the server
    /// drains or closes.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    pub fn accept_transport(&self, transport: impl Transport) -> Result<Peer, AcceptError> {
        self.accept_transport_with(transport, Handshake::default(), Extensions::new())
    }

    /// Serves a connection over an open transport, with the request that opened it and values that are stored with it.
    ///
    /// Hooks and handlers find both from the first call on. The values are dropped when the connection closes, also from
    /// clones of `extensions`. Otherwise like [`accept_transport`](Self::accept_transport).
    ///
    /// ```
    /// # use wswrapper::{Context, Server, connection::{Extensions, Handshake}, transport::memory};
    /// struct User(&'static str);
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = Server::builder().build()?;
    /// # let (_, transport) = memory::pair();
    /// // The request as hyper or axum returns it.
    /// let (parts, ()) = http::Request::get("/chat").body(())?.into_parts();
    /// let extensions = Extensions::new();
    /// extensions.insert(User("Ada"));
    /// let peer = server.accept_transport_with(transport, Handshake::new(&parts, None), extensions)?;
    /// assert_eq!(peer.extensions().get::<User>().map(|user| user.0), Some("Ada"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    pub fn accept_transport_with(
        &self,
        transport: impl Transport,
        handshake: Handshake,
        extensions: Extensions,
    ) -> Result<Peer, AcceptError> {
        let (shared, driver) = self.inner.entrance.enter(transport, handshake, extensions)?;
        let peer = Peer::of(&shared);
        if self.spawn_connection(driver.run()) { Ok(peer) } else { Err(AcceptError::Closing) }
    }

    /// Returns the peers that are connected now, in the order of their numbers.
    pub fn peers(&self) -> Vec<Peer> {
        self.registry().all().iter().map(Peer::of).collect()
    }

    /// Returns the peer with this number, or `None` if its connection was closed.
    pub fn peer(&self, id: PeerId) -> Option<Peer> {
        self.registry().find(id).map(|shared| Peer::of(&shared))
    }

    /// Returns the bytes that all connections hold together: begun messages, calls that wait to start, untaken stream
    /// items and unsent output. Limited by [`max_buffered_bytes`](crate::Limits::max_buffered_bytes).
    ///
    /// Each connection reports its part when its task goes to sleep. Untaken items of a closed connection count until
    /// their stream is dropped.
    pub fn buffered_bytes(&self) -> usize {
        self.endpoint().budget.held()
    }

    /// Starts to close all connections with status 1001. From now on the server refuses new connections.
    /// [`closed`](Self::closed) waits until all are closed.
    ///
    /// It cancels all running calls and streams; [`shutdown`](Self::shutdown) lets them finish first. During a
    /// `shutdown` it cuts off what still runs.
    ///
    /// Connections have [`close_timeout`](crate::Limits::close_timeout) plus one second for their hooks; then they are
    /// cut off. So has [background work](Self::spawn).
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime. The server then stays open.
    pub fn close(&self) {
        let runtime = RuntimeHandle::current();
        let first = self.inner.entrance.phase.send_if_modified(|phase| {
            let first = *phase < Phase::Closing;
            if first {
                *phase = Phase::Closing;
            }
            first
        });
        if first {
            let members = self.registry().all();
            self.inner.entrance.drain.set_connections(members.len());
            for shared in &*members {
                shared.close(CloseRequest::ServerCloses);
            }
            // Fails after a drain.
            let _ = self.endpoint().drain_began.set(());
            runtime.spawn(self.clone().stop_tasks());
        }
    }

    /// Waits until the server and all its connections are closed, and its [background work](Self::spawn) has ended.
    /// Cancel-safe.
    ///
    /// The future does not keep the server open.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut phase = self.inner.entrance.phase.subscribe();
        async move {
            // Fails if the last handle of the server is gone, and with it all connections.
            let _ = phase.wait_for(|phase| *phase == Phase::Closed).await;
        }
    }

    /// Waits for the tasks of all connections and for background tasks, then aborts the remaining ones.
    async fn stop_tasks(self) {
        let _closed = SetClosed(&self.inner.entrance.phase);
        let Some(mut tasks) = self.tasks().take() else { return };
        let background = &self.endpoint().background;
        let all_finished = async {
            while tasks.join_next().await.is_some() {}
            background.ended().await;
        };
        // A slow handshake or hook must not keep the server open.
        let _ = rt::timeout(self.endpoint().limits.close_timeout.saturating_add(HOOK_TIMEOUT), all_finished).await;
        background.cut_off();
        tasks.shutdown().await;
        background.ended().await;
    }

    /// Returns true once the server closes its connections: after [`close`](Self::close), or at the end of a
    /// [`shutdown`](Self::shutdown).
    pub fn is_closing(&self) -> bool {
        self.inner.entrance.phase() >= Phase::Closing
    }

    #[cfg(feature = "websocket")]
    pub(crate) async fn wait_for_phase(&self, phase: Phase) {
        // Cannot fail: the sender lives as long as this handle.
        let _ = self.inner.entrance.phase.subscribe().wait_for(|now| *now >= phase).await;
    }

    /// Returns a channel of all connections, to handle its calls and to send events to all peers.
    pub fn channel(&self, name: &str) -> ServerChannel {
        ServerChannel::new(self.clone(), name)
    }

    handler_methods!(
        "of any peer on the main channel",
        self => &self.endpoint().handlers, None, self.endpoint().event_names(None)
    );
    serve_method!("to all peers", self => &self.endpoint().handlers, None);

    pub(crate) fn endpoint(&self) -> &Arc<LocalEndpoint> {
        &self.inner.entrance.endpoint
    }

    fn registry(&self) -> &Arc<dyn Members> {
        &self.inner.entrance.registry
    }

    /// Spawns a task of a connection or a stream, which is aborted when the server is dropped. Returns false, and drops the task, if the server waits
    /// for its tasks already, because it is closing.
    pub(crate) fn spawn_connection(&self, task: impl Future<Output = ()> + Send + 'static) -> bool {
        let mut tasks = self.tasks();
        let Some(tasks) = &mut *tasks else { return false };
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
        true
    }

    fn tasks(&self) -> MutexGuard<'_, Option<JoinSet<()>>> {
        lock(&self.inner.tasks)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.entrance.endpoint.background.cut_off();
    }
}

/// The time that the hooks of closed connections have in addition.
const HOOK_TIMEOUT: Duration = Duration::from_secs(1);

/// Marks the server as closed when it is dropped.
struct SetClosed<'s>(&'s watch::Sender<Phase>);

impl Drop for SetClosed<'_> {
    fn drop(&mut self) {
        self.0.send_replace(Phase::Closed);
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("peers", &self.registry().len())
            .field("closing", &self.is_closing())
            .finish_non_exhaustive()
    }
}
