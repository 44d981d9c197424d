//! The one task of a connection: transport ⇄ core ⇄ handlers.
//!
//! Each turn reads the frames that are there (a bounded batch), starts their handlers, polls those that were woken,
//! lets the callers who got answers run once, and then writes everything with one flush.

mod backlog;
mod closing;
mod dispatch;

use crate::catch_panic::{catch_panic, drop_catching_panic};
use crate::close::{Close, CloseRequest, Closed};
use crate::engine::handler::Sessions;
use crate::engine::hooks::HookFuture;
use crate::engine::message_log::CallLog;
use crate::engine::shared::{Shared, SleepState};
use crate::engine::tasks::{RunningHandler, RunningSet};
use crate::proto::{Address, Call, Message, Reason};
use crate::rt::{Timer, after};
use crate::transport::{Frame, Transport, TransportError};
use backlog::Backlog;
use bytes::Bytes;
use closing::CloseProgress;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::time::Instant;

/// A turn ends after so many messages or bytes, so that other tasks get theirs.
const TURN_MESSAGES: usize = 256;
const TURN_BYTES: usize = 64 * 1024;

/// Drives one connection to its end.
pub(crate) struct Driver<T> {
    shared: Arc<Shared>,
    transport: T,
    member_key: usize,
    /// The hook that comes before the first call is started.
    open_hook: Option<HookFuture>,
    running: RunningSet,
    sessions: Sessions,
    backlog: Backlog,
    /// Set while reading has stopped though there may be more: when to see whether the peer is still there.
    probe_at: Option<Instant>,
    /// Callers whose answers came with this turn.
    callers: Vec<Waker>,
    /// Whether the callers were given their turn before this one.
    callers_ran: bool,
    /// Asked for by a handle.
    close_request: Option<CloseRequest>,
    closing: CloseProgress,
    /// Since when nothing could be written, and how much had been sent by then.
    stalled: Option<(Instant, u64)>,
    timer: Timer,
    finished: bool,
}

impl<T: Transport> Driver<T> {
    /// Takes over a transport that is open.
    pub(crate) fn new(shared: Arc<Shared>, transport: T) -> Self {
        Self {
            member_key: shared.members.join(Arc::clone(&shared)),
            open_hook: shared.endpoint.hooks.opened(&shared),
            shared,
            transport,
            running: RunningSet::new(),
            sessions: Sessions::new(),
            backlog: Backlog::default(),
            probe_at: None,
            callers: Vec::new(),
            callers_ran: false,
            close_request: None,
            closing: CloseProgress::default(),
            stalled: None,
            timer: Timer::default(),
            finished: false,
        }
    }

    /// Runs until the connection is over.
    pub(crate) async fn run(mut self) {
        let closed = poll_fn(|cx| self.poll(cx)).await;
        tracing::debug!(peer = %self.shared.id, code = closed.code, reason = closed.reason, "closed");
        self.finish(closed.clone());
        let shared = Arc::clone(&self.shared);
        drop(self);
        if let Some(mut hook) = shared.endpoint.hooks.closed(&shared, &closed) {
            poll_fn(|cx| poll_hook(&mut hook, cx)).await;
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Closed> {
        self.shared.begin_turn();
        let now = Instant::now();
        self.handle_timeout(now);
        self.poll_open_hook(cx);
        let mut poll_again = self.read(cx, now);
        poll_again |= self.poll_running();
        if self.let_callers_run(cx) {
            return Poll::Pending;
        }
        self.apply_close_request(now);
        self.flush(cx, now);
        if let Some(closed) = self.closing.closed(now) {
            return Poll::Ready(closed);
        }
        poll_again |= self.prepare_to_sleep(cx);
        if poll_again {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Ends what is due.
    fn handle_timeout(&mut self, now: Instant) {
        if !self.timer.is_due(now) {
            return;
        }
        for handler in self.shared.handle_timeout(now) {
            self.cancel(handler, Reason::new("The caller's time ran out"));
        }
    }

    fn poll_open_hook(&mut self, cx: &mut Context<'_>) {
        if let Some(hook) = &mut self.open_hook
            && poll_hook(hook, cx).is_ready()
        {
            self.drop_open_hook();
        }
    }

    /// Reads and handles what is there; true if there may be more.
    fn read(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let (mut messages, mut bytes) = (0, 0);
        while messages < TURN_MESSAGES && !self.is_full() && self.closing.is_open() {
            let Some((frame, received_at)) = self.backlog.pop() else { break };
            messages += 1;
            self.handle_frame(cx, &frame, received_at);
        }
        while messages < TURN_MESSAGES && bytes < TURN_BYTES {
            if self.closing.is_reading_finished() {
                return false;
            }
            if self.is_overloaded() {
                self.pause_reading(now);
                return false;
            }
            self.probe_at = None;
            match self.transport.poll_frame(cx) {
                Poll::Pending => return false,
                Poll::Ready(Some(Ok(Frame::Text(frame) | Frame::Binary(frame)))) => {
                    (messages, bytes) = (messages + 1, bytes + frame.len());
                    if self.closing.is_open() {
                        self.receive_frame(cx, &frame, now);
                    }
                }
                Poll::Ready(Some(Ok(Frame::Ping(_) | Frame::Pong(_)))) => messages += 1,
                Poll::Ready(Some(Ok(Frame::Close(close)))) => {
                    self.closing.close_received(close, after(now, self.shared.endpoint.limits.close_timeout));
                    self.stop_handlers();
                    // They send no answers any more, and heed nothing.
                    self.shared.disconnect();
                }
                Poll::Ready(Some(Err(TransportError::Violation(close)))) => self.close(close, now),
                Poll::Ready(Some(Err(TransportError::Io(error)))) => self.finish_reading(&error.to_string(), now),
                Poll::Ready(None) => self.finish_reading("the connection was lost", now),
            }
        }
        true
    }

    /// While nothing is read, only a write shows that the peer has gone.
    fn pause_reading(&mut self, now: Instant) {
        let next_probe = after(now, self.shared.endpoint.limits.write_timeout);
        if *self.probe_at.get_or_insert(next_probe) <= now && self.closing.is_open() {
            self.transport.probe();
            self.probe_at = Some(next_probe);
        }
    }

    /// Handles a frame, or holds it if it is a call and none can start now; then a cancellation may mean one of those.
    fn receive_frame(&mut self, cx: &mut Context<'_>, frame: &Bytes, now: Instant) {
        if self.is_full() || !self.backlog.is_empty() {
            let text = std::str::from_utf8(frame).unwrap_or_default();
            let id = match Message::decode(text) {
                // What a stream's ends say to each other is not for a handler.
                Message::Call(Call { address: Address::Anonymous(channel), event, .. })
                    if self.shared.is_stream_message(channel, &event) =>
                {
                    None
                }
                Message::Call(call) => Some(call.id),
                Message::BadName(id) => Some(id),
                Message::Cancellation(id, _) if self.backlog.cancel(id) => return,
                _ => None,
            };
            if let Some(id) = id {
                return self.backlog.push(frame, id, now);
            }
        }
        self.handle_frame(cx, frame, now);
    }

    /// Wakes the callers who got answers and lets them run once before this task writes, so that what they send next
    /// leaves together; true if the turn ends here.
    fn let_callers_run(&mut self, cx: &mut Context<'_>) -> bool {
        let any_woken = !self.callers.is_empty();
        self.callers.drain(..).for_each(Waker::wake);
        self.callers_ran = any_woken && !self.callers_ran;
        if self.callers_ran {
            cx.waker().wake_by_ref();
        }
        self.callers_ran
    }

    /// Ends the connection if a handle has asked for it.
    fn apply_close_request(&mut self, now: Instant) {
        match self.close_request.take() {
            Some(CloseRequest::Abort) => self.closing.abort("aborted", now),
            Some(CloseRequest::Close(close)) => self.close(close, now),
            None => {}
        }
    }

    /// Writes our close frame, after all that was queued.
    fn close(&mut self, close: Close, now: Instant) {
        if !self.closing.is_open() {
            return;
        }
        self.shared.drain(self.transport.output());
        self.transport.close(&close);
        self.stop_handlers();
        self.closing.close_sent(close, after(now, self.shared.endpoint.limits.close_timeout));
    }

    /// What runs is stopped, and what has not begun by now never will.
    fn stop_handlers(&mut self) {
        self.shared.forget_handlers();
        self.stop_running();
        self.backlog = Backlog::default();
    }

    /// Nothing more can be read.
    fn finish_reading(&mut self, reason: &str, now: Instant) {
        self.closing.finish_reading(reason, after(now, self.shared.endpoint.limits.close_timeout));
    }

    fn flush(&mut self, cx: &mut Context<'_>, now: Instant) {
        if self.closing.is_open() && self.transport.output().len() < self.shared.endpoint.limits.outbound_bytes {
            self.shared.drain(self.transport.output());
        }
        match self.transport.poll_flush(cx) {
            Poll::Ready(flushed) => {
                self.stalled = None;
                if let Err(error) = flushed {
                    self.finish_reading(&error.to_string(), now);
                }
                self.closing.flushed(now);
            }
            Poll::Pending => {
                let sent = self.transport.output().sent();
                match self.stalled {
                    Some((since, sent_before)) if sent_before == sent => {
                        if now >= after(since, self.shared.endpoint.limits.write_timeout) {
                            self.closing.abort("the peer does not read", now);
                        }
                    }
                    _ => self.stalled = Some((now, sent)),
                }
            }
        }
    }

    /// Goes to sleep; true if something has come up meanwhile.
    fn prepare_to_sleep(&mut self, cx: &mut Context<'_>) -> bool {
        let handlers_woken = self.running.register(cx.waker());
        let output_bytes = self.transport.output().len();
        let max_output_bytes = self.shared.endpoint.limits.outbound_bytes;
        let output_full = output_bytes >= max_output_bytes;
        // A crowd that waits for room is not woken for every byte that is read.
        let has_capacity = !output_full && output_bytes <= max_output_bytes / 2;
        let SleepState { queued, timeout, close, closed_channels } =
            self.shared.prepare_to_sleep(cx.waker(), self.running.len(), output_bytes, has_capacity);
        // The counters are to show it.
        let handlers_stopped = !closed_channels.is_empty();
        for channel in closed_channels {
            self.stop_channel(channel, &Reason::new("The channel was aborted"));
        }
        self.close_request = close.filter(|close| self.closing.accepts(close));
        let stall_timeout = self.stalled.map(|(since, _)| after(since, self.shared.endpoint.limits.write_timeout));
        let probe_timeout = self.probe_at.filter(|_| self.closing.is_open());
        let next_timeout = [timeout, stall_timeout, probe_timeout, self.closing.deadline()].into_iter().flatten().min();
        let timer_elapsed = self.timer.set(next_timeout, cx);
        let open = self.closing.is_open();
        let can_start = open && !self.backlog.is_empty() && !self.is_full();
        let can_send = open && queued && !output_full;
        let can_read = self.probe_at.is_some() && !self.is_overloaded();
        handlers_woken
            || handlers_stopped
            || timer_elapsed
            || can_start
            || can_send
            || can_read
            || self.close_request.is_some()
    }

    /// Whether nothing more can be read now: what comes could not be kept, or answered. Held calls fill it, or a peer that
    /// sends what is answered by itself (pings, what is on no channel) and does not read.
    fn is_overloaded(&mut self) -> bool {
        let limits = &self.shared.endpoint.limits;
        let unsent_bytes = self.transport.output().len() + self.shared.queued_bytes();
        self.backlog.bytes() >= limits.held_bytes || unsent_bytes >= limits.outbound_bytes.saturating_mul(3)
    }

    /// Whether no further handler can start now.
    fn is_full(&mut self) -> bool {
        let limits = &self.shared.endpoint.limits;
        self.open_hook.is_some()
            || self.running.len() >= limits.handlers_in_flight
            || self.shared.blocked_threads() >= limits.handlers_in_flight
            || self.transport.output().len() >= limits.outbound_bytes
    }
}

impl<T> Driver<T> {
    /// Leaves nothing behind.
    fn finish(&mut self, closed: Closed) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        self.shared.members.leave(self.member_key);
        self.stop_running();
        self.drop_open_hook();
        for session in std::mem::take(&mut self.sessions) {
            self.shared.report_drop_panic(drop_catching_panic(session), "a session");
        }
        self.shared.set_closed(closed);
    }

    fn drop_open_hook(&mut self) {
        let dropped = drop_catching_panic(self.open_hook.take());
        self.shared.report_drop_panic(dropped, "on_open");
    }

    fn stop_running(&mut self) {
        let reason = Reason::new("Connection closed");
        for handler in self.running.take_all() {
            self.stop(handler, reason.clone());
        }
    }

    /// Tells the contexts of a handler, and drops it.
    fn stop(&self, handler: RunningHandler, reason: Reason) {
        if let Some(state) = &handler.state {
            state.cancel(reason);
            state.handler_finished(&self.shared);
        }
        self.shared.report_drop_panic(drop_catching_panic(handler.future), &handler.event);
        self.log_finished(handler.log.as_deref());
    }

    /// Shows that a handler has ended.
    fn log_finished(&self, log: Option<&CallLog>) {
        if let Some(log) = log {
            self.shared.endpoint.hooks.message(&self.shared, &log.finished());
        }
    }
}

/// A driver that is dropped before its end was part of a task that was ended.
impl<T> Drop for Driver<T> {
    fn drop(&mut self) {
        let reason = "the connection's task was ended".to_owned();
        self.finish(Closed { code: Close::ABNORMAL, reason, by_us: true });
    }
}

/// Polls a hook; one that panics is over.
fn poll_hook(hook: &mut HookFuture, cx: &mut Context<'_>) -> Poll<()> {
    catch_panic(|| hook.as_mut().poll(cx)).unwrap_or_else(|message| {
        tracing::error!("a hook panicked: {message}");
        Poll::Ready(())
    })
}
