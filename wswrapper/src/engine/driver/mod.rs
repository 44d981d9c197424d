//! The task of a connection. It moves frames between the transport, the core and the handlers.
//!
//! One poll of the task is a turn:
//!
//! 1. Handle the deadlines that have passed, and poll the `on_open` hook.
//! 2. Read a bounded batch of frames. A call on the main or a named channel starts its handler, which is polled once,
//!    in place; a ready handler writes its response into the transport's output. Any other message goes to the core,
//!    and the returned `Action` says what the driver has to do.
//! 3. Poll the running handlers that were woken.
//! 4. Wake the local callers whose responses arrived. If there are any, the turn ends here, so that they can queue
//!    their next calls before this task writes.
//! 5. Apply a close request, move queued frames to the output, and flush it once.
//! 6. Register the task's waker, notify the senders that wait for capacity, and set the timer.
//!
//! The task is woken by the transport, by a running handler, by a handle that queued something, or by the timer.

mod backlog;
mod closing;
mod dispatch;
mod message_rate;

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
use message_rate::MessageRate;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::Instant;

/// Messages or bytes after which a turn stops reading, so that other tasks can run.
const TURN_MESSAGES: usize = 256;
const TURN_BYTES: usize = 64 * 1024;

/// The time for which the transport keeps memory that it does not need now. So a connection with many large messages
/// seldom allocates it again.
const SPARE_MEMORY_TIME: Duration = Duration::from_millis(500);

/// Drives one connection until it is closed.
pub(crate) struct Driver<T> {
    shared: Arc<Shared>,
    transport: T,
    member_key: usize,
    /// The `on_open` hook. No call starts before it returns.
    open_hook: Option<HookFuture>,
    running: RunningSet,
    sessions: Sessions,
    backlog: Backlog,
    /// The time of the next probe for a lost peer, while reading is paused.
    probe_at: Option<Instant>,
    /// The message that has begun to arrive.
    message_rate: MessageRate,
    /// The time at which the transport frees its spare memory.
    free_memory_at: Option<Instant>,
    /// Local callers whose responses arrived in this turn.
    callers: Vec<Waker>,
    /// True if the last turn ended early so that callers could run.
    callers_ran: bool,
    /// Requested by a handle.
    close_request: Option<CloseRequest>,
    closing: CloseProgress,
    /// The time since when nothing could be written, and the number of bytes sent until then.
    stalled: Option<(Instant, u64)>,
    timer: Timer,
    finished: bool,
}

impl<T: Transport> Driver<T> {
    /// Creates the driver of an open transport, and joins the connection to its set of members.
    pub(crate) fn new(shared: Arc<Shared>, mut transport: T) -> Self {
        transport.set_limits(&shared.endpoint.limits);
        Self {
            member_key: shared.members.join(Arc::clone(&shared)),
            open_hook: shared.endpoint.hooks.opened(&shared),
            shared,
            transport,
            running: RunningSet::new(),
            sessions: Sessions::new(),
            backlog: Backlog::default(),
            probe_at: None,
            message_rate: MessageRate::default(),
            free_memory_at: None,
            callers: Vec::new(),
            callers_ran: false,
            close_request: None,
            closing: CloseProgress::default(),
            stalled: None,
            timer: Timer::default(),
            finished: false,
        }
    }

    /// Runs until the connection is closed and the `on_close` hook has returned.
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

    /// Handles the deadlines that have passed.
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

    /// Handles waiting calls, then reads and handles frames. Returns true if there may be more.
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
                Poll::Pending => {
                    self.check_message_rate(now);
                    self.free_spare_memory(now);
                    return false;
                }
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
                    // The peer sends no responses any more, and ignores further frames.
                    self.shared.disconnect();
                }
                Poll::Ready(Some(Err(TransportError::Violation(close)))) => self.close(close, now),
                Poll::Ready(Some(Err(TransportError::Io(error)))) => self.finish_reading(&error.to_string(), now),
                Poll::Ready(None) => self.finish_reading("the connection was lost", now),
            }
        }
        true
    }

    /// Closes the connection if a message arrives too slowly. Called when everything that has arrived was read.
    fn check_message_rate(&mut self, now: Instant) {
        let min_rate = self.shared.endpoint.limits.min_message_rate;
        if self.message_rate.is_too_slow(self.transport.begun_message(), min_rate, now) {
            let reason = format!("the message arrives at less than {min_rate} bytes per second");
            self.close(Close::new(1008, reason), now);
        }
    }

    /// Frees memory that the transport has not needed for some time.
    fn free_spare_memory(&mut self, now: Instant) {
        if !self.transport.has_spare_memory() {
            self.free_memory_at = None;
        } else if *self.free_memory_at.get_or_insert_with(|| after(now, SPARE_MEMORY_TIME)) <= now {
            self.transport.free_spare_memory();
            self.free_memory_at = None;
        }
    }

    /// Stops reading for now, and probes the peer at intervals, because only a write shows that an unread peer is gone.
    fn pause_reading(&mut self, now: Instant) {
        self.message_rate.pause(now);
        let next_probe = after(now, self.shared.endpoint.limits.write_timeout);
        if *self.probe_at.get_or_insert(next_probe) <= now && self.closing.is_open() {
            self.transport.probe();
            self.probe_at = Some(next_probe);
        }
    }

    /// Handles a frame. A call joins the backlog if no handler can start now; a cancellation removes its call from
    /// there.
    fn receive_frame(&mut self, cx: &mut Context<'_>, frame: &Bytes, now: Instant) {
        if self.is_full() || !self.backlog.is_empty() {
            let text = std::str::from_utf8(frame).unwrap_or_default();
            let id = match Message::decode(text) {
                // The messages of a stream start no handler.
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

    /// Wakes the callers whose responses arrived and lets them run once before this task writes, so that their next
    /// frames leave with one write. Returns true if the turn ends here.
    fn let_callers_run(&mut self, cx: &mut Context<'_>) -> bool {
        let any_woken = !self.callers.is_empty();
        self.callers.drain(..).for_each(Waker::wake);
        self.callers_ran = any_woken && !self.callers_ran;
        if self.callers_ran {
            cx.waker().wake_by_ref();
        }
        self.callers_ran
    }

    /// Closes or aborts the connection if a handle has requested it.
    fn apply_close_request(&mut self, now: Instant) {
        match self.close_request.take() {
            Some(CloseRequest::Abort) => self.closing.abort("aborted", now),
            Some(CloseRequest::Close(close)) => self.close(close, now),
            None => {}
        }
    }

    /// Writes the local close frame after everything that was queued, and stops the handlers.
    fn close(&mut self, close: Close, now: Instant) {
        if !self.closing.is_open() {
            return;
        }
        self.shared.drain(self.transport.output());
        self.transport.close(&close);
        self.stop_handlers();
        self.closing.close_sent(close, after(now, self.shared.endpoint.limits.close_timeout));
    }

    /// Stops the running handlers, and drops the calls that wait to start.
    fn stop_handlers(&mut self) {
        self.shared.forget_handlers();
        self.stop_running();
        self.backlog = Backlog::default();
    }

    /// Records that no more frames can be read.
    fn finish_reading(&mut self, reason: &str, now: Instant) {
        self.closing.finish_reading(reason, after(now, self.shared.endpoint.limits.close_timeout));
    }

    /// Moves queued frames to the output and flushes it. A peer that reads nothing for the write timeout is
    /// disconnected.
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

    /// Registers the task with all that can wake it. Returns true if it has to be polled again at once.
    fn prepare_to_sleep(&mut self, cx: &mut Context<'_>) -> bool {
        let handlers_woken = self.running.register(cx.waker());
        let output_bytes = self.transport.output().len();
        let max_output_bytes = self.shared.endpoint.limits.outbound_bytes;
        let output_full = output_bytes >= max_output_bytes;
        // Waiting senders are woken at half the limit, and not for every byte that the peer reads.
        let has_capacity = !output_full && output_bytes <= max_output_bytes / 2;
        let SleepState { queued, timeout, close, closed_channels } =
            self.shared.prepare_to_sleep(cx.waker(), self.running.len(), output_bytes, has_capacity);
        // Stopped handlers need another turn, which updates the counters.
        let handlers_stopped = !closed_channels.is_empty();
        for channel in closed_channels {
            self.stop_channel(channel, &Reason::new("The channel was aborted"));
        }
        self.close_request = close.filter(|close| self.closing.accepts(close));
        let stall_timeout = self.stalled.map(|(since, _)| after(since, self.shared.endpoint.limits.write_timeout));
        let probe_timeout = self.probe_at.filter(|_| self.closing.is_open());
        let rate_timeout = self.message_rate.deadline().filter(|_| self.closing.is_open());
        let memory_timeout = self.free_memory_at.filter(|_| self.closing.is_open());
        let timeouts = [timeout, stall_timeout, probe_timeout, rate_timeout, memory_timeout, self.closing.deadline()];
        let next_timeout = timeouts.into_iter().flatten().min();
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

    /// Returns true if no frame may be read now, because it could not be stored or answered.
    ///
    /// Waiting calls fill the backlog. Unsent bytes reach three times their limit if the peer sends frames that are
    /// answered automatically, such as pings or messages on unknown channels, and reads nothing.
    fn is_overloaded(&mut self) -> bool {
        let limits = &self.shared.endpoint.limits;
        let unsent_bytes = self.transport.output().len() + self.shared.queued_bytes();
        self.backlog.bytes() >= limits.held_bytes || unsent_bytes >= limits.outbound_bytes.saturating_mul(3)
    }

    /// Returns true if no further handler can start now.
    fn is_full(&mut self) -> bool {
        let limits = &self.shared.endpoint.limits;
        self.open_hook.is_some()
            || self.running.len() >= limits.handlers_in_flight
            || self.shared.blocked_threads() >= limits.handlers_in_flight
            || self.transport.output().len() >= limits.outbound_bytes
    }
}

impl<T> Driver<T> {
    /// Drops everything that belongs to the connection, and records how it was closed. Only the first call counts.
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

    /// Cancels the contexts of a handler, and drops its future.
    fn stop(&self, handler: RunningHandler, reason: Reason) {
        if let Some(state) = &handler.state {
            state.cancel(reason);
            state.handler_finished(&self.shared);
        }
        self.shared.report_drop_panic(drop_catching_panic(handler.future), &handler.event);
        self.log_finished(handler.log);
    }

    /// Reports to the `on_message` hook that a handler has finished.
    fn log_finished(&self, log: Option<Box<CallLog>>) {
        if let Some(mut log) = log {
            log.update(self.shared.outcomes());
            self.shared.endpoint.hooks.message(&self.shared, &log.finished());
        }
    }
}

/// A driver that is dropped while it runs belonged to an aborted task.
impl<T> Drop for Driver<T> {
    fn drop(&mut self) {
        let reason = "the connection's task was ended".to_owned();
        self.finish(Closed { code: Close::ABNORMAL, reason, by_us: true });
    }
}

/// Polls a hook. A panic counts as its return.
fn poll_hook(hook: &mut HookFuture, cx: &mut Context<'_>) -> Poll<()> {
    catch_panic(|| hook.as_mut().poll(cx)).unwrap_or_else(|message| {
        tracing::error!("a hook panicked: {message}");
        Poll::Ready(())
    })
}
