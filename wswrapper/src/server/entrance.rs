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
