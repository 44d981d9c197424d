//! Calls and events of ours on their way out.

use super::Link;
use super::channels::ChannelEnd;
use super::state::Ends;
use crate::engine::slot::{CallSlot, End, Expected, Waiting};
use crate::error::SendError;
use crate::proto::{self, EncodedCall, Outgoing, Reason};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::Instant;

impl Link {
    /// Sends a request as soon as there is room.
    pub(crate) fn poll_request(
        &self,
        cx: &mut Context<'_>,
        call: &mut Option<EncodedCall>,
        expected: &Expected,
        timeout: Option<Duration>,
        tell: bool,
    ) -> Poll<Result<Waiting, SendError>> {
        let mut state = self.lock();
        if state.core.pending_calls() >= self.end.limits.calls_in_flight {
            return Poll::Ready(Err(SendError::TooManyCalls));
        }
        if !self.has_room(&state) {
            state.wait_for_room(cx.waker());
            return Poll::Pending;
        }
        // Polled after its end.
        let Some(call) = call.take() else { return Poll::Ready(Err(SendError::Closed)) };
        let deadline = timeout.and_then(deadline);
        let slot = state.calls.insert(CallSlot::Waiting(cx.waker().clone()));
        match state.core.request(call, slot, deadline, timeout.filter(|_| tell), expected.opens()) {
            Ok(id) => {
                self.wake(state);
                Poll::Ready(Ok(Waiting { slot, id }))
            }
            Err(refused) => {
                let unused = state.calls.remove(slot);
                drop(state);
                drop(unused);
                Poll::Ready(Err(refused.into()))
            }
        }
    }

    /// Gives a call that was sent so long from now on, or all the time there is.
    pub(crate) fn set_timeout(&self, call: &Waiting, timeout: Option<Duration>) {
        let mut state = self.lock();
        state.core.set_deadline(call.id, timeout.and_then(deadline));
        if timeout.is_some() {
            self.wake(state);
        }
    }

    /// The end of a call that was sent, once it has come.
    pub(crate) fn poll_call(&self, cx: &mut Context<'_>, call: &Waiting) -> Poll<End> {
        let mut state = self.lock();
        let old = match state.calls.get_mut(call.slot) {
            Some(CallSlot::Waiting(waker)) if waker.will_wake(cx.waker()) => return Poll::Pending,
            Some(CallSlot::Waiting(waker)) => Some(std::mem::replace(waker, cx.waker().clone())),
            _ => None,
        };
        if old.is_some() {
            drop(state);
            return Poll::Pending;
        }
        let slot = state.calls.try_remove(call.slot);
        drop(state);
        match slot {
            Some(CallSlot::Ended(end)) => Poll::Ready(end),
            _ => Poll::Ready(End::Without(proto::CallFailure::Closed)),
        }
    }

    /// Sends an event as soon as there is room.
    pub(crate) fn poll_event(
        &self,
        cx: &mut Context<'_>,
        event: &mut Option<EncodedCall>,
    ) -> Poll<Result<(), SendError>> {
        let mut state = self.lock();
        if !self.has_room(&state) {
            state.wait_for_room(cx.waker());
            return Poll::Pending;
        }
        // Polled after its end.
        let Some(event) = event.take() else { return Poll::Ready(Err(SendError::Closed)) };
        let sent = state.core.emit(event);
        self.wake(state);
        Poll::Ready(sent.map_err(SendError::from))
    }

    /// Sends an event that many peers get, if there is room for it now.
    pub(crate) fn try_event(&self, frame: &Arc<[u8]>) -> Result<(), SendError> {
        let mut state = self.lock();
        if !self.has_room(&state) {
            return Err(SendError::Full);
        }
        state.core.emit_frame(Outgoing::Shared(Arc::clone(frame)))?;
        self.wake(state);
        Ok(())
    }

    /// Nobody waits any more for this call.
    pub(crate) fn forget(self: &Arc<Self>, call: &Waiting, reason: Option<&Reason>) {
        let mut state = self.lock();
        let cancelled = state.core.cancel(call.id, reason).is_some();
        let slot = state.calls.try_remove(call.slot);
        let opened = match &slot {
            Some(CallSlot::Ended(End::Opened { channel, inbox })) => {
                // Nobody will use the channel that has come.
                let inbox = inbox.and_then(|inbox| state.remove_inbox(inbox, 0));
                Some((state.abort_channel(*channel, reason), inbox))
            }
            _ => None,
        };
        // Calls that were under way on the channel.
        let Ends { wakers, .. } = state.take_notifications();
        if cancelled || opened.is_some() {
            self.wake(state);
        } else {
            drop(state);
        }
        if let Some((Some(ChannelEnd::Scope(scope)), _)) = &opened {
            scope.end(self, reason.cloned().unwrap_or_else(Reason::aborted));
        }
        drop((slot, opened));
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// A time beyond the clock's end is no limit.
fn deadline(timeout: Duration) -> Option<std::time::Instant> {
    Instant::now().checked_add(timeout).map(Instant::into_std)
}
