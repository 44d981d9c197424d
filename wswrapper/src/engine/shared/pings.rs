//! Pings of handles, and the pongs that answer them.

use super::Shared;
use super::state::State;
use crate::engine::epoch::Epoch;
use crate::engine::pings::{FinishedPings, Pinged, Pings};
use crate::error::SendError;
use crate::rt::Instant;
use std::sync::Arc;
use std::time::Duration;

impl Shared {
    /// Pings the peer, and waits for the pong. Returns the time between them. Cancel-safe.
    pub(crate) async fn ping(&self) -> Result<Duration, SendError> {
        let (pinged, epoch) = self.request_ping()?;
        match pinged.await {
            Ok(Some(round_trip)) => Ok(round_trip),
            Ok(None) => Err(SendError::NoPings),
            Err(_) => Err(SendError::Closed(self.result_of(&epoch))),
        }
    }

    fn request_ping(&self) -> Result<(Pinged, Arc<Epoch>), SendError> {
        let mut state = self.lock();
        if !state.is_online() {
            return Err(SendError::Closed(state.closed_result()));
        }
        let (pinged, dropped) = state.pings.get_or_insert_default().request(self.endpoint.limits.max_calls_in_flight);
        let epoch = Arc::clone(&state.epoch);
        if pinged.is_some() {
            self.wake(state);
        } else {
            drop(state);
        }
        drop(dropped);
        pinged.map(|pinged| (pinged, epoch)).ok_or(SendError::TooManyCalls)
    }

    /// Records the ping that was sent for the handles that have requested one.
    pub(crate) fn ping_sent(&self, number: u64, now: Instant) {
        let mut state = self.lock();
        if let Some(pings) = &mut state.pings {
            pings.sent(number, now);
        }
        self.count_queued(&state);
    }

    /// Notifies the handles whose pings a pong answers: all up to `number`.
    pub(crate) fn pong_received(&self, number: u64, now: Instant) {
        self.finish_pings(|pings| pings.answered(number, now));
    }

    /// Fails all pings, because the transport cannot send them.
    pub(crate) fn fail_pings(&self) {
        self.finish_pings(Pings::take_all);
    }

    fn finish_pings(&self, take: impl FnOnce(&mut Pings) -> FinishedPings) {
        let mut state = self.lock();
        let Some(pings) = &mut state.pings else { return };
        let finished = take(pings);
        if pings.is_empty() {
            state.pings = None;
        }
        self.count_queued(&state);
        drop(state);
        finished.notify();
    }
}

impl State {
    /// Returns true if handles wait for a flush or a ping that has not begun.
    pub(super) fn has_requests(&self) -> bool {
        self.flushes.is_some() || self.pings.as_ref().is_some_and(|pings| pings.is_requested())
    }
}
