//! What the driver does with the shared part of its connection.

use super::Link;
use super::channels::ChannelEnd;
use super::state::LinkState;
use crate::catch_panic::drop_caught;
use crate::close::{CloseRequest, Closed};
use crate::engine::scope::ChannelScope;
use crate::engine::slot::End;
use crate::engine::tasks::RunningKey;
use crate::proto::{ChannelKey, Incoming, Message, RawReason, Reason, RequestId, Response, Side};
use crate::transport::Output;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;
use tokio::time::Instant;

/// What the driver has to do about a message.
pub(crate) enum Handled {
    /// Wake whoever waits for what it brought.
    Caller(Waker),
    /// The same for all of them.
    Callers(Vec<Waker>),
    /// Stop this handler, and wake who takes its items elsewhere.
    Cancelled(RunningKey, Reason, Option<Waker>),
    /// This handler may go on: with its stream, or to the end of its upload.
    Resumed(RunningKey),
    /// Start a handler of this channel.
    Serve(Arc<ChannelScope>),
    /// The channel has ended, and with it all that runs on it.
    ChannelEnded(ChannelKey, Arc<ChannelScope>, Reason, Vec<Waker>),
    /// Decode the frame again, the whole way.
    NotJson,
    Nothing,
}

/// What the driver finds before it sleeps.
pub(crate) struct Rest {
    /// Something is to be sent.
    pub(crate) queued: bool,
    /// When time will pass.
    pub(crate) timeout: Option<Instant>,
    pub(crate) close: Option<CloseRequest>,
    /// Channels whose handlers are to be dropped.
    pub(crate) ended_channels: Vec<ChannelKey>,
}

impl Link {
    /// Moves what the handles have queued to the output.
    pub(crate) fn drain(&self, output: &mut Output) {
        if self.queued_bytes() == 0 {
            return;
        }
        let mut state = self.lock();
        self.queued.store(0, Ordering::Release);
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
    pub(crate) fn handle(&self, message: Message<'_>, frame: &Bytes, now: Instant) -> Handled {
        let slice = |json: &str| frame.slice_ref(json.as_bytes());
        let mut state = self.lock();
        let incoming = state.core.handle(message, now.into_std());
        let handled = match incoming {
            Incoming::Response(slot, answer) => {
                let end = match answer {
                    Response::Result(json) => End::Result(json.map(slice)),
                    Response::Rejection(RawReason { value, error }) => End::Rejected { value: slice(value), error },
                    Response::Channel => End::Channel,
                };
                state.end_call(slot, end)
            }
            Incoming::ChannelOpened(slot, channel) => {
                let inbox = state.add_inbox(channel);
                if let Some(ChannelEnd::Scope(scope)) = state.core.channel_state(channel) {
                    scope.open(channel);
                }
                state.end_call(slot, End::Opened { channel, inbox })
            }
            Incoming::Cancelled(handler, reason) => Handled::Cancelled(handler, reason.read(), None),
            Incoming::Call(_) | Incoming::Nothing => Handled::Nothing,
            Incoming::NotJson => Handled::NotJson,
            incoming => state.channel(incoming),
        };
        self.count_queued(&state);
        handled
    }

    /// The driver begins a turn: at its end it looks at what the handles have left.
    pub(crate) fn begin_turn(&self) {
        self.awake.store(true, Ordering::Relaxed);
    }

    /// The driver goes to sleep, to be woken by handles: says what they have asked for meanwhile.
    pub(crate) fn rest(&self, driver: &Waker, handlers: usize, unsent: usize, has_room: bool) -> Rest {
        let mut state = self.lock();
        (state.handlers, state.unsent) = (handlers, unsent);
        self.awake.store(false, Ordering::Relaxed);
        match &mut state.driver {
            Some(waker) => waker.clone_from(driver),
            none => *none = Some(driver.clone()),
        }
        let close = state.close.clone();
        let queued = !state.core.is_drained();
        let timeout = state.core.poll_timeout().map(Instant::from_std);
        let room = if has_room && !self.is_full(&state) { state.take_room() } else { Vec::new() };
        let ended_channels = std::mem::take(&mut state.ended_channels);
        drop(state);
        room.into_iter().for_each(Waker::wake);
        Rest { queued, timeout, close, ended_channels }
    }

    /// Bytes that handles and the core have queued and that the driver has not taken yet.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.queued.load(Ordering::Acquire)
    }

    /// Nothing more is exchanged: ends every call and every channel.
    pub(crate) fn lose(self: &Arc<Self>) {
        self.end(|_| ());
    }

    /// The same; `also` is done under the same lock, before anybody learns it.
    fn end<R>(self: &Arc<Self>, also: impl FnOnce(&mut LinkState) -> R) -> R {
        let mut state = self.lock();
        state.core.close();
        let also = also(&mut state);
        let ends = state.take_notifications();
        let room = state.take_room();
        self.count_queued(&state);
        drop(state);
        let reason = Reason::new("Connection closed");
        for channel in ends.channels {
            channel.end(self, reason.clone());
        }
        ends.wakers.into_iter().chain(room).for_each(Waker::wake);
        also
    }

    /// The connection is over: tells everyone who waits, and drops what is kept with it.
    pub(crate) fn finish(self: &Arc<Self>, closed: Closed) {
        // A client may be bound again; a server's connection is over for good, and what it keeps may keep it.
        let for_good = self.end.side == Side::Server;
        let data = self.end(|state| {
            state.closed = Some(Box::new(closed));
            state.ends += 1;
            (state.handlers, state.unsent) = (0, 0);
            // What comes later may be the next connection's.
            self.data.take(for_good)
        });
        self.ended.notify_waiters();
        for value in data {
            self.report_drop(drop_caught(value), "the peer's data");
        }
        if for_good {
            for handler in self.handlers().close() {
                self.report_drop(drop_caught(handler), "the peer's handlers");
            }
        }
    }

    /// Ends what is due; gives back the handlers whose callers' time ran out.
    pub(crate) fn pass_time(&self, now: Instant) -> Vec<RunningKey> {
        let mut state = self.lock();
        state.core.handle_timeout(now.into_std());
        let ends = state.take_notifications();
        self.count_queued(&state);
        drop(state);
        ends.wakers.into_iter().for_each(Waker::wake);
        ends.expired
    }

    /// A handler of a request has ended by itself.
    pub(crate) fn handler_ended(&self, id: RequestId, key: RunningKey) {
        self.lock().core.handler_finished(id, &key);
    }

    /// No handler can be cancelled by the peer any more.
    pub(crate) fn forget_handlers(&self) {
        self.lock().core.clear_handlers();
    }

    /// A handler of this request goes on running.
    pub(crate) fn begin(&self, id: RequestId, key: RunningKey, deadline: Option<Instant>) {
        self.lock().core.handler_started(id, key, deadline.map(Instant::into_std));
    }
}
