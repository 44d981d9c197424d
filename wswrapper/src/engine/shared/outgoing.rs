//! Local calls and events: sending, waiting and cancelling.

use super::Shared;
use super::channels::ChannelBinding;
use super::state::Finished;
use crate::engine::slot::{CallSlot, Completion, Expected, SentCall};
use crate::error::{SendError, TooLarge};
use crate::proto::{self, EncodedCall, Outgoing, Reason};
use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::Instant;

/// More than the bytes that a message has beyond its encoded call or its reason.
const MAX_OVERHEAD: usize = 96;

impl Shared {
    /// Queues a request as soon as the queue has capacity.
    ///
    /// `call` is taken when it is queued. The call times out after `timeout`; if `send_timeout` is set, the peer
    /// receives it, too. Fails at once if too many calls are pending or the message is too large.
    pub(crate) fn poll_request(
        &self,
        cx: &mut Context<'_>,
        call: &mut Option<EncodedCall>,
        expected: &Expected,
        timeout: Option<Duration>,
        send_timeout: bool,
    ) -> Poll<Result<SentCall, SendError>> {
        let mut state = self.lock();
        if state.core.pending_calls() >= self.endpoint.limits.calls_in_flight {
            return Poll::Ready(Err(SendError::TooManyCalls));
        }
        let caller_timeout = timeout.filter(|_| send_timeout);
        if let Some(call) = call
            && let Err(error) = self.check_size(call, MAX_OVERHEAD, || state.core.request_size(call, caller_timeout))
        {
            return Poll::Ready(Err(error));
        }
        if !self.has_capacity(&state) {
            state.wait_for_capacity(cx.waker());
            return Poll::Pending;
        }
        // Polled after it was ready.
        let Some(call) = call.take() else { return Poll::Ready(Err(SendError::Closed)) };
        let deadline = timeout.and_then(deadline);
        let slot = state.calls.insert(CallSlot::Waiting(cx.waker().clone()));
        match state.core.request(call, slot, deadline, caller_timeout, expected.channel()) {
            Ok(id) => {
                self.wake(state);
                Poll::Ready(Ok(SentCall { slot, id }))
            }
            Err(error) => {
                let unused = state.calls.remove(slot);
                drop(state);
                drop(unused);
                Poll::Ready(Err(error.into()))
            }
        }
    }

    /// Lets a sent call time out after `timeout` from now, or never.
    pub(crate) fn set_timeout(&self, call: &SentCall, timeout: Option<Duration>) {
        let mut state = self.lock();
        state.core.set_deadline(call.id, timeout.and_then(deadline));
        if timeout.is_some() {
            self.wake(state);
        }
    }

    /// Takes the result of a sent call, or waits for it.
    pub(crate) fn poll_call(&self, cx: &mut Context<'_>, call: &SentCall) -> Poll<Completion> {
        let mut state = self.lock();
        let old_waker = match state.calls.get_mut(call.slot) {
            Some(CallSlot::Waiting(waker)) if waker.will_wake(cx.waker()) => return Poll::Pending,
            Some(CallSlot::Waiting(waker)) => Some(std::mem::replace(waker, cx.waker().clone())),
            _ => None,
        };
        if old_waker.is_some() {
            drop(state);
            return Poll::Pending;
        }
        let slot = state.calls.try_remove(call.slot);
        drop(state);
        match slot {
            Some(CallSlot::Completed(completion)) => Poll::Ready(completion),
            _ => Poll::Ready(Completion::Failed(proto::CallFailure::Closed)),
        }
    }

    /// Queues an event as soon as the queue has capacity. `event` is taken when it is queued.
    pub(crate) fn poll_emit(
        &self,
        cx: &mut Context<'_>,
        event: &mut Option<EncodedCall>,
    ) -> Poll<Result<(), SendError>> {
        if let Some(event) = event {
            self.check_size(event, 1, || event.len() + 1)?;
        }
        let mut state = self.lock();
        if !self.has_capacity(&state) {
            state.wait_for_capacity(cx.waker());
            return Poll::Pending;
        }
        // Polled after it was ready.
        let Some(event) = event.take() else { return Poll::Ready(Err(SendError::Closed)) };
        let sent = state.core.emit(event);
        self.wake(state);
        Poll::Ready(sent.map_err(SendError::from))
    }

    /// Fails if the message of a call is too large. `size` is asked only for a call that is `max_overhead` bytes below
    /// the limit or larger.
    fn check_size(
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

    /// Queues an event that is sent to many peers. Fails if the queue has no capacity now.
    pub(crate) fn try_emit(&self, frame: &Arc<[u8]>) -> Result<(), SendError> {
        let mut state = self.lock();
        if !self.has_capacity(&state) {
            return Err(SendError::Full);
        }
        state.core.emit_frame(Outgoing::Shared(Arc::clone(frame)))?;
        self.wake(state);
        Ok(())
    }

    /// Cancels a sent call, and frees its slot. If it has opened a channel already, the channel is aborted.
    pub(crate) fn cancel_call(self: &Arc<Self>, call: &SentCall, reason: Option<&Reason>) {
        let fitting = self.fitting_reason(reason);
        let reason = fitting.as_deref();
        let mut state = self.lock();
        let cancelled = state.core.cancel(call.id, reason).is_some();
        let slot = state.calls.try_remove(call.slot);
        let opened = match &slot {
            Some(CallSlot::Completed(Completion::Opened { channel, inbox })) => {
                // The channel was opened and will not be used.
                let inbox = inbox.and_then(|inbox| state.remove_inbox(inbox, 0));
                Some((state.abort_channel(*channel, reason), inbox))
            }
            _ => None,
        };
        // Calls that were pending on the channel.
        let Finished { wakers, .. } = state.take_notifications();
        if cancelled || opened.is_some() {
            self.wake(state);
        } else {
            drop(state);
        }
        if let Some((Some(ChannelBinding::State(channel_state)), _)) = &opened {
            channel_state.close(self, reason.cloned().unwrap_or_else(Reason::aborted));
        }
        drop((slot, opened));
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// Returns the length of a reason as JSON, in bytes.
fn json_size(reason: &Reason) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // Counting cannot fail, and a reason that cannot be encoded is not sent.
    let _ = serde_json::to_writer(&mut count, reason);
    count.0
}

/// Returns the time after `timeout`, or `None` if the clock cannot express it.
fn deadline(timeout: Duration) -> Option<std::time::Instant> {
    Instant::now().checked_add(timeout).map(Instant::into_std)
}
