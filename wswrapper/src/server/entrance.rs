//! The way of a connection into a server.

use super::Phase;
use super::drain::Drain;
use super::groups::UserOf;
#[cfg(feature = "websocket")]
use super::probes::Probes;
use crate::close::CloseRequest;
use crate::engine::{Driver, Epoch, Extensions, LocalEndpoint, Members, Shared};
use crate::error::AcceptError;
use crate::handshake::Handshake;
use crate::rt::Instant;
use crate::transport::Transport;
use std::sync::Arc;
use tokio::sync::watch;

/// The parts of a server that a new connection needs. They do not keep the server open.
pub(crate) struct Entrance {
    pub(crate) endpoint: Arc<LocalEndpoint>,
    pub(crate) registry: Arc<dyn Members>,
    pub(crate) phase: watch::Sender<Phase>,
    pub(crate) drain: Drain,
    pub(super) user_of: UserOf,
    #[cfg(feature = "websocket")]
    pub(crate) probes: Probes,
    /// The time at which the server was built.
    pub(crate) started: Instant,
}

impl Entrance {
    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Adds a connection to the server, and returns its driver.
    pub(crate) fn enter<T: Transport>(
        &self,
        transport: T,
        handshake: Handshake,
        extensions: Extensions,
    ) -> Result<(Arc<Shared>, Driver<T>), AcceptError> {
        if self.phase() > Phase::Open {
            return Err(AcceptError::Closing);
        }
        let epoch = Epoch::first(handshake, extensions);
        let shared = Arc::new(Shared::new(Arc::clone(&self.endpoint), Arc::clone(&self.registry), epoch));
        self.user_of.identify(&shared);
        let driver = Driver::new(Arc::clone(&shared), transport);
        if self.phase() > Phase::Open {
            // `close` or `shutdown` may have missed the new connection.
            shared.close(CloseRequest::ServerCloses);
        }
        Ok((shared, driver))
    }
}
