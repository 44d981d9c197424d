//! Who listens.

mod channel;
#[cfg(feature = "tungstenite")]
mod listener;

pub use channel::ServerChannel;
#[cfg(feature = "tungstenite")]
pub use listener::Listening;

use crate::builder::Builder;
use crate::close::{Close, CloseRequest};
use crate::engine::{Driver, LocalEndpoint, Members, Shared};
use crate::error::{AcceptError, MountError};
use crate::handle::Peer;
use crate::handshake::Handshake;
use crate::lock::lock;
use crate::proto::Side;
use crate::registry::{Broadcast, Registry};
use crate::service::handler_methods;
use crate::transport::Transport;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A server: its services, and the connections that it has.
///
/// It is a handle, cheap to clone. [`ServerBuilder::bind`] gives one that [listens](crate::Listening); one that was only
/// [built](ServerBuilder::build) is handed its connections. When the last handle is dropped its connections are cut
/// off; [`close`](Self::close) ends them in good order.
#[derive(Clone)]
pub struct Server {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) endpoint: Arc<LocalEndpoint>,
    #[cfg(feature = "tungstenite")]
    pub(crate) front: Arc<crate::http::HttpFront>,
    registry: Arc<dyn Members>,
    /// The tasks of all connections; dropped with the server, which ends them.
    tasks: Mutex<JoinSet<()>>,
    pub(crate) phase: watch::Sender<Phase>,
}

/// How far a server has come to its end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Debug)]
pub(crate) enum Phase {
    Open,
    Closing,
    Closed,
}

/// Builds a [`Server`].
pub type ServerBuilder = Builder<Serving>;

/// What a server has beyond services, limits and hooks.
#[derive(Default, Debug)]
pub struct Serving {
    #[cfg(feature = "tungstenite")]
    pub(crate) front: crate::http::HttpFront,
}

impl Builder<Serving> {
    /// A server without a listener: connections are handed to it by [`accept_transport`](Server::accept_transport) or
    /// `accept`.
    pub fn build(self) -> Result<Server, MountError> {
        let (endpoint, serving) = self.finish(Side::Server)?;
        #[cfg(not(feature = "tungstenite"))]
        let Serving {} = serving;
        let inner = Inner {
            endpoint: Arc::new(endpoint),
            #[cfg(feature = "tungstenite")]
            front: Arc::new(serving.front),
            registry: Arc::new(Registry::default()),
            tasks: Mutex::default(),
            phase: watch::Sender::new(Phase::Open),
        };
        Ok(Server { inner: Arc::new(inner) })
    }
}

impl Server {
    /// Begins to build a server.
    pub fn builder() -> ServerBuilder {
        Builder::new(Serving::default())
    }

    /// Serves a connection whose transport is open. It is driven by a task of the server's, on the current tokio
    /// runtime.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn accept_transport(&self, transport: impl Transport) -> Result<Peer, AcceptError> {
        self.accept_with(transport, Handshake::default())
    }

    pub(crate) fn accept_with(&self, transport: impl Transport, handshake: Handshake) -> Result<Peer, AcceptError> {
        if self.is_closing() {
            return Err(AcceptError::Closing);
        }
        let shared = self.shared(handshake);
        let peer = Peer::of(&shared);
        self.spawn(Driver::new(shared, transport).run());
        if self.is_closing() {
            // It may have come too late to be told.
            peer.close(1001, CLOSE_REASON);
        }
        Ok(peer)
    }

    /// Everyone who is connected, as a proxy's target for events.
    pub fn broadcast(&self) -> Broadcast {
        Broadcast::new(Arc::clone(&self.inner.registry))
    }

    /// Everyone who is connected now.
    pub fn peers(&self) -> Vec<Peer> {
        self.inner.registry.all().iter().map(Peer::of).collect()
    }

    /// Closes all connections with status 1001 and waits until they have ended, at most for
    /// [`close_timeout`](crate::Limits::close_timeout) and a second for their hooks; what is left then is cut off. New connections are refused from
    /// the first poll on.
    pub async fn close(&self) {
        let first = self.inner.phase.send_if_modified(|phase| {
            let open = *phase == Phase::Open;
            if open {
                *phase = Phase::Closing;
            }
            open
        });
        if first {
            for shared in self.inner.registry.all() {
                shared.close(CloseRequest::Close(Close::new(1001, CLOSE_REASON)));
            }
            // It goes on if whoever has asked for it is stopped, be it a handler on one of the connections.
            tokio::spawn(self.clone().stop_tasks());
        }
        self.wait_for_phase(Phase::Closed).await;
    }

    async fn stop_tasks(self) {
        let _closed = SetClosed(&self.inner.phase);
        let mut tasks = std::mem::take(&mut *self.tasks());
        let all_finished = async { while tasks.join_next().await.is_some() {} };
        // A task in its handshake, or a hook that takes its time, must not keep the server open.
        let _ =
            tokio::time::timeout(self.inner.endpoint.limits.close_timeout.saturating_add(HOOK_TIMEOUT), all_finished)
                .await;
        tasks.shutdown().await;
    }

    /// Whether [`close`](Self::close) was called.
    pub fn is_closing(&self) -> bool {
        *self.inner.phase.borrow() >= Phase::Closing
    }

    pub(crate) async fn wait_for_phase(&self, phase: Phase) {
        // The sender lives as long as this handle.
        let _ = self.inner.phase.subscribe().wait_for(|now| *now >= phase).await;
    }

    /// A channel of all connections, to handle events on it with closures.
    pub fn channel(&self, name: &str) -> ServerChannel {
        ServerChannel::new(self.clone(), name)
    }

    handler_methods!("of any peer on the main channel", self => &self.inner.endpoint.handlers, None);

    pub(crate) fn shared(&self, handshake: Handshake) -> Arc<Shared> {
        Arc::new(Shared::new(Arc::clone(&self.inner.endpoint), Arc::clone(&self.inner.registry), handshake))
    }

    #[cfg(feature = "tungstenite")]
    pub(crate) fn registry(&self) -> &Arc<dyn Members> {
        &self.inner.registry
    }

    /// Runs a task that ends with the server.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks();
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        lock(&self.inner.tasks)
    }
}

/// What the hooks of connections that were closed have for themselves.
const HOOK_TIMEOUT: Duration = Duration::from_secs(1);

/// What peers are told.
pub(crate) const CLOSE_REASON: &str = "the server is closing";

/// Says that the server has closed, when it is dropped.
struct SetClosed<'s>(&'s watch::Sender<Phase>);

impl Drop for SetClosed<'_> {
    fn drop(&mut self) {
        self.0.send_replace(Phase::Closed);
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("peers", &self.inner.registry.len())
            .field("closing", &self.is_closing())
            .finish_non_exhaustive()
    }
}
