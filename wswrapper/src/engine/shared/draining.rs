//! The drain of a connection: nothing new starts, and the connection closes when nothing runs any more.

use super::Shared;
use super::state::State;
use crate::engine::epoch::Epoch;
use crate::engine::id::Counters;
use crate::engine::totals::Drops;
use crate::proto::Outgoing;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The treatment of new requests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Serving,
    /// The server drains: requests are rejected, and the connection closes when nothing runs.
    Draining,
}

impl State {
    /// Returns true if nothing runs that the driver does not know, and nothing is queued.
    pub(super) fn is_idle(&self) -> bool {
        self.runs_nothing() && self.core.is_drained() && self.flushes.is_none() && self.waiting() == 0
    }

    /// Returns true if there are no calls to the peer, no streams and no uploads.
    fn runs_nothing(&self) -> bool {
        self.core.pending_calls() == 0
            && self.core.open_streams() == 0
            && self.capacity_queue.as_ref().is_none_or(|queue| queue.calls() == 0)
    }
}

impl Shared {
    /// Queues an event, if there is one, and lets the driver reject all requests that arrive later. The driver closes
    /// the connection as soon as nothing runs on it. Returns the epoch.
    ///
    /// The event is queued even if the queue is full, because it is sent once.
    pub(crate) fn begin_drain(&self, event: Option<&Arc<[u8]>>) -> Arc<Epoch> {
        let mut state = self.lock();
        let epoch = Arc::clone(&state.epoch);
        if let Some(event) = event {
            // Fails only if the connection is closed.
            let _ = state.core.emit_frame(Outgoing::Shared(Arc::clone(event)));
        }
        // Before the flag: the driver writes queued frames before the first rejection.
        self.count_queued(&state);
        self.draining.store(true, Ordering::Release);
        self.wake(state);
        epoch
    }

    /// Returns the treatment of new requests.
    #[inline]
    pub(crate) fn mode(&self) -> Mode {
        if self.draining.load(Ordering::Acquire) { Mode::Draining } else { Mode::Serving }
    }

    /// Returns true if there are no calls to the peer, no streams and no uploads.
    pub(crate) fn runs_nothing(&self) -> bool {
        self.lock().runs_nothing()
    }

    /// Counts an event of the peer that was dropped.
    pub(crate) fn count_dropped_event(&self) {
        let mut state = self.lock();
        state.drops.events = state.drops.events.saturating_add(1);
    }

    /// Returns the counters of the connection, and what it has lost.
    pub(crate) fn counters_and_drops(&self) -> (Counters, Drops) {
        let state = self.lock();
        (self.counters_of(&state), state.drops)
    }
}
