//! The methods of the shared state that only the driver calls.

use super::Shared;
use super::channels::ChannelBinding;
use super::draining::{Mode, notify_of_drain};
use super::phase::FailedWaiting;
use super::state::State;
use crate::close::CloseRequest;
use crate::engine::channel_state::{ChannelState, channel_closed_reason};
use crate::engine::flushes::Flushes;
use crate::engine::slot::Completion;
use crate::engine::spare_waker::SpareWaker;
use crate::engine::tasks::RunningKey;
use crate::proto::{ChannelKey, Incoming, Message, RawReason, Reason, RequestId, Response};
use crate::rt::Instant;
use crate::transport::Output;
use bytes::Bytes;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};
use std::task::Waker;

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
    /// Frames are queued, or others may be soon.
    pub(crate) queued: bool,
    /// The next deadline of the core, or of a call that waits for capacity.
    pub(crate) timeout: Option<Instant>,
    /// True if a handle has requested a close that the driver accepts.
    pub(crate) close_requested: bool,
    /// Channels whose handlers the driver has to stop.
    pub(crate) closed_channels: Vec<(ChannelKey, Reason)>,
}

/// The requests of handles beside their frames.
pub(crate) struct Requested {
    /// Those that wait until all of the output was written.
    pub(crate) flushes: Option<Box<Flushes>>,
    /// True if some wait for a ping, which is to be sent now.
    pub(crate) ping: bool,
}

impl Shared {
    /// Moves all queued frames to the output.
    #[inline]
    pub(crate) fn drain(self: &Arc<Self>, output: &mut Output) {
        if self.queued_bytes() != 0 {
            self.move_frames(self.lock(), output);
        }
    }

    /// Moves all queued frames to the output. Returns what handles have requested beside, or `None` if nothing was
    /// queued.
    pub(crate) fn drain_and_take_requests(self: &Arc<Self>, output: &mut Output) -> Option<Requested> {
        if self.queued_bytes() == 0 {
            return None;
        }
        let mut state = self.lock();
        let ping = state.pings.as_ref().is_some_and(|pings| pings.is_requested());
        let requested = Requested { flushes: state.flushes.take(), ping };
        self.move_frames(state, output);
        Some(requested)
    }

    fn move_frames(self: &Arc<Self>, mut state: MutexGuard<'_, State>, output: &mut Output) {
        if self.observes_sent() {
            return self.move_observed(state, output);
        }
        while let Some(frame) = state.core.poll_transmit() {
            let text = frame.as_bytes();
            output.plain_text(text.len(), |out| out.extend_from_slice(text));
        }
        self.count_queued(&state);
    }

    /// Moves all queued frames to the output, and tells the observers of each.
    #[cold]
    fn move_observed(self: &Arc<Self>, mut state: MutexGuard<'_, State>, output: &mut Output) {
        let frames: Vec<_> = std::iter::from_fn(|| state.core.poll_transmit()).collect();
        self.count_queued(&state);
        drop(state);
        for frame in frames {
            let text = frame.as_bytes();
            output.plain_text(text.len(), |out| out.extend_from_slice(text));
            // Without the lock, because an observer may use the connection.
            self.observe_sent(text);
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

    /// Records that the driver begins a turn. Until the turn ends, handles do not wake it. Returns the treatment
    /// of new requests.
    pub(crate) fn begin_turn(&self) -> Mode {
        self.driver_awake.store(true, Ordering::Relaxed);
        self.mode()
    }

    /// Records that the driver goes to sleep, and registers its waker. Returns the requests of the handles.
    ///
    /// `handlers`, `output_bytes` and the other bytes that the driver holds, `driver_bytes`, are kept for the counters
    /// and the budget. If half of the output is free, waiting calls are sent and waiting senders woken. `accepts` returns
    /// true for a close request that still has an effect. If `is_drained`, the driver has nothing left to do, and the
    /// connection is closed if the state has nothing either.
    pub(crate) fn prepare_to_sleep(
        self: &Arc<Self>,
        driver: &mut SpareWaker,
        handlers: usize,
        output_bytes: usize,
        driver_bytes: usize,
        is_drained: bool,
        accepts: &dyn Fn(&CloseRequest) -> bool,
    ) -> SleepState {
        let mut state = self.lock();
        (state.handlers, state.output_bytes, state.driver_bytes) = (handlers, output_bytes, driver_bytes);
        let is_held_up = self.report_held(&mut state);
        self.driver_awake.store(false, Ordering::Relaxed);
        driver.register(&mut state.driver);
        if is_drained && state.close.is_none() && state.is_idle() {
            state.close = Some(state.close_when_drained());
        }
        let close_requested = state.close.as_ref().is_some_and(accepts);
        let mut sent = FailedWaiting::default();
        let mut poll_again = false;
        // Waiting senders are woken at half the limit, and not for every byte that the peer reads.
        if output_bytes <= self.endpoint.limits.max_outbound_bytes / 2 && !self.is_full(&state) {
            sent.wakers = state.take_output_waiters();
            poll_again = self.use_capacity(&mut state, &mut sent);
        }
        let queued = poll_again || !state.core.is_drained() || state.has_requests();
        let waiting_deadline = state.capacity_queue.as_ref().and_then(|queue| queue.next_deadline());
        let timeout = state.core.poll_timeout().into_iter().chain(waiting_deadline).min().map(Instant::from_std);
        let authentication = state.authentication.as_ref().map(|authentication| authentication.deadline());
        let timeout = timeout.into_iter().chain(authentication).chain(state.retires_at).min();
        let closed_channels = std::mem::take(&mut state.closed_channels);
        drop(state);
        sent.finish();
        self.follow_budget(is_held_up);
        SleepState { queued, timeout, close_requested, closed_channels }
    }

    /// Returns the number of bytes that are queued and not yet moved to the output.
    #[inline]
    pub(crate) fn queued_bytes(&self) -> usize {
        self.queued_bytes.load(Ordering::Acquire)
    }

    /// Handles the deadlines that have passed. Returns the handlers whose callers no longer wait.
    pub(crate) fn handle_timeout(&self, now: Instant) -> Vec<RunningKey> {
        let mut state = self.lock();
        state.core.handle_timeout(now.into_std());
        let finished = state.take_notifications(channel_closed_reason);
        let mut failed = FailedWaiting::default();
        let is_online = state.is_online() && !state.continuity.peer_drains;
        while let Some(due) = state.capacity_queue.as_mut().and_then(|queue| queue.pop_due(now.into_std(), is_online)) {
            state.expire(due, now.into_std(), &mut failed);
        }
        let close = self.check_authentication(&mut state, now).or_else(|| self.check_age(&mut state, now));
        self.count_queued(&state);
        let notice = self.take_drain_notice(&mut state);
        drop(state);
        notify_of_drain(notice);
        if let Some(close) = close {
            self.close(close);
        }
        failed.finish();
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
