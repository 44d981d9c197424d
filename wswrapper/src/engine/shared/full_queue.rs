//! Events that do not wait for capacity by themselves: to many peers, or with a treatment for a full queue.

use super::Shared;
use super::phase::{FailedWaiting, Phase};
use super::state::State;
use super::unsent::{EventSender, Waiting, WaitingEvent};
use crate::engine::flushes::{Flushed, Flushes};
use crate::engine::on_full::{EventPolicy, LatestKey, UnsentEvent};
use crate::engine::slot::OfflineWait;
use crate::error::SendError;
use crate::rt::{Instant, after};
use std::sync::{Arc, MutexGuard};

/// The treatment that an event has got.
pub(crate) enum Emitted {
    Queued,
    /// It waits as the newest of its key.
    Latest,
    /// It is not sent, because the queue is full.
    LeftOut,
    /// There is no connection for it, or the `on_open` hook of a client runs. The event is given back.
    NotOpen(UnsentEvent),
}

impl Shared {
    /// Queues an event, or treats it as `policy` says if the queue has no capacity now.
    ///
    /// Without a policy the event is left out. One to many is left out as well if memory is short and the connection
    /// holds a part of it. `key` is the key of the event once it is known, so that it is found out once for many peers.
    pub(crate) fn emit_now(
        &self,
        event: UnsentEvent,
        policy: &EventPolicy,
        key: &mut Option<Arc<LatestKey>>,
        hook: Option<u64>,
    ) -> Result<Emitted, SendError> {
        if let UnsentEvent::Owned(event) = &event {
            self.check_size(event, 1, || event.len() + 1)?;
        }
        loop {
            let mut state = self.lock();
            let is_open = state.core.is_open() && state.phase != Phase::Closing;
            if let UnsentEvent::Owned(_) = event
                && !is_open
            {
                return Ok(Emitted::NotOpen(event));
            }
            if state.phase == Phase::Closing {
                return Err(SendError::Closed(state.closed_result()));
            }
            let from_hook = state.is_opened_by(hook);
            let mut sent = FailedWaiting::default();
            let uses_capacity = state.waiting() > 0 && !self.is_full(&state);
            if uses_capacity {
                // Events that were queued before go first. The driver wakes the senders, who keep their places.
                self.send_first(&mut state, &mut sent);
            }
            let is_short = matches!(event, UnsentEvent::Shared(_))
                && self.endpoint.budget.is_exhausted()
                && state.buffered_bytes() > 0;
            if !is_short && (!is_open || self.has_capacity(&state, None, from_hook)) {
                let channel = event.channel();
                let queued = state.emit(event).map_err(|error| state.send_error(error, channel));
                self.wake(state);
                sent.finish();
                return queued.map(|()| Emitted::Queued);
            }
            let result = match (policy, &*key) {
                (EventPolicy::Latest(by), None) => {
                    // Outside the lock, because the event is decoded.
                    self.wake(state);
                    sent.finish();
                    *key = Some(LatestKey::of(&event, by));
                    continue;
                }
                (EventPolicy::Latest(_), Some(key)) => Ok(self.hold_latest(state, event, key, from_hook)),
                (EventPolicy::Close, _) if state.phase == Phase::Open && !is_short => Err(self.close_full_queue(state)),
                // The hook takes a moment, so it is no reason to close.
                (EventPolicy::Close, _) if matches!(event, UnsentEvent::Owned(_)) => Ok(Emitted::NotOpen(event)),
                _ => {
                    state.drops.count_left_out();
                    self.wake(state);
                    Ok(Emitted::LeftOut)
                }
            };
            sent.finish();
            return result;
        }
    }

    /// Lets an event wait until there is capacity, in place of an earlier one of its key. It goes behind all that waits
    /// already, so the peer gets it after everything that was sent before it.
    fn hold_latest(
        &self,
        mut state: MutexGuard<'_, State>,
        event: UnsentEvent,
        key: &Arc<LatestKey>,
        urgent: bool,
    ) -> Emitted {
        let limits = &self.endpoint.limits;
        let earlier = state.capacity_queue.as_ref().and_then(|queue| queue.latest()?.ticket(key));
        let len = event.len() + key.len();
        let (mut others, mut bytes) = (state.latest_events(), state.latest_bytes());
        if let Some(earlier) = earlier {
            let earlier_len = state.capacity_queue.as_ref().map_or(0, |queue| queue.len_of(earlier));
            (others, bytes) = (others - 1, bytes - earlier_len - key.len());
        }
        // While memory is short, an event may replace another one.
        let is_short =
            earlier.is_none() && matches!(event, UnsentEvent::Shared(_)) && self.endpoint.budget.is_exhausted();
        let fits = others < limits.max_latest_events && (bytes == 0 || bytes + len <= limits.max_outbound_bytes);
        if is_short || !fits {
            state.drops.count_left_out();
            self.wake(state);
            return Emitted::LeftOut;
        }
        let replaced = earlier.zip(state.capacity_queue.as_mut()).and_then(|(earlier, queue)| queue.remove(earlier));
        if replaced.is_some() {
            state.drops.replaced = state.drops.replaced.saturating_add(1);
        }
        let sender = EventSender::Latest(Arc::clone(key));
        state.add_waiting(Waiting::Event(WaitingEvent { event, sender, urgent, offline: OfflineWait::No }));
        // The driver reports the bytes that the connection holds.
        self.wake(state);
        drop(replaced);
        Emitted::Latest
    }

    /// Queues an event that is sent to many peers, or lets it wait for capacity for at most the write timeout. Returns
    /// the wait and its ticket.
    pub(crate) fn emit_or_wait(&self, frame: &Arc<[u8]>) -> Result<Option<(u64, Flushed)>, SendError> {
        let event = UnsentEvent::Shared(Arc::clone(frame));
        let mut state = self.lock();
        if state.phase == Phase::Closing {
            return Err(SendError::Closed(state.closed_result()));
        }
        if !state.core.is_open() || self.has_capacity(&state, None, false) {
            let queued = state.emit(event).map_err(|error| state.send_error(error, None));
            self.wake(state);
            return queued.map(|()| None);
        }
        let (queued, wait) = Flushes::new_wait();
        let deadline = after(Instant::now(), self.endpoint.limits.write_timeout).into_std();
        let sender = EventSender::UntilQueued(queued, deadline);
        let event = WaitingEvent { event, sender, urgent: false, offline: OfflineWait::No };
        let ticket = state.add_waiting(Waiting::Event(event));
        // The driver keeps the deadline.
        self.wake(state);
        Ok(Some((ticket, wait)))
    }

    /// Returns the error of an event to many that has waited for capacity: the connection was closed, or it has waited
    /// for too long.
    pub(crate) fn unqueued_error(&self) -> SendError {
        let state = self.lock();
        if state.is_online() { SendError::Full } else { SendError::Closed(state.closed_result()) }
    }
}
