//! Calls and events that wait for a connection.

use super::Shared;
use super::phase::Phase;
use super::state::State;
use super::unsent::{EventSender, Waiting, WaitingEvent};
use crate::engine::flushes::{Flushed, Flushes};
use crate::engine::on_full::UnsentEvent;
use crate::engine::slot::OfflineWait;
use crate::error::SendError;
use crate::proto::{EncodedCall, Side};
use std::sync::MutexGuard;
use tokio::sync::oneshot;

impl Shared {
    /// Returns the number of calls and events of which one more may wait for the connection, or `None` if there is one.
    /// A message on an anonymous channel never waits, because the channel is closed.
    pub(super) fn max_waiting(&self, state: &State, offline: OfflineWait, on_channel: bool) -> Option<usize> {
        let limits = &self.endpoint.limits;
        let may_wait = self.may_wait_offline(state, offline);
        let waits_for_next = state.continuity.peer_drains && may_wait && !on_channel;
        match state.phase {
            Phase::Opening | Phase::Open if state.core.is_open() && !waits_for_next => None,
            Phase::Stopped => Some(0),
            _ if on_channel || !may_wait => Some(0),
            _ if offline == OfflineWait::No || offline == OfflineWait::First => Some(limits.max_calls_before_open),
            // They were in flight before the loss, where they had a limit.
            _ if offline.is_unlimited() => Some(usize::MAX),
            _ => Some(limits.max_queued_calls),
        }
    }

    fn may_wait_offline(&self, state: &State, offline: OfflineWait) -> bool {
        match offline {
            OfflineWait::No | OfflineWait::First => state.phase == Phase::Unconnected,
            // A server's connection has no next one.
            OfflineWait::Until(_) => self.endpoint.side == Side::Client,
            OfflineWait::Unlimited { .. } => state.continuity.reconnects,
        }
    }

    /// Records that the peer has rejected a call because it drains. Returns true if a call that waits in this way is sent
    /// on the next connection.
    pub(crate) fn waits_after_drain(&self, offline: OfflineWait) -> bool {
        let mut state = self.lock();
        if state.is_online() {
            state.continuity.peer_drains = true;
        }
        self.may_wait_offline(&state, offline)
    }

    /// Returns true if a message of this length may join those that wait, of which there may be `max_waiting`.
    pub(super) fn may_wait(&self, state: &State, max_waiting: usize, len: usize) -> bool {
        let bytes = state.waiting_bytes();
        max_waiting == usize::MAX
            || (state.waiting() < max_waiting
                && (bytes == 0 || bytes.saturating_add(len) <= self.endpoint.limits.max_outbound_bytes))
    }

    /// Queues an event, or lets it wait for the connection. Returns its ticket, and the wait until it was written.
    pub(crate) fn queue_event(
        &self,
        event: EncodedCall,
        offline: OfflineWait,
        hook: Option<u64>,
    ) -> Result<(u64, Flushed), SendError> {
        self.check_size(&event, 1, || event.len() + 1)?;
        let (written, flushed) = Flushes::new_wait();
        let ticket = self.hold_event(self.lock(), event, Some(written), offline, hook)?;
        Ok((ticket, flushed))
    }

    /// Lets an event wait until the driver sends it. Returns its ticket.
    pub(super) fn hold_event(
        &self,
        mut state: MutexGuard<'_, State>,
        event: EncodedCall,
        written: Option<oneshot::Sender<()>>,
        offline: OfflineWait,
        hook: Option<u64>,
    ) -> Result<u64, SendError> {
        let max = match self.max_waiting(&state, offline, event.channel().is_some()) {
            Some(0) => return Err(SendError::Closed(state.closed_result())),
            Some(max) => max,
            None => usize::MAX,
        };
        let urgent = state.is_opened_by(hook);
        if !self.may_wait(&state, max, event.len()) {
            drop(state);
            return Err(SendError::Full);
        }
        let offline = state.first_wait(offline);
        let sender = written.map_or(EventSender::Gone, EventSender::UntilWritten);
        let event = WaitingEvent { event: UnsentEvent::Owned(event), sender, urgent, offline };
        let ticket = state.add_waiting(Waiting::Event(event));
        self.wake(state);
        Ok(ticket)
    }
}
