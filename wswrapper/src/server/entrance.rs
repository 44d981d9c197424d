//! The way of a connection into a server.

use super::Phase;
use crate::close::{Close, CloseRequest};
use crate::engine::{Driver, Epoch, Extensions, LocalEndpoint, Members, Shared};
use crate::error::AcceptError;
use crate::handshake::Handshake;
use crate::transport::Transport;
use std::sync::Arc;
use tokio::sync::watch;

/// The close reason that peers receive.
pub(super) const CLOSE_REASON: &str = "the server is closing";

/// The parts of a server that a new connection needs. They do not keep the server open.
pub(crate) struct Entrance {
    pub(crate) endpoint: Arc<LocalEndpoint>,
    pub(crate) registry: Arc<dyn Members>,
    pub(crate) phase: watch::Sender<Phase>,
}

impl Entrance {
    /// Returns true if the server is closing or closed.
    pub(crate) fn is_closing(&self) -> bool {
        *self.phase.borrow() >= Phase::Closing
    }

    /// Adds a connection to the server, and returns its driver.
    pub(crate) fn enter<T: Transport>(
        &self,
        transport: T,
        handshake: Handshake,
        extensions: Extensions,
    ) -> Result<(Arc<Shared>, Driver<T>), AcceptError> {
        if self.is_closing() {
            return Err(AcceptError::Closing);
        }
        let epoch = Epoch::first(handshake, extensions);
        let shared = Arc::new(Shared::new(Arc::clone(&self.endpoint), Arc::clone(&self.registry), epoch));
        let driver = Driver::new(Arc::clone(&shared), transport);
        if self.is_closing() {
            // `close` may have missed the new connection.
            shared.close(CloseRequest::local(Close::GOING_AWAY, CLOSE_REASON));
        }
        Ok((shared, driver))
    }
}

#[cfg(feature = "tungstenite")]
pub(crate) use http_entrance::UpgradedWebSocket;

#[cfg(feature = "tungstenite")]
mod http_entrance {
    use super::{AcceptError, Arc, Driver, Entrance, Phase, Shared};
    use crate::http::{ServerState, Upgrade};
    use crate::proto::Side;
    use crate::rt;
    use crate::transport::WebSocket;
    use hyper::upgrade::Upgraded;
    use hyper_util::rt::TokioIo;
    use std::io;

    /// The transport of a connection that hyper has upgraded.
    pub(crate) type UpgradedWebSocket = WebSocket<TokioIo<Upgraded>>;

    impl Entrance {
        /// Waits until the server is closing.
        pub(crate) fn closing(&self) -> impl Future<Output = ()> + Send + use<> {
            let mut phase = self.phase.subscribe();
            async move {
                // Fails if the server is gone.
                let _ = phase.wait_for(|phase| *phase >= Phase::Closing).await;
            }
        }

        /// Returns the server's state for a decision about a handshake.
        pub(crate) fn state(&self) -> ServerState<'_, impl Future<Output = ()> + Send + use<>> {
            ServerState {
                endpoint: &self.endpoint,
                connections: self.registry.len(),
                is_closing: self.is_closing(),
                closing: self.closing(),
            }
        }

        /// Opens the connection of a valid handshake when its response was written, and returns its driver.
        pub(crate) async fn open(
            &self,
            upgrade: Upgrade,
        ) -> Result<(Arc<Shared>, Driver<UpgradedWebSocket>), AcceptError> {
            let Upgrade { stream, handshake, extensions, admitted } = upgrade;
            let limits = &self.endpoint.limits;
            let upgraded = rt::timeout(limits.write_timeout, stream).await.map_err(io::Error::from)?;
            let stream = TokioIo::new(upgraded.map_err(io::Error::other)?);
            let websocket = WebSocket::new(stream, Side::Server, Vec::new(), limits.max_message_size);
            let opened = self.enter(websocket, handshake, extensions);
            drop(admitted);
            opened
        }

        /// Opens the connection of a valid handshake, and drives it until it is closed.
        pub(crate) async fn open_and_drive(self: Arc<Self>, upgrade: Upgrade) {
            // Boxed, because the task keeps the size of its largest part.
            let driver = match Box::pin(self.open(upgrade)).await.map(|(_, driver)| driver) {
                Ok(driver) => driver,
                Err(error) => return tracing::debug!("no connection: {error}"),
            };
            drop(self);
            driver.run().await;
        }
    }
}
