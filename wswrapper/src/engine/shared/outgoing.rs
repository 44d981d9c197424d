//! Local calls and events: sending, waiting and cancelling.

use super::Shared;
use super::capacity::CapacityQueue;
use super::channels::ChannelBinding;
use super::phase::Phase;
use super::state::{Finished, State};
use super::unsent::{Waiting, WaitingCall};
use crate::close::Closed;
use crate::engine::channel_state::{ChannelState, channel_closed_reason};
use crate::engine::epoch::Epoch;
use crate::engine::flushes::{Flushed, Flushes};
use crate::engine::slot::{
    CallOptions, CallProgress, CallSlot, Completion, Expected, OfflineWait, Priority, StartedCall,
};
use crate::error::{SendError, TooLarge};
use crate::json_size::json_size;
use crate::proto::{ChannelKey, EncodedCall, QueueError, Reason};
use crate::rt::Instant;
use std::borrow::Cow;
use std::sync::{Arc, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// More than the bytes that a message has beyond its encoded call or its reason.
const MAX_OVERHEAD: usize = 96;

/// The longest end of an event on an anonymous channel.
const LONGEST_CHANNEL_END: &str = r#","h":9007199254740991}"#;

impl Shared {
    /// Sends a request, or lets it wait until the queue has capacity. The driver then sends it.
    ///
    /// A call that is too large fails at once. So does any call while too many are pending, unless it may wait for
    /// them, and a call without a connection, unless it may wait for that.
    pub(crate) fn start_call(
        &self,
        waker: &Waker,
        call: EncodedCall,
        expected: &Expected,
        options: CallOptions,
    ) -> Result<StartedCall, SendError> {
        let CallOptions { timeout, sends_timeout, waits_for_capacity, priority, offline } = options;
        let hook = if let Priority::OpenHook(epoch) = priority { Some(epoch) } else { None };
        let limit = self.endpoint.limits.max_calls_in_flight;
        let deadline = timeout.and_then(deadline);
        let waker = waker.clone();
        let expected_channel = expected.channel();
        let caller_timeout = timeout.filter(|_| sends_timeout);
        let mut state = self.lock();
        self.check_size(&call, MAX_OVERHEAD + call.meta_bytes(), || {
            state.core.request_size(&call, caller_timeout, expected_channel.as_ref())
        })?;
        let from_hook = state.is_opened_by(hook);
        let urgent = priority == Priority::Upload || from_hook;
        let waiting = state.capacity_queue.as_ref().map_or(0, |queue| queue.calls());
        let pending = state.core.pending_calls() + if urgent { 0 } else { waiting };
        if pending >= limit && !waits_for_capacity {
            drop(state);
            return Err(SendError::TooManyCalls);
        }
        let max_waiting = match self.max_waiting(&state, offline, call.channel().is_some()) {
            None if pending >= limit
                || (waiting > 0 && !state.continuity.peer_drains)
                || !self.has_capacity(&state, None, from_hook) =>
            {
                usize::MAX
            }
            None => 0,
            Some(0) => return Err(SendError::Closed(state.closed_result())),
            Some(max) => max,
        };
        if max_waiting > 0 {
            if !self.may_wait(&state, max_waiting, call.len()) {
                drop(state);
                return Err(SendError::Full);
            }
            let slot = state.calls.vacant_key();
            // A timeout that begins when the call is sent.
            let deadline = deadline.filter(|_| !matches!(offline, OfflineWait::Unlimited { timeout: Some(_) }));
            let offline = state.first_wait(offline);
            let call = WaitingCall { call, slot, expected_channel, deadline, sends_timeout, urgent, offline };
            let ticket = state.add_waiting(Waiting::Call(call));
            state.calls.insert(CallSlot::Waiting(CallProgress::Queued(ticket), Some(waker)));
            // The driver, or the task of the client, keeps its deadline.
            self.wake(state);
            return Ok(StartedCall { slot, sent: false });
        }
        let channel = call.channel();
        let State { core, calls, .. } = &mut *state;
        let entry = calls.vacant_entry();
        let slot = entry.key();
        match core.request(call, slot, deadline, caller_timeout, expected_channel) {
            Ok(id) => {
                entry.insert(CallSlot::Waiting(CallProgress::Sent(id), Some(waker)));
                self.wake(state);
                Ok(StartedCall { slot, sent: true })
            }
            Err(error) => {
                let error = state.send_error(error, channel);
                drop(state);
                Err(error)
            }
        }
    }

    /// Lets a sent call time out after `timeout` from now, or never. Returns false if the call still waits for
    /// capacity.
    pub(crate) fn set_timeout(&self, call: &StartedCall, timeout: Option<Duration>) -> bool {
        let deadline = timeout.and_then(deadline);
        let mut state = self.lock();
        match state.calls.get(call.slot) {
            Some(CallSlot::Waiting(CallProgress::Queued(_), _)) => return false,
            Some(CallSlot::Waiting(CallProgress::Sent(id), _)) => {
                let id = *id;
                state.core.set_deadline(id, deadline);
            }
            _ => {}
        }
        if timeout.is_some() {
            self.wake(state);
        }
        true
    }

    /// Returns true if a started call does not wait for capacity.
    pub(crate) fn is_sent(&self, call: &mut StartedCall) -> bool {
        if !call.sent {
            let state = self.lock();
            call.sent = !matches!(state.calls.get(call.slot), Some(CallSlot::Waiting(CallProgress::Queued(_), _)));
        }
        call.sent
    }

    /// Takes the result of a started call, or waits for it.
    pub(crate) fn poll_call(&self, cx: &mut Context<'_>, call: &StartedCall) -> Poll<Completion> {
        let mut new_waker = None;
        loop {
            let mut state = self.lock();
            if let Some(CallSlot::Waiting(_, waker)) = state.calls.get_mut(call.slot) {
                if waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                    return Poll::Pending;
                }
                if new_waker.is_some() {
                    std::mem::swap(waker, &mut new_waker);
                    // The former waker is dropped outside the lock.
                    drop(state);
                    return Poll::Pending;
                }
                drop(state);
                new_waker = Some(cx.waker().clone());
                continue;
            }
            let slot = state.calls.try_remove(call.slot);
            drop(state);
            return Poll::Ready(match slot {
                Some(CallSlot::Completed(completion)) => completion,
                // Unreachable: only the caller frees its slot.
                _ => Completion::ChannelClosed(channel_closed_reason()),
            });
        }
    }

    /// Runs `send` once a frame can be queued. A sender that waits has a `ticket`, by which it keeps its place.
    /// `hook` is the epoch whose `on_open` hook sends.
    fn poll_with_capacity<R>(
        &self,
        cx: &mut Context<'_>,
        ticket: &mut Option<u64>,
        hook: Option<u64>,
        send: impl FnOnce(MutexGuard<'_, State>) -> R,
    ) -> Poll<R> {
        let mut waker = None;
        loop {
            let mut state = self.lock();
            let from_hook = state.is_opened_by(hook);
            let is_urgent = ticket.is_some_and(CapacityQueue::is_urgent_ticket);
            if is_urgent && !from_hook && state.phase == Phase::Opening {
                // It belongs to the hook of an earlier epoch, and would wait before the present one.
                let queue = state.capacity_queue.as_mut();
                let old_waker = ticket.take().zip(queue).and_then(|(ticket, queue)| queue.remove_sender(ticket));
                drop(state);
                drop(old_waker);
                continue;
            }
            // Without a connection `send` fails.
            if !state.core.is_open() || self.has_capacity(&state, *ticket, from_hook) {
                let woken = ticket.take().zip(state.capacity_queue.as_mut());
                let old_waker = woken.and_then(|(ticket, queue)| queue.remove_sender(ticket));
                let result = send(state);
                drop(old_waker);
                return Poll::Ready(result);
            }
            if state.capacity_queue.as_ref().is_some_and(|queue| queue.is_registered(*ticket, cx.waker())) {
                return Poll::Pending;
            }
            if let Some(waker) = waker.take() {
                let old_waker = state.capacity_queue.get_or_insert_default().register(ticket, from_hook, waker);
                drop(state);
                drop(old_waker);
                return Poll::Pending;
            }
            drop(state);
            waker = Some(cx.waker().clone());
        }
    }

    /// Waits until a frame can be queued.
    pub(crate) fn poll_capacity(&self, cx: &mut Context<'_>, ticket: &mut Option<u64>, hook: Option<u64>) -> Poll<()> {
        self.poll_with_capacity(cx, ticket, hook, |_| ())
    }

    /// Removes a sender, or an event that waits for the connection.
    pub(crate) fn stop_waiting(&self, ticket: Option<u64>) {
        if let Some(ticket) = ticket {
            let mut state = self.lock();
            let queue = state.capacity_queue.as_mut();
            let removed = queue.map(|queue| (queue.remove_sender(ticket), queue.remove(ticket)));
            drop(state);
            drop(removed);
        }
    }

    /// Queues an event as soon as the queue has capacity. `event` is taken when it is queued.
    ///
    /// An event of a client that was not connected yet is queued for the first connection [P-90].
    pub(crate) fn poll_emit(
        &self,
        cx: &mut Context<'_>,
        ticket: &mut Option<u64>,
        event: &mut Option<EncodedCall>,
        hook: Option<u64>,
    ) -> Poll<Result<(), SendError>> {
        if let Some(event) = event {
            self.check_size(event, 1, || event.len() + 1)?;
        }
        self.check_not_closing()?;
        self.poll_with_capacity(cx, ticket, hook, |mut state| {
            // Polled after it was ready.
            let Some(event) = event.take() else { return Err(SendError::polled_again()) };
            if state.phase == Phase::Unconnected {
                return self.hold_event(state, event, None, OfflineWait::No, hook).map(drop);
            }
            let channel = event.channel();
            let sent = state.core.emit(event).map_err(|error| state.send_error(error, channel));
            self.wake(state);
            sent
        })
    }

    /// Fails while this endpoint closes the connection.
    fn check_not_closing(&self) -> Result<(), SendError> {
        let state = self.lock();
        if state.phase == Phase::Closing { Err(SendError::Closed(state.closed_result())) } else { Ok(()) }
    }

    /// Returns the error of an event that was not written: its channel was closed, or its connection.
    pub(crate) fn unwritten_error(&self, channel: Option<ChannelKey>) -> SendError {
        let state = self.lock();
        match channel {
            Some(_) if state.is_online() => state.send_error(QueueError::ChannelClosed, channel),
            _ => SendError::Closed(state.closed_result()),
        }
    }

    /// Keeps an event until its channel is opened. Returns the event if the channel is open.
    pub(crate) fn hold_early_event(
        &self,
        channel_state: &ChannelState,
        event: EncodedCall,
    ) -> Result<Option<EncodedCall>, SendError> {
        TooLarge::check(event.len() + LONGEST_CHANNEL_END.len(), self.endpoint.limits.max_outgoing_message_size)?;
        channel_state.hold_early_event(self, event)
    }

    /// Counts the bytes of an event that waits for its channel. Fails if too many wait on the connection.
    ///
    /// They do not count towards the capacity of the queue, because a handler that waits for capacity would wait for
    /// its own events.
    pub(crate) fn reserve_early_bytes(&self, bytes: usize) -> Result<(), SendError> {
        let mut state = self.lock();
        if state.early_bytes.saturating_add(bytes) > self.endpoint.limits.max_outbound_bytes {
            return Err(SendError::Full);
        }
        state.early_bytes += bytes;
        Ok(())
    }

    /// Forgets events that have waited for a channel.
    pub(crate) fn release_early_bytes(&self, bytes: usize) {
        self.lock().early_bytes -= bytes;
    }

    /// Queues events that have waited for a channel, and have these bytes.
    pub(crate) fn queue_early_events(&self, events: impl Iterator<Item = EncodedCall>, bytes: usize) {
        let mut state = self.lock();
        state.early_bytes -= bytes;
        for event in events {
            // It fails only if the connection or the channel is closed, and then nobody waits for the event.
            let _ = state.core.emit(event);
        }
        self.wake(state);
    }

    /// Fails if the message of a call is too large. `size` is asked only for a call that is `max_overhead` bytes below
    /// the limit or larger.
    pub(super) fn check_size(
        &self,
        call: &EncodedCall,
        max_overhead: usize,
        size: impl FnOnce() -> usize,
    ) -> Result<(), SendError> {
        let limit = self.endpoint.limits.max_outgoing_message_size;
        if call.len() + max_overhead > limit { Ok(TooLarge::check(size(), limit)?) } else { Ok(()) }
    }

    /// Returns the reason of a cancellation or an abort. One that is too large is replaced by one that says so.
    pub(super) fn fitting_reason<'r>(&self, reason: Option<&'r Reason>) -> Option<Cow<'r, Reason>> {
        let limit = self.endpoint.limits.max_outgoing_message_size;
        reason.map(|reason| match TooLarge::check(json_size(reason).saturating_add(MAX_OVERHEAD), limit) {
            Ok(()) => Cow::Borrowed(reason),
            Err(too_large) => Cow::Owned(too_large.rejection()),
        })
    }

    /// Waits until everything that is queued when it is first polled was written. Cancel-safe.
    /// One of the `on_open` hook does not wait for what others have queued.
    pub(crate) async fn flush(&self, hook: Option<u64>) -> Result<(), SendError> {
        let (flushed, epoch) = self.start_flush(hook)?;
        if flushed.wait().await { Ok(()) } else { Err(SendError::Closed(self.result_of(&epoch))) }
    }

    /// Returns how an epoch was closed, whose transport is gone.
    pub(super) fn result_of(&self, epoch: &Arc<Epoch>) -> Arc<Closed> {
        let state = self.lock();
        // Its `on_close` hook may still run.
        let is_present = Arc::ptr_eq(&state.epoch, epoch);
        epoch.result().filter(|_| !is_present).unwrap_or_else(|| state.closed_result())
    }

    fn start_flush(&self, hook: Option<u64>) -> Result<(Flushed, Arc<Epoch>), SendError> {
        let (written, flushed) = Flushes::new_wait();
        let mut state = self.lock();
        if !state.core.is_open() {
            return Err(SendError::Closed(state.closed_result()));
        }
        let from_hook = state.is_opened_by(hook);
        let dropped = if state.phase != Phase::Closing && state.has_waiting(from_hook) {
            state.add_waiting_flush(written, from_hook)
        } else {
            state.flushes.get_or_insert_default().push(written)
        };
        let epoch = Arc::clone(&state.epoch);
        self.wake(state);
        drop(dropped);
        Ok((flushed, epoch))
    }

    /// Cancels a started call, and frees its slot. If it has opened a channel already, the channel is aborted.
    pub(crate) fn cancel_call(self: &Arc<Self>, call: &StartedCall, reason: Option<&Reason>) {
        let fitting = self.fitting_reason(reason);
        let reason = fitting.as_deref();
        let mut state = self.lock();
        let slot = state.calls.try_remove(call.slot);
        let mut unsent = None;
        let cancelled = match &slot {
            Some(CallSlot::Waiting(CallProgress::Sent(id), _)) => state.core.cancel(*id, reason).is_some(),
            Some(CallSlot::Waiting(CallProgress::Queued(ticket), _)) => {
                unsent = state.capacity_queue.as_mut().and_then(|queue| queue.remove(*ticket));
                // Others may have waited behind it.
                true
            }
            _ => false,
        };
        let opened = match &slot {
            Some(CallSlot::Completed(Completion::Opened { channel, inbox })) => {
                // The channel was opened and will not be used.
                let inbox = inbox.and_then(|inbox| state.remove_inbox(inbox, 0));
                Some((state.abort_channel(*channel, reason), inbox))
            }
            _ => None,
        };
        // Calls that were pending on the channel.
        let Finished { wakers, .. } = state.take_notifications(|| reason.cloned().unwrap_or_else(Reason::aborted));
        state.report_freed();
        if cancelled || opened.is_some() {
            self.wake(state);
        } else {
            drop(state);
        }
        if let Some((Some(ChannelBinding::State(channel_state)), _)) = &opened {
            channel_state.close(self, reason.cloned().unwrap_or_else(Reason::aborted));
        }
        drop((slot, opened, unsent));
        wakers.into_iter().for_each(Waker::wake);
        self.endpoint.budget.wake_waiting();
    }
}

/// Returns the time after `timeout`, or `None` if the clock cannot express it.
fn deadline(timeout: Duration) -> Option<std::time::Instant> {
    Instant::now().checked_add(timeout).map(Instant::into_std)
}
