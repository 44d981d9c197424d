//! Anonymous channels and the streams on them.

use super::Shared;
use super::incoming::Action;
use super::state::{Finished, State};
use crate::engine::channel_state::{ChannelState, channel_closed_reason};
use crate::engine::inbox::{Batch, Inbox, StreamFinish, Taken};
use crate::engine::slot::Completion;
use crate::engine::tasks::RunningKey;
use crate::error::SendError;
use crate::proto::{
    Allowance, AwaitedResult, ChannelKey, ITEM_OVERHEAD, Incoming, OpenChannelError, Outgoing, Reason, RequestId, Role,
};
use std::sync::{Arc, MutexGuard};
use std::task::{Context, Poll, Waker};

/// The local part of an anonymous channel. The core stores it and returns it with the messages of the channel.
#[derive(Clone)]
pub(crate) enum ChannelBinding {
    /// A stream whose items are left in this inbox. `None` until the channel is open.
    Inbox(Option<usize>),
    /// A stream whose items a handler sends.
    Handler,
    /// An upload whose items a local call sends. The call waits at this inbox. `None` until the channel is open.
    Upload(Option<usize>),
    /// A channel with handlers of its own.
    State(Arc<ChannelState>),
}

impl ChannelBinding {
    /// Returns the key of its inbox.
    fn inbox(&self) -> Option<usize> {
        match self {
            Self::Inbox(inbox) | Self::Upload(inbox) => *inbox,
            Self::Handler | Self::State(_) => None,
        }
    }
}

impl State {
    /// Leaves the result of a call in its slot.
    pub(super) fn finish_call(&mut self, slot: usize, completion: Completion) -> Action {
        self.complete_call(slot, completion).map_or(Action::Nothing, Action::Wake)
    }

    /// Creates the inbox of an open channel, if its binding needs one.
    pub(super) fn add_inbox(&mut self, channel: ChannelKey) -> Option<usize> {
        match self.core.channel_state(channel)? {
            ChannelBinding::Inbox(slot) | ChannelBinding::Upload(slot) => {
                let inbox = self.inboxes.insert(Inbox::default());
                *slot = Some(inbox);
                Some(inbox)
            }
            ChannelBinding::Handler | ChannelBinding::State(_) => None,
        }
    }

    /// Leaves the finish of a stream in its inbox. Returns the waker of the task that waits there.
    pub(super) fn finish_stream(
        &mut self,
        binding: &ChannelBinding,
        finish: impl FnOnce() -> StreamFinish,
    ) -> Option<Waker> {
        self.inboxes.get_mut(binding.inbox()?)?.finish(finish())
    }

    /// Handles a message on an anonymous channel.
    pub(super) fn handle_channel_message(
        &mut self,
        incoming: Incoming<'_, usize, RunningKey, ChannelBinding>,
    ) -> Action {
        let waker = match incoming {
            Incoming::Item(binding, item) => {
                let inbox = binding.inbox().and_then(|inbox| self.inboxes.get_mut(inbox));
                inbox.and_then(|inbox| inbox.add(&item))
            }
            Incoming::Overflow(binding, bound) => self.finish_stream(&binding, || StreamFinish::Overflow(bound)),
            Incoming::Resumed(_, Some(handler)) | Incoming::ResultAwaited(Some(handler), _) => {
                return Action::Resume(handler);
            }
            Incoming::Resumed(binding, None) => {
                let inbox = binding.inbox().and_then(|inbox| self.inboxes.get_mut(inbox));
                inbox.and_then(Inbox::take_waker)
            }
            Incoming::ChannelCall(ChannelBinding::State(channel_state), _) => return Action::Serve(channel_state),
            // The channel of a stream has no handlers.
            Incoming::ChannelCall(..) => return Action::Serve(ChannelState::without_handlers()),
            Incoming::ChannelAborted(key, ChannelBinding::State(channel_state), _, reason) => {
                let reason = reason.read();
                let Finished { wakers, .. } = self.take_notifications(|| reason.clone());
                return Action::CloseChannel(key, channel_state, reason, wakers);
            }
            Incoming::ChannelAborted(_, _, Some(handler), reason) => {
                return Action::Cancel(handler, reason.read(), None);
            }
            Incoming::ChannelAborted(key, binding, None, reason) => {
                let is_result_awaited = self.core.consumer(key).awaited_result() != AwaitedResult::Never;
                if !is_result_awaited
                    && binding.inbox().is_some()
                    && let Some(handler) = self.core.channel_handler(key)
                {
                    // The result of this upload will not be requested. Another task may wait for its items.
                    let waker = self.finish_stream(&binding, || StreamFinish::Aborted(reason.read()));
                    self.core.close_channel(key);
                    return Action::Cancel(handler, reason.read(), waker);
                }
                // The only calls on such a channel belong to an upload, and it looks at its inbox by itself.
                let Finished { mut wakers, .. } = self.take_notifications(|| reason.read());
                wakers.extend(self.finish_stream(&binding, || StreamFinish::Aborted(reason.read())));
                return Action::WakeAll(wakers);
            }
            _ => None,
        };
        waker.map_or(Action::Nothing, Action::Wake)
    }
}

impl Shared {
    /// Opens a channel in response to a request. Also returns the key of its inbox, if it has one.
    ///
    /// A `handler` that was pending before is attached to the channel, and no longer cancelled by the request.
    pub(crate) fn open_channel(
        &self,
        id: RequestId,
        role: Role,
        binding: ChannelBinding,
        handler: Option<RunningKey>,
    ) -> Result<(ChannelKey, Option<usize>), OpenChannelError> {
        let mut state = self.lock();
        let key = state.core.open_channel(id, role, binding)?;
        if let Some(handler) = handler {
            state.core.handler_finished(id, &handler);
            state.core.attach(key, handler);
        }
        let inbox = state.add_inbox(key);
        Ok((key, inbox))
    }

    /// Attaches a handler to its channel. It is stopped if the channel is aborted, and polled if its stream may
    /// continue.
    pub(crate) fn attach_handler(&self, channel: ChannelKey, handler: RunningKey) {
        self.lock().core.attach(channel, handler);
    }

    /// Returns true if a call on an anonymous channel is a message of its stream and starts no handler.
    pub(crate) fn is_stream_message(&self, channel: RequestId, event: &str) -> bool {
        self.lock().core.is_stream_message(channel, event)
    }

    /// Closes a channel without notifying the peer.
    pub(crate) fn close_channel(&self, channel: ChannelKey) {
        let mut state = self.lock();
        let binding = state.core.close_channel(channel);
        self.release_channel(state, binding, channel_closed_reason);
    }

    /// Closes a channel at both endpoints, and stops the handlers that run on it.
    pub(crate) fn abort_channel(&self, channel: ChannelKey, reason: Option<&Reason>) {
        let reason = self.fitting_reason(reason);
        let mut state = self.lock();
        let binding = state.abort_channel(channel, reason.as_deref());
        self.release_channel(state, binding, || reason.as_deref().cloned().unwrap_or_else(Reason::aborted));
    }

    /// Releases the lock after a channel was closed, and wakes everyone who waits for the channel.
    fn release_channel(
        &self,
        mut state: MutexGuard<'_, State>,
        binding: Option<ChannelBinding>,
        reason: impl Fn() -> Reason,
    ) {
        let Finished { mut wakers, .. } = state.take_notifications(&reason);
        // Another task may wait for items.
        let closed = state.closed.clone();
        let finish = || closed.map_or_else(|| StreamFinish::ChannelClosed(reason()), StreamFinish::Closed);
        wakers.extend(binding.as_ref().and_then(|binding| state.finish_stream(binding, finish)));
        self.wake(state);
        drop(binding);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Registers a handler that found the output full. It is woken when the output has capacity.
    pub(crate) fn wait_for_output(&self, cx: &mut Context<'_>) {
        if self.lock().output_waiters.as_ref().is_some_and(|waiters| waiters.contains(cx.waker())) {
            return;
        }
        let waker = cx.waker().clone();
        self.lock().output_waiters.get_or_insert_default().add(waker);
    }

    /// Returns the items that a producer may send. `sent` items were sent since it last asked.
    pub(crate) fn allowance(&self, channel: ChannelKey, sent: u32) -> Allowance {
        let mut state = self.lock();
        state.core.producer(channel).sent(sent);
        state.core.producer(channel).allowance()
    }

    /// Returns the items that an upload may send, and registers its call at `inbox` for more.
    pub(crate) fn upload_allowance(&self, cx: &mut Context<'_>, channel: ChannelKey, inbox: usize) -> Allowance {
        let mut waker = Some(cx.waker().clone());
        let mut state = self.lock();
        let allowance = state.core.producer(channel).allowance();
        if let Some(inbox) = state.inboxes.get_mut(inbox) {
            inbox.register(&mut waker);
        }
        drop(state);
        drop(waker);
        allowance
    }

    /// Returns the number of items that a started stream may send ahead of its consumer.
    pub(crate) fn window(&self, channel: ChannelKey) -> Option<u32> {
        self.lock().core.producer(channel).window()
    }

    /// Returns the id for an item that is sent as a request, or `None` if the channel is closed.
    pub(crate) fn item_request(&self, channel: ChannelKey) -> Option<RequestId> {
        self.lock().core.producer(channel).item_request()
    }

    /// Queues items of an upload. `sent` of them use credit.
    pub(crate) fn send_items(
        &self,
        channel: ChannelKey,
        frames: impl IntoIterator<Item = Vec<u8>>,
        sent: u32,
    ) -> Result<(), SendError> {
        let mut state = self.lock();
        for frame in frames {
            let sent = state.core.emit_frame(Outgoing::Owned(frame));
            sent.map_err(|error| state.send_error(error, Some(channel)))?;
        }
        state.core.producer(channel).sent(sent);
        self.wake(state);
        Ok(())
    }

    /// Aborts the items of an upload. Its channel stays open for the result.
    pub(crate) fn abort_items(&self, channel: ChannelKey, reason: &Reason) {
        let fitting = self.fitting_reason(Some(reason));
        let mut state = self.lock();
        state.core.producer(channel).abort_items(fitting.as_deref().unwrap_or(reason));
        self.wake(state);
    }

    /// Returns the request for the result of an upload.
    pub(crate) fn awaited_result(&self, channel: ChannelKey) -> AwaitedResult {
        self.lock().core.consumer(channel).awaited_result()
    }

    /// Moves the items of an inbox into the reader's `batch`, or waits for items.
    pub(crate) fn poll_inbox(&self, cx: &mut Context<'_>, inbox: usize, batch: &mut Batch) -> Poll<Taken> {
        let mut waker = Some(cx.waker().clone());
        let mut state = self.lock();
        let taken = match state.inboxes.get_mut(inbox) {
            Some(inbox) => inbox.poll_take(&mut waker, batch),
            None => {
                let finish = StreamFinish::ChannelClosed(channel_closed_reason());
                Poll::Ready(Taken { lost: 0, finish: Some(finish) })
            }
        };
        drop(state);
        drop(waker);
        taken
    }

    /// Records that the caller of an upload listens on its channel, so that it may be asked for items.
    pub(crate) fn allow_start(&self, channel: ChannelKey) {
        let mut state = self.lock();
        state.core.consumer(channel).allow_start();
        self.wake(state);
    }

    /// Returns true, once, if the peer has rejected the last item that was sent to it as a request.
    pub(crate) fn take_rejected(&self, channel: ChannelKey) -> bool {
        self.lock().core.producer(channel).take_rejected()
    }

    /// Requests the first items of a stream from its producer, as soon as memory is free.
    pub(crate) fn start_stream(self: &Arc<Self>, channel: ChannelKey, window: u32) {
        let mut state = self.lock();
        if self.endpoint.budget.is_exhausted() {
            return self.withhold(state, channel, |credit| credit.window = Some(window));
        }
        state.core.consumer(channel).start(Some(window));
        self.wake(state);
    }

    /// Records that items were taken, and sends the credit that is due, as soon as memory is free.
    pub(crate) fn items_taken(self: &Arc<Self>, channel: ChannelKey, items: u32, bytes: usize) {
        let budget = &self.endpoint.budget;
        let mut state = self.lock();
        if state.withheld.is_some() || budget.is_exhausted() {
            state.core.discard(bytes + items as usize * ITEM_OVERHEAD);
            state.report_freed();
            return self.withhold(state, channel, |credit| credit.items = credit.items.saturating_add(items));
        }
        let granted = state.core.consumer(channel).take(items, bytes);
        state.report_freed();
        if granted {
            self.wake(state);
        } else {
            drop(state);
        }
        budget.wake_waiting();
    }

    /// Removes the inbox of a dropped consumer. `unused` bytes had left the inbox and were not recorded as taken.
    ///
    /// A running stream is aborted; an upload's channel stays open for its result.
    pub(crate) fn drop_inbox(&self, inbox: usize, channel: ChannelKey, unused: usize) {
        let mut state = self.lock();
        let removed = state.remove_inbox(inbox, unused);
        state.drop_withheld(channel);
        state.report_freed();
        let stopped = state.core.consumer(channel).stop(None);
        if let Some(ChannelBinding::Inbox(slot)) = state.core.channel_state(channel) {
            // Another stream may get this key next.
            *slot = None;
        }
        if stopped {
            self.wake(state);
        } else {
            drop(state);
        }
        drop(removed);
        self.endpoint.budget.wake_waiting();
    }
}
