//! The epochs of a connection.

use super::extensions::Extensions;
use crate::close::Closed;
use crate::handshake::Handshake;
use crate::proto::Reason;
use std::sync::Arc;
use tokio::sync::SetOnce;

/// Returns the reason of a call or a channel whose connection was closed.
pub(crate) fn connection_closed_reason() -> Reason {
    Reason::new("Connection closed")
}

/// One connection over one transport, and what ends with it.
///
/// The connection of a server has one epoch. A client has another one each time that it is connected again, while its
/// handlers, its proxies and its ids stay.
pub(crate) struct Epoch {
    /// Counted from 1.
    pub(crate) number: u64,
    pub(crate) handshake: Handshake,
    pub(crate) extensions: Extensions,
    /// Set when the transport is gone, before the `on_close` hooks run.
    disconnected: SetOnce<()>,
    /// Set when the connection is closed and its `on_close` hooks have returned.
    closed: SetOnce<Arc<Closed>>,
}

impl Epoch {
    /// Creates the first epoch.
    pub(crate) fn first(handshake: Handshake, extensions: Extensions) -> Arc<Self> {
        Arc::new(Self { number: 1, handshake, extensions, disconnected: SetOnce::new(), closed: SetOnce::new() })
    }

    /// Creates the epoch after this one.
    pub(crate) fn next(&self, handshake: Handshake, extensions: Extensions) -> Arc<Self> {
        Arc::new(Self {
            number: self.number + 1,
            handshake,
            extensions,
            disconnected: SetOnce::new(),
            closed: SetOnce::new(),
        })
    }

    /// Records that the transport is gone, and wakes everyone who waits for that.
    pub(crate) fn set_disconnected(&self) {
        let _ = self.disconnected.set(());
    }

    /// Returns true if the transport is gone.
    pub(crate) fn is_disconnected(&self) -> bool {
        self.disconnected.get().is_some()
    }

    /// Waits until the transport is gone. Cancel-safe.
    pub(crate) async fn disconnected(&self) {
        self.disconnected.wait().await;
    }

    /// Records how the connection was closed, and wakes everyone who waits for that.
    pub(crate) fn set_closed(&self, closed: Arc<Closed>) {
        let _ = self.closed.set(closed);
    }

    /// Waits until the connection is closed and its `on_close` hooks have returned. Cancel-safe.
    pub(crate) async fn closed(&self) -> Closed {
        self.closed.wait().await.as_ref().clone()
    }

    /// Returns how the connection was closed, if its `on_close` hooks have returned.
    pub(crate) fn result(&self) -> Option<Arc<Closed>> {
        self.closed.get().cloned()
    }
}
