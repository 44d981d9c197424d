//! What the driver does with the shared part of its connection.

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

/// What the driver has to do about a message.
pub(crate) enum Action {
    /// Wake whoever waits for what it brought.
    Wake(Waker),
    /// The same for all of them.
    WakeAll(Vec<Waker>),
    /// Stop this handler, and wake who takes its items elsewhere.
    Cancel(RunningKey, Reason, Option<Waker>),
    /// This handler may go on: with its stream, or to the end of its upload.
    Resume(RunningKey),
    /// Start a handler of this channel.
    Serve(Arc<ChannelState>),
    /// The channel has ended, and with it all that runs on it.
    CloseChannel(ChannelKey, Arc<ChannelState>, Reason, Vec<Waker>),
    /// Decode the frame again, the whole way.
    DecodeWhole,
    Nothing,
}

/// What the driver finds before it sleeps.
pub(crate) struct SleepState {
    /// Something is to be sent.
    pub(crate) queued: bool,
    /// When time will pass.
    pub(crate) timeout: Option<Instant>,
    pub(crate) close: Option<CloseRequest>,
    /// Channels whose handlers are to be dropped.
    pub(crate) closed_channels: Vec<ChannelKey>,
}

impl Shared {
    /// Moves what the handles have queued to the output.
    pub(crate) fn drain(&self, output: &mut Output) {
        if self.queued_bytes() == 0 {
            return;
        }
        let mut state = self.lock();
        self.queued_bytes.store(0, Ordering::Release);
        while let Some(frame) = state.core.poll_transmit() {
            let text = frame.as_bytes();
            output.plain_text(text.len(), |out| out.extend_from_slice(text));
        }
    }

    /// Queues a response behind everything else.
    pub(crate) fn respond(&self, frame: Vec<u8>) {
        let mut state = self.lock();
        state.core.respond(frame);
        self.count_queued(&state);
    }

    /// What a message means to this end that is no call on the main or a named channel.
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

    /// The driver begins a turn: at its end it looks at what the handles have left.
    pub(crate) fn begin_turn(&self) {
        self.driver_awake.store(true, Ordering::Relaxed);
    }

    /// The driver goes to sleep, to be woken by handles: says what they have asked for meanwhile.
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

    /// Bytes that handles and the core have queued and that the driver has not taken yet.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.queued_bytes.load(Ordering::Acquire)
    }

    /// Nothing more is exchanged: ends every call and every channel.
    pub(crate) fn disconnect(self: &Arc<Self>) {
        self.disconnect_and(|_| ());
    }

    /// The same; `update` is done under the same lock, before anybody learns it.
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

    /// The connection is over: tells everyone who waits, and drops what is kept with it.
    pub(crate) fn set_closed(self: &Arc<Self>, closed: Closed) {
        // A client may be bound again; a server's connection is over for good, and what it keeps may keep it.
        let is_final = self.endpoint.side == Side::Server;
        let data = self.disconnect_and(|state| {
            state.closed = Some(Box::new(closed));
            state.close_count += 1;
            (state.handlers, state.output_bytes) = (0, 0);
            // What comes later may be the next connection's.
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
    }

    /// Ends what is due; gives back the handlers whose callers' time ran out.
    pub(crate) fn handle_timeout(&self, now: Instant) -> Vec<RunningKey> {
        let mut state = self.lock();
        state.core.handle_timeout(now.into_std());
        let finished = state.take_notifications();
        self.count_queued(&state);
        drop(state);
        finished.wakers.into_iter().for_each(Waker::wake);
        finished.expired
    }

    /// A handler of a request has ended by itself.
    pub(crate) fn handler_finished(&self, id: RequestId, key: RunningKey) {
        self.lock().core.handler_finished(id, &key);
    }

    /// No handler can be cancelled by the peer any more.
    pub(crate) fn forget_handlers(&self) {
        self.lock().core.clear_handlers();
    }

    /// A handler of this request goes on running.
    pub(crate) fn handler_started(&self, id: RequestId, key: RunningKey, deadline: Option<Instant>) {
        self.lock().core.handler_started(id, key, deadline.map(Instant::into_std));
    }
}
