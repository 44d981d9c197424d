//! The tasks that handlers run in, beside the tasks of connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

/// Counts the tasks of `#[ws(spawn)]` and `#[ws(blocking)]` handlers of one endpoint.
#[derive(Default)]
pub(crate) struct OwnTasks {
    running: AtomicUsize,
    ended: Notify,
}

/// Counts a task until it is dropped.
pub(crate) struct CountedTask(Arc<OwnTasks>);

impl OwnTasks {
    /// Counts a task, which keeps the returned value until its end.
    pub(crate) fn count(self: &Arc<Self>) -> CountedTask {
        self.running.fetch_add(1, Ordering::Relaxed);
        CountedTask(Arc::clone(self))
    }

    /// Waits until no task runs. Cancel-safe.
    pub(crate) async fn ended(&self) {
        loop {
            let ended = self.ended.notified();
            // A task that ends after this notifies.
            if self.running.load(Ordering::Acquire) == 0 {
                return;
            }
            ended.await;
        }
    }
}

impl Drop for CountedTask {
    fn drop(&mut self) {
        if self.0.running.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.ended.notify_waiters();
        }
    }
}
