//! Pauses of a client: nothing that arrives is handed to the program.
//!
//! Their number is in the shared state. A bit beside it tells that the client was stopped, which ends all pauses.

use super::Shared;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

/// The bit of a client that was stopped.
const STOPPED: usize = 1 << (usize::BITS - 1);

impl Shared {
    /// Returns true during a pause.
    #[inline]
    pub(crate) fn is_paused(&self) -> bool {
        (1..STOPPED).contains(&self.pauses.load(Ordering::Acquire))
    }

    /// Begins a pause, which lasts until each pause has ended.
    pub(crate) fn begin_pause(&self) {
        self.pauses.fetch_add(1, Ordering::AcqRel);
    }

    /// Ends a pause. After the last one the driver and the consumers of streams are woken.
    pub(crate) fn end_pause(&self) {
        if self.pauses.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.wake_paused();
        }
    }

    /// Ends all pauses, also those that begin later, because the client was stopped.
    pub(crate) fn end_pauses(&self) {
        if self.pauses.fetch_or(STOPPED, Ordering::AcqRel) != 0 {
            self.wake_paused();
        }
    }

    fn wake_paused(&self) {
        // Whoever has registered under the lock before has seen the pause.
        let mut state = self.lock();
        let wakers: Vec<_> = state.inboxes.iter_mut().filter_map(|(_, inbox)| inbox.take_waker()).collect();
        self.wake(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Waits for the end of a pause, as the consumer of this inbox.
    #[cold]
    pub(crate) fn poll_pause(&self, cx: &Context<'_>, inbox: usize) -> Poll<()> {
        let mut waker = Some(cx.waker().clone());
        let mut state = self.lock();
        if !self.is_paused() {
            return Poll::Ready(());
        }
        if let Some(inbox) = state.inboxes.get_mut(inbox) {
            inbox.register(&mut waker);
        }
        drop(state);
        // The former waker is dropped outside the lock.
        drop(waker);
        Poll::Pending
    }

    /// Returns the bytes of items that were received on this connection and not taken.
    pub(crate) fn untaken_bytes(&self) -> usize {
        let mut state = self.lock();
        let held = state.core.held_bytes();
        // Those of lost connections are taken at some time.
        state.untaken_before = state.untaken_before.min(held);
        held - state.untaken_before
    }
}
