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
//! 6. Register the task's waker, send the calls that wait for capacity, wake the senders that do, and set the timer.
//!
//! The task is woken by the transport, by a running handler, by a handle that queued something, or by the timer.

mod backlog;
mod closing;
mod dispatch;
mod message_rate;
mod opening;

pub(crate) use opening::Opened;

use crate::catch_panic::{catch_panic, drop_catching_panic};
use crate::close::{Close, CloseCause, CloseRequest, Closed};
use crate::engine::flushes::Flushes;
use crate::engine::handler::Sessions;
use crate::engine::hooks::{HookFuture, OpenFuture};
use crate::engine::message_log::CallLog;
use crate::engine::shared::{LocalEndpoint, Shared, SleepState};
use crate::engine::spare_waker::SpareWaker;
use crate::engine::tasks::{RunningHandler, RunningSet};
use crate::error::{OpenError, PeerError};
use crate::proto::{Address, Call, Message, Reason};
use crate::rt::{Timer, after};
use crate::transport::{Frame, Transport, TransportError};
use backlog::Backlog;
use bytes::Bytes;
use closing::CloseProgress;
use message_rate::MessageRate;
use opening::Opening;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::Instant;

/// Sent bytes that a transport may hold until its flush is complete. A TLS stream holds at most 64 KiB and one record.
const MAX_UNFLUSHED: u64 = 128 * 1024;

/// Messages or bytes after which a turn stops reading, so that other tasks can run.
const TURN_MESSAGES: usize = 256;
const TURN_BYTES: usize = 64 * 1024;
/// The size of a begun message that is read to its end although memory is short.
const SMALL_MESSAGE: usize = 64 * 1024;

/// The time for which the transport keeps memory that it does not need now. So a connection with many large messages
/// seldom allocates it again.
const SPARE_MEMORY_TIME: Duration = Duration::from_millis(500);

/// Drives one connection until it is closed.
pub(crate) struct Driver<T> {
    shared: Arc<Shared>,
    transport: T,
    member_key: usize,
    /// The `on_open` hook. No call starts before it returns.
    opening: Option<Box<Opening>>,
    running: RunningSet,
    sessions: Sessions,
    backlog: Backlog,
    /// True if the connections together hold `max_buffered_bytes`. Read once in a turn, and before the driver sleeps.
    memory_is_short: bool,
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
    spare_waker: SpareWaker,
    /// Handles that wait until the output was written.
    flushes: Flushes,
    finished: bool,
}

impl<T: Transport> Driver<T> {
    /// Creates the driver of an open transport, and joins the connection to its set of members.
    pub(crate) fn new(shared: Arc<Shared>, mut transport: T) -> Self {
        transport.set_limits(&shared.endpoint.limits);
        Self {
            member_key: shared.members.join(Arc::clone(&shared)),
            opening: shared.endpoint.hooks.opened(&shared).map(|hook| Box::new(Opening::new(hook))),
            shared,
            transport,
            running: RunningSet::new(),
            sessions: Sessions::new(),
            backlog: Backlog::default(),
            memory_is_short: false,
            probe_at: None,
            message_rate: MessageRate::default(),
            free_memory_at: None,
            callers: Vec::new(),
            callers_ran: false,
            close_request: None,
            closing: CloseProgress::default(),
            stalled: None,
            timer: Timer::default(),
            spare_waker: SpareWaker::default(),
            flushes: Flushes::default(),
            finished: false,
        }
    }

    /// Returns the receiver of the `on_open` hook's result, if there is a hook.
    pub(crate) fn opened(&mut self) -> Option<Opened> {
        self.opening.as_mut().map(|opening| opening.opened())
    }

    /// Runs until the connection is closed and the `on_close` hook has returned.
    pub(crate) async fn run(mut self) {
        let closed = poll_fn(|cx| self.poll(cx)).await;
        tracing::debug!(peer = %self.shared.id, code = closed.code, reason = closed.reason, "closed");
        self.finish(closed.clone());
        // Also if the hook is cancelled.
        let finishing = Finishing(Arc::clone(&self.shared));
        drop(self);
        let shared = &finishing.0;
        if let Some(mut hook) = shared.endpoint.hooks.closed(shared, &closed) {
            poll_fn(|cx| poll_hook(&mut hook, cx)).await;
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Closed> {
        self.shared.begin_turn();
        self.memory_is_short = self.shared.endpoint.budget.is_exhausted();
        let now = Instant::now();
        self.handle_timeout(now);
        self.poll_open_hook(cx, now);
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
        let LocalEndpoint { budget, limits, .. } = &*self.shared.endpoint;
        if self.memory_is_short && budget.take_overdue(now, limits.write_timeout) {
            self.shared.close_largest_holder();
        }
    }

    /// Polls the `on_open` hook. Its failure closes the connection.
    fn poll_open_hook(&mut self, cx: &mut Context<'_>, now: Instant) {
        let timeout = self.shared.endpoint.limits.open_timeout;
        let Some(opening) = &mut self.opening else { return };
        let Poll::Ready(result) = opening.poll(cx, now, timeout) else { return };
        let close = result.as_ref().err().map(|error| match error {
            OpenError::TimedOut => Close::new(Close::INTERNAL_ERROR, "the connection was not opened in time"),
            _ => Close::new(Close::INTERNAL_ERROR, "the connection could not be opened"),
        });
        if let Err(error) = &result {
            self.shared.report(&PeerError::Open(error.clone()));
        }
        self.drop_open_hook(|opening| opening.finish(result));
        if let Some(close) = close {
            self.close(&close, CloseCause::Local, now);
        }
    }

    /// Handles waiting calls, then reads and handles frames. Returns true if there may be more.
    fn read(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let (mut messages, mut bytes) = (0, 0);
        while messages < TURN_MESSAGES && !self.is_full() && self.closing.is_open() {
            let Some((frame, received_at)) = self.backlog.pop() else { break };
            messages += 1;
            self.handle_held_frame(cx, &frame, received_at);
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
                        if self.memory_is_short {
                            self.receive_in_shortage(cx, &frame, now);
                        } else {
                            self.receive_frame(cx, &frame, now);
                        }
                    }
                }
                Poll::Ready(Some(Ok(Frame::Ping(_) | Frame::Pong(_)))) => messages += 1,
                Poll::Ready(Some(Ok(Frame::Close(close)))) => {
                    let closed = Closed::new(CloseCause::Remote, &close);
                    let deadline = after(now, self.shared.endpoint.limits.close_timeout);
                    let closed = self.closing.close_received(closed, deadline);
                    self.shared.announce_close(&closed);
                    self.stop_handlers();
                    // The peer sends no responses any more, and ignores further frames.
                    self.shared.disconnect(closed);
                }
                Poll::Ready(Some(Err(TransportError::Violation(close)))) => {
                    let cause = CloseCause::of_violation(&close);
                    self.close(&close, cause, now);
                }
                Poll::Ready(Some(Err(TransportError::Io(error)))) => self.fail(error, now),
                Poll::Ready(None) => self.finish_reading(Closed::lost(None), now),
            }
        }
        true
    }

    /// Closes the connection if a message arrives too slowly. Called when everything that has arrived was read.
    fn check_message_rate(&mut self, now: Instant) {
        let min_rate = self.shared.endpoint.limits.min_message_rate;
        if self.message_rate.is_too_slow(self.transport.begun_message(), min_rate, now) {
            let reason = format!("the message arrives at less than {min_rate} bytes per second");
            self.close(&Close::new(Close::POLICY_VIOLATION, reason), CloseCause::Limit, now);
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
        self.free_memory_at = None;
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

    /// Handles a frame while memory is short. Requests are rejected, and no call joins the backlog.
    fn receive_in_shortage(&mut self, cx: &mut Context<'_>, frame: &Bytes, now: Instant) {
        if !self.backlog.is_empty()
            && let Message::Cancellation(id, _) = Message::decode(std::str::from_utf8(frame).unwrap_or_default())
            && self.backlog.cancel(id)
        {
            return;
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
            Some(CloseRequest::Abort) => self.closing.abort(CloseCause::Local, "aborted", now),
            Some(CloseRequest::Close(close, cause)) => self.close(&close, cause, now),
            None => {}
        }
    }

    /// Writes the local close frame after everything that was queued, and stops the handlers.
    fn close(&mut self, close: &Close, cause: CloseCause, now: Instant) {
        if !self.closing.is_open() {
            return;
        }
        self.drain();
        self.transport.close(close);
        let closed = Closed::new(cause, close);
        self.shared.announce_close(&closed);
        self.stop_handlers();
        if cause != CloseCause::Local {
            // No more frames are read, so no response can come.
            self.shared.disconnect(closed.clone());
        }
        self.closing.close_sent(closed, after(now, self.shared.endpoint.limits.close_timeout));
    }

    /// Stops the running handlers, and drops the calls that wait to start.
    fn stop_handlers(&mut self) {
        self.shared.forget_handlers();
        self.stop_running();
        self.backlog = Backlog::default();
    }

    /// Reports an error of the transport, after which no more frames can be read.
    fn fail(&mut self, error: io::Error, now: Instant) {
        if self.closing.is_reading_finished() {
            return;
        }
        let source = Arc::new(error);
        self.shared.report(&PeerError::Transport { source: Arc::clone(&source) });
        self.finish_reading(Closed::lost(Some(source)), now);
    }

    /// Records that no more frames can be read.
    fn finish_reading(&mut self, lost: Closed, now: Instant) {
        self.closing.finish_reading(lost, after(now, self.shared.endpoint.limits.close_timeout));
    }

    /// Moves queued frames to the output and flushes it. A peer that reads nothing for the write timeout is
    /// disconnected.
    fn flush(&mut self, cx: &mut Context<'_>, now: Instant) {
        if self.closing.is_open() && self.transport.output().len() < self.shared.endpoint.limits.outbound_bytes {
            self.drain();
        }
        match self.transport.poll_flush(cx) {
            Poll::Ready(flushed) => {
                self.stalled = None;
                match flushed {
                    Ok(()) => self.complete_flushes(0),
                    Err(error) => self.fail(error, now),
                }
                self.closing.flushed(now);
            }
            Poll::Pending => {
                self.complete_flushes(MAX_UNFLUSHED);
                let sent = self.transport.output().sent();
                match self.stalled {
                    Some((since, sent_before)) if sent_before == sent => {
                        if now >= after(since, self.shared.endpoint.limits.write_timeout) {
                            self.closing.abort(CloseCause::Unread, "the peer does not read", now);
                        }
                    }
                    _ => self.stalled = Some((now, sent)),
                }
            }
        }
    }

    /// Moves queued frames to the output.
    fn drain(&mut self) {
        let output = self.transport.output();
        let flushes = self.shared.drain_and_take_flushes(output);
        self.flushes.append(flushes, output.sent() + output.len() as u64);
    }

    /// Notifies the handles whose frames were written. The transport may still hold the last `unflushed` bytes.
    fn complete_flushes(&mut self, unflushed: u64) {
        if !self.flushes.is_empty() {
            let written = self.transport.output().sent().saturating_sub(unflushed);
            self.flushes.complete(written);
        }
    }

    /// Registers the task with all that can wake it. Returns true if it has to be polled again at once.
    fn prepare_to_sleep(&mut self, cx: &mut Context<'_>) -> bool {
        let handlers_woken = self.running.register(cx.waker());
        let output_bytes = self.transport.output().len();
        let max_output_bytes = self.shared.endpoint.limits.outbound_bytes;
        let output_full = output_bytes >= max_output_bytes;
        // Waiting senders are woken at half the limit, and not for every byte that the peer reads.
        self.spare_waker.prepare(cx.waker());
        let has_capacity = !output_full && output_bytes <= max_output_bytes / 2;
        let driver_bytes = self.begun_bytes() + self.backlog.bytes() + self.shared.bytes_waiting_for_threads();
        let SleepState { queued, timeout, close, closed_channels } = self.shared.prepare_to_sleep(
            &mut self.spare_waker,
            self.running.len(),
            output_bytes,
            driver_bytes,
            has_capacity,
        );
        let shortage_timeout = self.follow_shortage();
        // Stopped handlers need another turn, which updates the counters.
        let handlers_stopped = !closed_channels.is_empty();
        for (channel, reason) in closed_channels {
            self.stop_channel(channel, &reason);
        }
        self.close_request = close.filter(|close| self.closing.accepts(close));
        let stall_timeout = self.stalled.map(|(since, _)| after(since, self.shared.endpoint.limits.write_timeout));
        let probe_timeout = self.probe_at.filter(|_| self.closing.is_open());
        let open_timeout = self.opening.as_ref().and_then(|opening| opening.deadline());
        let rate_timeout = self.message_rate.deadline().filter(|_| self.closing.is_open());
        let memory_timeout = self.free_memory_at.filter(|_| self.closing.is_open());
        let timeouts = [
            timeout,
            stall_timeout,
            probe_timeout,
            shortage_timeout,
            open_timeout,
            rate_timeout,
            memory_timeout,
            self.closing.deadline(),
        ];
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

    /// Waits for memory if it is short and reading is paused. Returns the time at which the largest holder is closed,
    /// if this connection holds something.
    fn follow_shortage(&mut self) -> Option<Instant> {
        let LocalEndpoint { budget, limits, .. } = &*self.shared.endpoint;
        self.memory_is_short = budget.is_exhausted();
        if !self.memory_is_short {
            return None;
        }
        if self.probe_at.is_some() {
            budget.wait(&self.shared);
        }
        // A connection that holds nothing has not caused it.
        if self.shared.reported_bytes() > 0 { budget.deadline(limits.write_timeout) } else { None }
    }

    /// Returns true if no frame may be read now, because it could not be stored or answered.
    ///
    /// Waiting calls fill the backlog. Unsent bytes reach three times their limit if the peer sends frames that are
    /// answered automatically, such as pings or messages on unknown channels, and reads nothing. While memory is short,
    /// a large message is not read to its end.
    fn is_overloaded(&mut self) -> bool {
        let limits = &self.shared.endpoint.limits;
        let unsent_bytes = self.transport.output().len() + self.shared.queued_bytes();
        self.backlog.bytes() >= limits.held_bytes
            || unsent_bytes >= limits.outbound_bytes.saturating_mul(3)
            || (self.memory_is_short && self.begun_bytes() > SMALL_MESSAGE)
    }

    /// Returns the size of the received part of a message that is not complete.
    fn begun_bytes(&self) -> usize {
        self.transport.begun_message().map_or(0, |message| usize::try_from(message.bytes).unwrap_or(usize::MAX))
    }

    /// Returns true if no further handler can start now.
    fn is_full(&mut self) -> bool {
        let limits = &self.shared.endpoint.limits;
        self.opening.is_some()
            || self.running.len() >= limits.handlers_in_flight
            || self.shared.bytes_waiting_for_threads() >= limits.held_bytes
            || self.transport.output().len() >= limits.outbound_bytes
    }
}

impl<T> Driver<T> {
    /// Drops everything that belongs to the connection, and records how it was closed. Returns false if that was done
    /// before.
    fn finish(&mut self, closed: Closed) -> bool {
        if std::mem::replace(&mut self.finished, true) {
            return false;
        }
        self.shared.members.leave(self.member_key);
        self.shared.announce_close(&closed);
        self.stop_running();
        self.drop_open_hook(|opening| opening.disconnect(&closed));
        for session in std::mem::take(&mut self.sessions) {
            self.shared.report_drop_panic(drop_catching_panic(session), "a session");
        }
        self.shared.begin_finish(closed);
        true
    }

    /// Drops the `on_open` hook that `finish` returns.
    fn drop_open_hook(&mut self, finish: impl FnOnce(Opening) -> OpenFuture) {
        if let Some(opening) = self.opening.take() {
            self.shared.report_drop_panic(drop_catching_panic(finish(*opening)), "on_open");
        }
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
        if self.finish(Closed::abnormal(CloseCause::Local, "the connection's task was ended")) {
            self.shared.set_closed();
        }
    }
}

/// Records that a connection is closed when its `on_close` hook has returned or was cancelled.
struct Finishing(Arc<Shared>);

impl Drop for Finishing {
    fn drop(&mut self) {
        self.0.set_closed();
    }
}

/// Polls a hook. A panic counts as its return.
fn poll_hook(hook: &mut HookFuture, cx: &mut Context<'_>) -> Poll<()> {
    catch_panic(|| hook.as_mut().poll(cx)).unwrap_or_else(|message| {
        tracing::error!("a hook panicked: {message}");
        Poll::Ready(())
    })
}
