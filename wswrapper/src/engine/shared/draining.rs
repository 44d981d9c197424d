//! The drain of a connection: nothing new starts, and the connection closes when nothing runs any more.
//!
//! A connection drains together with its server, or by itself: because of its age, or because a handle has asked for that.

use super::state::State;
use super::{LocalEndpoint, Shared};
use crate::close::CloseRequest;
use crate::engine::epoch::Epoch;
use crate::engine::id::Counters;
use crate::engine::totals::Drops;
use crate::proto::{Outgoing, Side};
use crate::rt::{Instant, MAX_WAIT, after};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::SetOnce;

/// The treatment of new requests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Serving,
    /// The server or the connection drains: requests are rejected, and the connection closes when nothing runs.
    Draining,
}

impl LocalEndpoint {
    /// Returns the time at which a connection that opens now begins to drain, if its age is limited.
    pub(super) fn retirement(&self, now: Instant) -> Option<Instant> {
        let age = self.limits.max_connection_age.filter(|_| self.side == Side::Server)?;
        Some(after(now, jittered(age)))
    }
}

/// Returns an age that differs by at most a tenth, so that connections of one time do not all end at one time.
fn jittered(age: Duration) -> Duration {
    age.min(MAX_WAIT).mul_f64(0.9 + fastrand::f64() / 5.0)
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

    /// Returns the close of a connection that drains and on which nothing runs.
    pub(super) fn close_when_drained(&self) -> CloseRequest {
        // The drain of a server has no deadline of its own here.
        if self.retires_at.is_some() { CloseRequest::Drained } else { CloseRequest::ServerCloses }
    }
}

impl Shared {
    /// Queues the drain event, if there is one, and lets the driver reject all requests that arrive later. The driver
    /// closes the connection as soon as nothing runs on it, or at the time `until`, if there is one. Returns the epoch.
    ///
    /// A connection that drains already keeps the earlier deadline.
    pub(crate) fn begin_drain(&self, until: Option<Instant>) -> Arc<Epoch> {
        let mut state = self.lock();
        let epoch = Arc::clone(&state.epoch);
        self.start_drain(&mut state, until);
        let notice = self.take_drain_notice(&mut state);
        self.wake(state);
        notify_of_drain(notice);
        epoch
    }

    fn start_drain(&self, state: &mut State, until: Option<Instant>) {
        if self.mode() == Mode::Draining {
            state.retires_at = state.retires_at.into_iter().chain(until).min();
            return;
        }
        if let Some(event) = &self.endpoint.drain_event {
            // It is queued even if the queue is full, because it is sent once. It fails only if the connection is closed.
            let _ = state.core.emit_frame(Outgoing::Shared(Arc::clone(event)));
        }
        // Before the flag: the driver writes queued frames before the first rejection.
        self.count_queued(state);
        self.draining.store(true, Ordering::Release);
        state.retires_at = until;
    }

    /// Begins the drain of a connection that has reached its age. Returns the close of a connection whose own drain has
    /// reached its deadline.
    pub(super) fn check_age(&self, state: &mut State, now: Instant) -> Option<CloseRequest> {
        state.retires_at.take_if(|at| *at <= now)?;
        if state.close.is_some() || !state.core.is_open() {
            return None;
        }
        if self.mode() == Mode::Draining {
            return Some(CloseRequest::Drained);
        }
        self.start_drain(state, Some(after(now, self.endpoint.limits.connection_drain_timeout)));
        None
    }

    /// Returns the notice of those who wait for the drain, if it has begun. They are notified outside the lock.
    pub(super) fn take_drain_notice(&self, state: &mut State) -> Option<Arc<SetOnce<()>>> {
        state.drain_notice.take_if(|_| self.mode() == Mode::Draining)
    }

    /// Waits until the connection drains, or its server drains or closes. Cancel-safe.
    pub(crate) async fn draining(&self) {
        let notice = {
            let mut state = self.lock();
            if self.mode() == Mode::Draining {
                return;
            }
            Arc::clone(state.drain_notice.get_or_insert_default())
        };
        let (mut connection, mut server) = (pin!(notice.wait()), pin!(self.endpoint.drain_began.wait()));
        poll_fn(|cx| {
            let has_begun = connection.as_mut().poll(cx).is_ready() || server.as_mut().poll(cx).is_ready();
            if has_begun { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
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

/// Wakes those who wait for a drain. Called outside the lock.
pub(super) fn notify_of_drain(notice: Option<Arc<SetOnce<()>>>) {
    if let Some(notice) = notice {
        let _ = notice.set(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_differ_by_at_most_a_tenth_and_fill_that_range() {
        let age = Duration::from_secs(1_000);
        let ages: Vec<_> = (0..10_000).map(|_| jittered(age)).collect();
        let (least, most) = (ages.iter().min().expect("some"), ages.iter().max().expect("some"));
        assert!(*least >= age * 9 / 10 && *most <= age * 11 / 10, "{least:?} to {most:?}");
        assert!(*least < age * 91 / 100 && *most > age * 109 / 100, "{least:?} to {most:?}");
        assert!(jittered(Duration::MAX) > MAX_WAIT / 2);
        assert_eq!(jittered(Duration::ZERO), Duration::ZERO);
    }
}
