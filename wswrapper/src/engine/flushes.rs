//! Handles that wait until frames were written.

use std::collections::VecDeque;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::oneshot;

/// Waits of handles, in the order of the output that they wait for. Dropping them fails the waits.
#[derive(Default)]
pub(crate) struct Flushes {
    /// With the number of bytes that have to be sent before. Zero while the frames may still be queued.
    waiting: VecDeque<(u64, oneshot::Sender<()>)>,
    /// The length at which waits that nobody polls any more are removed.
    cleanup_at: usize,
}

/// A wait of one handle.
pub(crate) struct Flushed(oneshot::Receiver<()>);

impl Flushed {
    /// Waits until the frames were written. Returns false if the connection was closed before. Cancel-safe.
    pub(crate) async fn wait(self) -> bool {
        self.0.await.is_ok()
    }

    /// Waits as [`wait`](Self::wait) does.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        Pin::new(&mut self.0).poll(cx).map(|written| written.is_ok())
    }
}

impl Flushes {
    /// A shorter queue is not cleaned up.
    const MIN_CLEANUP: usize = 64;

    /// Creates a wait.
    pub(crate) fn new_wait() -> (oneshot::Sender<()>, Flushed) {
        let (sender, receiver) = oneshot::channel();
        (sender, Flushed(receiver))
    }

    /// Adds a wait for frames that may still be queued. Returns waits that were dropped, to be freed outside the lock.
    pub(crate) fn push(&mut self, wait: oneshot::Sender<()>) -> Self {
        let dropped = self.clean_up();
        self.waiting.push_back((0, wait));
        dropped
    }

    /// Adds a wait for a frame that was queued just now.
    pub(crate) fn push_queued(&mut self, wait: oneshot::Sender<()>) {
        self.waiting.push_back((0, wait));
    }

    /// Adds waits whose frames have been written when the output has sent `offset` bytes.
    pub(crate) fn append(&mut self, new: Self, offset: u64) {
        if !new.waiting.is_empty() {
            self.clean_up();
            self.waiting.extend(new.waiting.into_iter().map(|(_, wait)| (offset, wait)));
        }
    }

    /// Completes the waits for the first `sent` bytes.
    pub(crate) fn complete(&mut self, sent: u64) {
        while self.waiting.front().is_some_and(|(offset, _)| *offset <= sent)
            && let Some((_, wait)) = self.waiting.pop_front()
        {
            // Nobody waits any more if it fails.
            let _ = wait.send(());
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Removes the waits that were dropped, once there may be many of them.
    fn clean_up(&mut self) -> Self {
        if self.waiting.len() < self.cleanup_at.max(Self::MIN_CLEANUP) {
            return Self::default();
        }
        let (dropped, waiting) = mem::take(&mut self.waiting).into_iter().partition(|(_, wait)| wait.is_closed());
        self.waiting = waiting;
        self.cleanup_at = Self::MIN_CLEANUP + 2 * self.waiting.len();
        Self { waiting: dropped, cleanup_at: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_waits_occupy_no_memory() {
        let mut flushes = Flushes::default();
        let (first, kept) = Flushes::new_wait();
        flushes.push(first);
        for _ in 0..10_000 {
            flushes.push(Flushes::new_wait().0);
        }
        assert!(flushes.waiting.len() <= 2 * Flushes::MIN_CLEANUP + 2, "{} waits", flushes.waiting.len());
        let mut written = Flushes::default();
        written.append(flushes, 10);
        for n in 11..10_000 {
            let mut new = Flushes::default();
            new.push(Flushes::new_wait().0);
            written.append(new, n);
        }
        assert!(written.waiting.len() <= 4 * Flushes::MIN_CLEANUP, "{} waits", written.waiting.len());
        written.complete(9);
        assert!(!written.is_empty());
        written.complete(10_000);
        assert!(written.is_empty());
        assert!(kept.0.blocking_recv().is_ok());
    }
}
