//! What ends once, for a reason.

use crate::proto::Reason;
use std::sync::OnceLock;
use tokio::sync::Notify;

/// An end that comes once, and those who wait for it.
#[derive(Default)]
pub(crate) struct Signal {
    reason: OnceLock<Reason>,
    waiting: Notify,
}

impl Signal {
    /// The end has come; false if it had before, and then this reason does not count.
    pub(crate) fn set(&self, reason: Reason) -> bool {
        let first = self.reason.set(reason).is_ok();
        if first {
            self.waiting.notify_waiters();
        }
        first
    }

    pub(crate) fn reason(&self) -> Option<&Reason> {
        self.reason.get()
    }

    /// Waits for the end. Cancel-safe.
    pub(crate) async fn wait(&self) -> &Reason {
        loop {
            let notified = self.waiting.notified();
            let mut notified = std::pin::pin!(notified);
            notified.as_mut().enable();
            if let Some(reason) = self.reason() {
                return reason;
            }
            notified.await;
        }
    }
}
