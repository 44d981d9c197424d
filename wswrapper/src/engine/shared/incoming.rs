//! The methods of the shared state that only the driver calls.

use super::Shared;
use super::channels::ChannelBinding;
use super::state::State;
use crate::catch_panic::drop_catching_panic;
use crate::close::{CloseRequest, Closed};
use crate::engine::channel_state::ChannelState;
use crate::engine::slot::Completion;
use crate::engine::tasks::RunningKey;
use crate::proto::{ChannelKey, Incoming, Message, RawReason, Reason, RequestId, Response, Side};
use crate::transport::Output;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;
use tokio::time::Instant;

/// The action that a message requires of the driver.
pub(crate) enum Action {
    /// Wake the task that waits for the message.
    Wake(Waker),
    /// Wake all of these tasks.
    WakeAll(Vec<Waker>),
    /// Stop this handler, and wake the task that takes the items of its upload, if another task does.
    Cancel(RunningKey, Reason, Option<Waker>),
    /// Poll this handler: its stream may continue, or the result of its upload was requested.
    Resume(RunningKey),
    /// Start the handler of a call on this channel.
    Serve(Arc<ChannelState>),
    /// Close this channel, stop the handlers that run on it, and wake the callers of calls on it.
    CloseChannel(ChannelKey, Arc<ChannelState>, Reason, Vec<Waker>),
    /// Decode the frame again, with the complete decoder.
    DecodeWhole,
    Nothing,
}

/// The state that the driver needs before it goes to sleep.
pub(crate) struct SleepState {
    /// Frames are queued.
    pub(crate) queued: bool,
    /// The next deadline of the core.
    pub(crate) timeout: Option<Instant>,
    /// The close that a handle has requested.
    pub(crate) close: Option<CloseRequest>,
    /// Channels whose handlers the driver has to stop.
    pub(crate) closed_channels: Vec<ChannelKey>,
}

impl Shared {
    /// Moves all queued frames to the output.
    pub(crate) fn drain(self: &Arc<Self>, output: &mut Output) {
        if self.queued_bytes() == 0 {
            return;
        }
        if self.endpoint.hooks.has_message_sent_hook() {
            return self.drain_and_log(output);
        }
        let mut state = self.lock();
        self.queued_bytes.store(0, Ordering::Release);
        while let Some(frame) = state.core.poll_transmit() {
            let text = frame.as_bytes();
            output.plain_text(text.len(), |out| out.extend_from_slice(text));
        }
    }

    /// Moves all queued frames to the output, and calls the `on_message_sent` hook for each.
    #[cold]
    fn drain_and_log(self: &Arc<Self>, output: &mut Output) {
        let mut state = self.lock();
        self.queued_bytes.store(0, Ordering::Release);
        let frames: Vec<_> = std::iter::from_fn(|| state.core.poll_transmit()).collect();
        drop(state);
        for frame in frames {
            let text = frame.as_bytes();
            output.plain_text(text.len(), |out| out.extend_from_slice(text));
            // Without the lock, because the hook may use the connection.
            self.log_sent(text);
        }
    }

    /// Queues a response behind all other frames.
    pub(crate) fn respond(&self, frame: Vec<u8>) {
        let mut state = self.lock();
        state.core.respond(frame);
        self.count_queued(&state);
    }

    /// Handles a message other than a call on the main or a named channel.
    pub(crate) fn handle(&self, message: Message<'_>, frame: &Bytes, now: Instant) -> Action {
        let slice = |json: &str| frame.slice_ref(json.as_bytes());
        let mut state = self.lock();
        let incoming = state.core.handle(message, now.into_std());
        let action = match incoming {
            Incoming::Response(slot, answer) => {
                let completion = match answer {
                    Response::Result(json) => Completion::Result(json.map(slice)),
                    Response::Rejection(RawReason { value, error }) => {
                        Completion::Rejected { value: slice(value), error }
                    }
                    Response::Channel => Completion::Channel,
                };
                state.finish_call(slot, completion)
            }
            Incoming::ChannelOpened(slot, channel) => {
                let inbox = state.add_inbox(channel);
                if let Some(ChannelBinding::State(channel_state)) = state.core.channel_state(channel) {
                    channel_state.open(channel);
                }
                state.finish_call(slot, Completion::Opened { channel, inbox })
            }
            Incoming::Cancelled(handler, reason) => Action::Cancel(handler, reason.read(), None),
            Incoming::Call(_) | Incoming::Nothing => Action::Nothing,
            Incoming::NotJson => Action::DecodeWhole,
            incoming => state.handle_channel_message(incoming),
        };
        self.count_queued(&state);
        action
    }

    /// Records that the driver begins a turn. Until the turn ends, handles do not wake it.
    pub(crate) fn begin_turn(&self) {
        self.driver_awake.store(true, Ordering::Relaxed);
    }

    /// Records that the driver goes to sleep, and registers its waker. Returns the requests of the handles.
    ///
    /// `handlers` and `output_bytes` are kept for the counters. If the output has capacity, waiting senders are woken.
    pub(crate) fn prepare_to_sleep(
        &self,
        driver: &Waker,
        handlers: usize,
        output_bytes: usize,
        has_capacity: bool,
    ) -> SleepState {
        let mut state = self.lock();
        (state.handlers, state.output_bytes) = (handlers, output_bytes);
        self.driver_awake.store(false, Ordering::Relaxed);
        match &mut state.driver {
            Some(waker) => waker.clone_from(driver),
            none => *none = Some(driver.clone()),
        }
        let close = state.close.clone();
        let queued = !state.core.is_drained();
        let timeout = state.core.poll_timeout().map(Instant::from_std);
        let waiters = if has_capacity && !self.is_full(&state) { state.take_capacity_waiters() } else { Vec::new() };
        let closed_channels = std::mem::take(&mut state.closed_channels);
        drop(state);
        waiters.into_iter().for_each(Waker::wake);
        SleepState { queued, timeout, close, closed_channels }
    }

    /// Returns the number of bytes that are queued and not yet moved to the output.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.queued_bytes.load(Ordering::Acquire)
    }

    /// Fails every pending call and closes every channel, because no more frames are exchanged.
    pub(crate) fn disconnect(self: &Arc<Self>) {
        self.disconnect_and(|_| ());
    }

    /// Disconnects, and runs `update` under the same lock, before any task is woken.
    fn disconnect_and<R>(self: &Arc<Self>, update: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.lock();
        state.core.close();
        let result = update(&mut state);
        let finished = state.take_notifications();
        let waiters = state.take_capacity_waiters();
        self.count_queued(&state);
        drop(state);
        let reason = Reason::new("Connection closed");
        for channel in finished.channels {
            channel.close(self, reason.clone());
        }
        finished.wakers.into_iter().chain(waiters).for_each(Waker::wake);
        result
    }

    /// Records that the connection is closed, wakes everyone who waits, and drops the extensions.
    pub(crate) fn set_closed(self: &Arc<Self>, closed: Closed) {
        // A client may be bound again. A server's connection stays closed, so it drops its handlers too: they may hold
        // references to the connection.
        let is_final = self.endpoint.side == Side::Server;
        let data = self.disconnect_and(|state| {
            state.closed = Some(Box::new(closed));
            state.close_count += 1;
            (state.handlers, state.output_bytes) = (0, 0);
            // Taken under the lock, because a value that is inserted later may belong to the next connection.
            self.extensions.take(is_final)
        });
        self.closed_notify.notify_waiters();
        for value in data {
            self.report_drop_panic(drop_catching_panic(value), "the peer's data");
        }
        if is_final {
            for handler in self.handlers().close() {
                self.report_drop_panic(drop_catching_panic(handler), "the peer's handlers");
            }
        }
        self.warn_left_out();
    }

    /// Handles the deadlines that have passed. Returns the handlers whose callers no longer wait.
    pub(crate) fn handle_timeout(&self, now: Instant) -> Vec<RunningKey> {
        let mut state = self.lock();
        state.core.handle_timeout(now.into_std());
        let finished = state.take_notifications();
        self.count_queued(&state);
        drop(state);
        finished.wakers.into_iter().for_each(Waker::wake);
        finished.expired
    }

    /// Records that the handler of a request has finished or was stopped locally.
    pub(crate) fn handler_finished(&self, id: RequestId, key: RunningKey) {
        self.lock().core.handler_finished(id, &key);
    }

    /// Forgets all handlers, so that the peer can cancel none of them.
    pub(crate) fn forget_handlers(&self) {
        self.lock().core.clear_handlers();
    }

    /// Records that the handler of a request is pending, so that the peer can cancel it.
    pub(crate) fn handler_started(&self, id: RequestId, key: RunningKey, deadline: Option<Instant>) {
        self.lock().core.handler_started(id, key, deadline.map(Instant::into_std));
    }
}
