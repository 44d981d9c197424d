//! The threads on which `#[ws(blocking)]` handlers of one connection run.

use crate::rt::unconstrained;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Limits the threads of one connection. Handlers without a thread wait in order of their calls.
pub(crate) struct BlockingThreads {
    permits: Arc<Semaphore>,
    max: usize,
    /// The size of the calls that wait for a thread.
    waiting_bytes: AtomicUsize,
}

/// A thread that a handler occupies until it returns. Cancelling cannot stop it.
pub(crate) struct BlockedThread {
    _permit: Option<OwnedSemaphorePermit>,
}

/// Counts a call that waits for a thread.
struct WaitingCall {
    threads: Arc<BlockingThreads>,
    bytes: usize,
}

impl BlockingThreads {
    /// Allows `max` threads, at least one.
    pub(crate) fn new(max: usize) -> Self {
        let max = max.clamp(1, Semaphore::MAX_PERMITS);
        Self { permits: Arc::new(Semaphore::new(max)), max, waiting_bytes: AtomicUsize::new(0) }
    }

    /// Takes a thread if one is free, which implies that no call waits.
    pub(crate) fn try_take(&self) -> Option<BlockedThread> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        Some(BlockedThread { _permit: Some(permit) })
    }

    /// Waits for a thread, for a call of this size. Its place in the order is that of the first poll.
    pub(crate) fn take(self: &Arc<Self>, bytes: usize) -> impl Future<Output = BlockedThread> + Send + use<> {
        let waiting = WaitingCall::new(self, bytes);
        // If the driver's task has used its budget in this turn, the first poll would not join the queue.
        let permit = unconstrained(Arc::clone(&self.permits).acquire_owned());
        async move {
            // The semaphore is never closed.
            let permit = permit.await.ok();
            drop(waiting);
            BlockedThread { _permit: permit }
        }
    }

    /// Returns the number of occupied threads.
    pub(crate) fn occupied(&self) -> usize {
        self.max - self.permits.available_permits()
    }

    /// Returns the size of the calls that wait for a thread.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes.load(Ordering::Relaxed)
    }
}

impl WaitingCall {
    fn new(threads: &Arc<BlockingThreads>, bytes: usize) -> Self {
        threads.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        Self { threads: Arc::clone(threads), bytes }
    }
}

impl Drop for WaitingCall {
    fn drop(&mut self) {
        self.threads.waiting_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
