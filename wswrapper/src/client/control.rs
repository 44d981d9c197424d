//! The part of a client that its handles and its task share.

use super::mailbox::{Command, Mailbox, Opening, Request, Waiter};
use super::state::{ClientState, Disconnected};
use crate::engine::Shared;
use crate::error::ConnectError;
use std::sync::Arc;
use tokio::sync::{SetOnce, oneshot, watch};

/// The requests to the task of a client, and its state.
pub(super) struct Control {
    pub(super) mailbox: Mailbox,
    pub(super) state: watch::Sender<ClientState>,
    shared: Arc<Shared>,
    /// Set when the task has ended.
    ended: SetOnce<()>,
}

impl Control {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        let state = watch::Sender::new(ClientState::Closed { cause: Disconnected::NotConnected });
        Self { mailbox: Mailbox::default(), state, shared: Arc::clone(shared), ended: SetOnce::new() }
    }

    /// Requests the next connection, and waits until it is open.
    ///
    /// Once it was polled, the request goes on if the future is dropped.
    pub(super) async fn request(&self, command: impl FnOnce(Waiter) -> Command) -> Result<(), Arc<ConnectError>> {
        let (waiter, opening): (Waiter, Opening) = oneshot::channel();
        let request = Request { command: command(waiter), closes: self.shared.closes() };
        if !self.mailbox.send(request) {
            return Err(Arc::new(ConnectError::Stopped));
        }
        // A request without an answer was replaced by a later one.
        let unanswered = || if self.mailbox.is_stopping() { ConnectError::Stopped } else { ConnectError::Superseded };
        opening.await.unwrap_or_else(|_| Err(Arc::new(unanswered())))
    }

    pub(super) fn set_ended(&self) {
        let _ = self.ended.set(());
    }

    /// Waits until the task has ended. Cancel-safe.
    pub(super) async fn ended(&self) {
        self.ended.wait().await;
    }
}
