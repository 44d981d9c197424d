//! Anonymous channels and the streams on them.

use super::Shared;
use super::incoming::Action;
use super::state::{Finished, State};
use crate::engine::channel_state::ChannelState;
use crate::engine::inbox::{Batch, Inbox, StreamFinish, Taken};
use crate::engine::slot::Completion;
use crate::engine::tasks::RunningKey;
use crate::error::SendError;
use crate::proto::{
    Allowance, AwaitedResult, ChannelKey, Incoming, OpenChannelError, Outgoing, Reason, RequestId, Role,
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
        self.calls.get_mut(slot).and_then(|slot| slot.complete(completion)).map_or(Action::Nothing, Action::Wake)
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
            Incoming::Overflow(binding) => self.finish_stream(&binding, || StreamFinish::Overflow),
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
                let Finished { wakers, .. } = self.take_notifications();
                return Action::CloseChannel(key, channel_state, reason.read(), wakers);
            }
            Incoming::ChannelAborted(_, _, Some(handler), reason) => {
                return Action::Cancel(handler, reason.read(), None);
            }
            Incoming::ChannelAborted(key, binding @ ChannelBinding::Inbox(_), None, reason)
                if self.core.consumer(key).awaited_result() == AwaitedResult::Never
                    && let Some(handler) = self.core.channel_handler(key) =>
            {
                // The result of this upload will not be requested. Another task may wait for its items.
                let waker = self.finish_stream(&binding, || StreamFinish::Aborted(reason.read()));
                self.core.close_channel(key);
                return Action::Cancel(handler, reason.read(), waker);
            }
            Incoming::ChannelAborted(_, binding, None, reason) => {
                // The only calls on such a channel belong to an upload, and it looks at its inbox by itself.
                let Finished { mut wakers, .. } = self.take_notifications();
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
        self.release_channel(state, binding);
    }

    /// Closes a channel at both endpoints, and stops the handlers that run on it.
    pub(crate) fn abort_channel(&self, channel: ChannelKey, reason: Option<&Reason>) {
        let reason = self.fitting_reason(reason);
        let mut state = self.lock();
        let binding = state.abort_channel(channel, reason.as_deref());
        self.release_channel(state, binding);
    }

    /// Releases the lock after a channel was closed, and wakes everyone who waits for the channel.
    fn release_channel(&self, mut state: MutexGuard<'_, State>, binding: Option<ChannelBinding>) {
        let Finished { mut wakers, .. } = state.take_notifications();
        // Another task may wait for items.
        wakers.extend(binding.as_ref().and_then(|binding| state.finish_stream(binding, || StreamFinish::Closed)));
        self.wake(state);
        drop(binding);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Waits until a frame can be queued.
    pub(crate) fn poll_capacity(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if self.has_capacity(&state) {
            return Poll::Ready(());
        }
        state.wait_for_capacity(cx.waker());
        Poll::Pending
    }

    /// Registers a handler that found the output full. It is woken when the output has capacity.
    pub(crate) fn wait_for_output(&self, cx: &mut Context<'_>) {
        self.lock().wait_for_capacity(cx.waker());
    }

    /// Returns the items that a producer may send. `sent` items were sent since it last asked.
    pub(crate) fn allowance(&self, channel: ChannelKey, sent: u32) -> Allowance {
        let mut state = self.lock();
        state.core.producer(channel).sent(sent);
        state.core.producer(channel).allowance()
    }

    /// Returns the items that an upload may send, and registers its call at `inbox` for more.
    pub(crate) fn upload_allowance(&self, cx: &mut Context<'_>, channel: ChannelKey, inbox: usize) -> Allowance {
        let mut state = self.lock();
        let allowance = state.core.producer(channel).allowance();
        let old_waker = state.inboxes.get_mut(inbox).and_then(|inbox| inbox.register(cx.waker()));
        drop(state);
        drop(old_waker);
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
            state.core.emit_frame(Outgoing::Owned(frame))?;
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
        let mut state = self.lock();
        let Some(inbox) = state.inboxes.get_mut(inbox) else {
            return Poll::Ready(Taken { lost: 0, finish: Some(StreamFinish::Closed) });
        };
        let (taken, old_waker) = inbox.poll_take(cx.waker(), batch);
        drop(state);
        drop(old_waker);
        taken
    }

    /// Requests the first items of a stream from its producer.
    pub(crate) fn start_stream(&self, channel: ChannelKey, window: u32) {
        let mut state = self.lock();
        state.core.consumer(channel).start(Some(window));
        self.wake(state);
    }

    /// Records that items were taken, and sends the credit that is due.
    pub(crate) fn items_taken(&self, channel: ChannelKey, items: u32, bytes: usize) {
        let mut state = self.lock();
        if state.core.consumer(channel).take(items, bytes) {
            self.wake(state);
        }
    }

    /// Removes the inbox of a dropped consumer. `unused` bytes had left the inbox and were not recorded as taken.
    ///
    /// A running stream is aborted; an upload's channel stays open for its result.
    pub(crate) fn drop_inbox(&self, inbox: usize, channel: ChannelKey, unused: usize) {
        let mut state = self.lock();
        let waker = state.remove_inbox(inbox, unused);
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
        drop(waker);
    }
}
