//! The task of a connection. It moves frames between the transport, the core and the handlers.
//!
//! One poll of the task is a turn:
//!
//! 1. Handle the deadlines that have passed, and poll the `on_open` hook.
//! 2. Handle the calls that were held, then read a bounded batch of frames. A call on the main or a named channel
//!    starts its handler, which is polled once, in place; a ready handler writes its response into the transport's
//!    output. Any other message goes to the core, and the returned `Action` says what the driver has to do.
//! 3. Poll the running handlers that were woken.
//! 4. Wake the local callers whose responses arrived. If there are any, the turn ends here, so that they can queue
//!    their next calls before this task writes.
//! 5. Ping a silent peer or disconnect it. Apply a close request, move queued frames to the output, and flush it once.
//! 6. Register the task's waker, report the bytes held, send the calls that wait for capacity, wake the senders that
//!    do, and set the timer. If the server drains and nothing runs, request the close.
//!
//! The task is woken by the transport, by a running handler, by a handle that queued something, or by the timer.

mod backlog;
mod close_progress;
mod dispatch;
mod finish;
mod heartbeat;
mod liveness;
mod message_rate;
mod opening;
mod reading;
mod writing;

pub(crate) use opening::Opened;

use crate::catch_panic::{catch_panic, drop_catching_panic};
use crate::close::{Close, CloseCause, CloseRequest, Closed};
use crate::engine::entering::leave_all;
use crate::engine::epoch::Epoch;
use crate::engine::flushes::Flushes;
use crate::engine::hooks::HookFuture;
use crate::engine::observer::Interest;
use crate::engine::shared::{LocalEndpoint, Mode, Shared, SleepState};
use crate::engine::spans::{ConnectionSpan, connection_span};
use crate::engine::spare_waker::SpareWaker;
use crate::engine::tasks::RunningSet;
use crate::engine::traffic::Reported;
use crate::error::{OpenError, ServiceError};
use crate::limits::Limits;
use crate::proto::Reason;
use crate::rt::{Instant, Timer};
use crate::transport::Transport;
use backlog::Backlog;
use close_progress::CloseProgress;
use finish::Finishing;
use liveness::Liveness;
use message_rate::MessageRate;
use opening::Opening;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// Drives one connection until it is closed.
pub(crate) struct Driver<T> {
    shared: Arc<Shared>,
    epoch: Arc<Epoch>,
    transport: T,
    /// The `on_open` hook. No call starts before it returns.
    opening: Option<Box<Opening>>,
    running: RunningSet,
    backlog: Backlog,
    /// True if the connections together hold `max_buffered_bytes`. Read when a turn begins, and before the driver
    /// sleeps.
    memory_is_short: bool,
    /// Read when a turn begins.
    mode: Mode,
    liveness: Liveness,
    /// The message that has begun to arrive.
    message_rate: MessageRate,
    /// The time at which the transport frees its spare memory.
    free_memory_at: Option<Instant>,
    /// Local callers whose responses arrived in this turn.
    callers: Vec<Waker>,
    /// True if the last turn ended early so that callers could run.
    callers_ran: bool,
    closing: CloseProgress,
    /// The closes that handles had requested when the driver last looked.
    closes: u64,
    timer: Timer,
    spare_waker: SpareWaker,
    /// Handles that wait until the output was written.
    flushes: Flushes,
    /// The last report of traffic, if an observer is interested.
    reported: Option<Box<Reported>>,
    finished: bool,
}

impl<T: Transport> Driver<T> {
    /// Creates the driver of an open transport, and joins the connection to its set of members.
    pub(crate) fn new(shared: Arc<Shared>, mut transport: T) -> Self {
        transport.set_limits(&shared.endpoint.limits);
        shared.members.add(&shared);
        shared.endpoint.observers.tell(&shared, Interest::NONE, |observer, connection| {
            observer.connection_opened(connection);
        });
        let epoch = shared.epoch();
        // The connections of a client have the same id.
        let seed = shared.id.get().wrapping_add(epoch.number << 32);
        let liveness = Liveness::new(&shared.endpoint.limits, shared.endpoint.side, seed);
        let closes = shared.closes();
        let mut driver = Self {
            epoch,
            opening: shared.endpoint.hooks.opened(&shared).map(|hook| Box::new(Opening::new(hook))),
            shared,
            transport,
            running: RunningSet::new(),
            backlog: Backlog::default(),
            memory_is_short: false,
            mode: Mode::Serving,
            liveness,
            message_rate: MessageRate::default(),
            free_memory_at: None,
            callers: Vec::new(),
            callers_ran: false,
            closing: CloseProgress::default(),
            closes,
            timer: Timer::default(),
            spare_waker: SpareWaker::default(),
            flushes: Flushes::default(),
            reported: None,
            finished: false,
        };
        if driver.opening.is_none() {
            driver.drop_request();
        }
        driver
    }

    /// Returns the receiver of the `on_open` hook's result, if there is a hook.
    pub(crate) fn opened(&mut self) -> Option<Opened> {
        self.opening.as_mut().map(|opening| opening.opened())
    }

    /// Runs until the connection is closed and the `on_close` hook has returned.
    #[expect(clippy::manual_async_fn, reason = "the future of an `async fn` would hold the driver twice")]
    pub(crate) fn run(mut self) -> impl Future<Output = ()> + Send
    where
        T: Send,
    {
        async move {
            let span = connection_span(&self.shared, &self.epoch);
            let closed = poll_fn(|cx| {
                let polled = catch_panic(|| ConnectionSpan::scope(span.as_deref(), || self.poll(cx)));
                polled.unwrap_or_else(|message| Poll::Ready(transport_panicked(&message)))
            });
            let closed = closed.await;
            tracing::debug!(peer = %self.shared.id, code = closed.code, reason = closed.reason, "closed");
            ConnectionSpan::scope(span.as_deref(), || self.finish(&closed));
            // Also if the hook is cancelled.
            let finishing = Finishing(Arc::clone(&self.shared));
            let (shared, epoch) = (&finishing.0, Arc::clone(&self.epoch));
            shared.report_drop_panic(drop_catching_panic(self), "the transport");
            let mut timer = Timer::default();
            let left = leave_all(shared, &epoch).into_iter().map(|hook| ("on_leave", hook));
            let hooks = shared.endpoint.hooks.closed(shared, &closed).into_iter().map(|hook| ("on_close", hook));
            for (name, mut hook) in left.chain(hooks) {
                poll_fn(|cx| {
                    // A call may wait for the next connection of a client, and the hook for that call.
                    shared.keep_waiting_deadlines(cx, &mut timer);
                    ConnectionSpan::scope(span.as_deref(), || poll_close_hook(shared, name, &mut hook, cx))
                })
                .await;
            }
            if let Some(span) = span {
                span.record_close(&closed);
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Closed> {
        let mode = self.shared.begin_turn();
        if mode != std::mem::replace(&mut self.mode, mode) {
            // Those that go on over another connection end now.
            self.running.wake_streams();
        }
        self.memory_is_short = self.shared.endpoint.budget.is_exhausted();
        let now = Instant::now();
        self.handle_timeout(now);
        self.poll_open_hook(cx, now);
        let mut poll_again = self.read(cx, now);
        poll_again |= self.poll_running();
        if self.let_callers_run(cx) {
            return Poll::Pending;
        }
        self.check_heartbeat(now);
        self.apply_close_request(now);
        self.flush(cx, now);
        if let Some(closed) = self.closing.closed(now) {
            return Poll::Ready(closed);
        }
        poll_again |= self.prepare_to_sleep(cx);
        if self.shared.endpoint.observers.any_interest(Interest::TRAFFIC) {
            self.reported.get_or_insert_default().tell_changes(&self.shared);
        }
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
        // An authentication that has expired. Nothing is read after that.
        self.closing.requested |= self.shared.closes() != self.closes;
        self.apply_close_request(now);
        let LocalEndpoint { budget, limits, .. } = &*self.shared.endpoint;
        if self.memory_is_short && budget.take_overdue(now, limits.write_timeout) {
            self.shared.close_largest_holder();
        }
    }

    /// Polls the `on_open` hook. Its failure closes the connection, unless the hook has requested a close itself. That
    /// is applied before any call starts.
    fn poll_open_hook(&mut self, cx: &mut Context<'_>, now: Instant) {
        let timeout = self.shared.endpoint.limits.open_timeout;
        let Some(opening) = &mut self.opening else { return };
        let Poll::Ready(result) = opening.poll(cx, now, timeout) else { return };
        if result.is_ok() {
            self.drop_request();
            self.shared.finish_opening();
        }
        let close = result.as_ref().err().map(|error| match error {
            OpenError::TimedOut => Close::new(Close::INTERNAL_ERROR, "the connection was not opened in time"),
            _ => Close::new(Close::INTERNAL_ERROR, "the connection could not be opened"),
        });
        if let Err(error) = &result {
            self.shared.report(&ServiceError::Open(error.clone()));
        }
        self.drop_open_hook(|opening| opening.finish(result));
        self.closing.requested = true;
        self.apply_close_request(now);
        if let Some(close) = close {
            self.close(&close, CloseCause::Local, now);
        }
    }

    /// Wakes the callers whose responses arrived and lets them run once before this task writes, so that their next
    /// frames leave with one write. Returns true if the turn ends here.
    fn let_callers_run(&mut self, cx: &mut Context<'_>) -> bool {
        let any_woken = !self.callers.is_empty();
        if any_woken {
            self.callers.drain(..).for_each(Waker::wake);
        }
        self.callers_ran = any_woken && !self.callers_ran;
        if self.callers_ran {
            cx.waker().wake_by_ref();
        }
        self.callers_ran
    }

    /// Registers the task with all that can wake it. Returns true if it has to be polled again at once.
    fn prepare_to_sleep(&mut self, cx: &mut Context<'_>) -> bool {
        let handlers_woken = self.running.register(cx.waker());
        let output_bytes = self.transport.output().len();
        let max_output_bytes = self.shared.endpoint.limits.max_outbound_bytes;
        let output_full = output_bytes >= max_output_bytes;
        self.spare_waker.prepare(cx.waker());
        let driver_bytes = self.begun_bytes() + self.backlog.bytes() + self.shared.bytes_waiting_for_threads();
        let (running, accepts) = (self.running.len(), |request: &CloseRequest| self.closing.accepts(request));
        let is_drained = self.mode == Mode::Draining && self.is_idle();
        let SleepState { queued, timeout, close_requested, closed_channels } = self.shared.prepare_to_sleep(
            &mut self.spare_waker,
            running,
            output_bytes,
            driver_bytes,
            is_drained,
            &accepts,
        );
        // It began during this turn, which did not see it, and has not woken the driver.
        let drain_began = self.mode != self.shared.mode();
        self.closing.requested = close_requested;
        let shortage_timeout = self.follow_shortage();
        // Stopped handlers need another turn, which updates the counters.
        let handlers_stopped = !closed_channels.is_empty();
        if handlers_stopped {
            for (channel, reason) in closed_channels {
                self.stop_channel(channel, &reason);
            }
        }
        let Limits { write_timeout, heartbeat_grace, .. } = self.shared.endpoint.limits;
        let stall_timeout = self.liveness.stall_deadline(write_timeout);
        let liveness_timeout = self.liveness.wake_time(heartbeat_grace).filter(|_| self.closing.is_open());
        let open_timeout = self.opening.as_ref().and_then(|opening| opening.deadline());
        let rate_timeout = self.message_rate.deadline().filter(|_| self.closing.is_open());
        let memory_timeout = self.free_memory_at.filter(|_| self.closing.is_open());
        let timeouts = [
            timeout,
            stall_timeout,
            liveness_timeout,
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
        let can_read = self.liveness.is_reading_paused() && !self.is_overloaded();
        handlers_woken
            || handlers_stopped
            || drain_began
            || timer_elapsed
            || can_start
            || can_send
            || can_read
            || self.closing.requested
    }

    /// Waits for memory if it is short and reading is paused. Returns the time at which the largest holder is closed,
    /// if this connection holds something.
    fn follow_shortage(&mut self) -> Option<Instant> {
        let LocalEndpoint { budget, limits, .. } = &*self.shared.endpoint;
        self.memory_is_short = budget.is_exhausted();
        if !self.memory_is_short {
            return None;
        }
        if self.liveness.is_reading_paused() {
            budget.wait(&self.shared);
        }
        // A connection that holds nothing has not caused it.
        if self.shared.reported_bytes() > 0 { budget.deadline(limits.write_timeout) } else { None }
    }
}

/// Ends a connection after a panic. What belongs to the program is caught where it is called, except the transport.
#[cold]
fn transport_panicked(message: &str) -> Closed {
    tracing::error!("the transport panicked: {message}");
    Closed::transport_panicked(message)
}

/// Polls the `on_close` hook. A panic counts as its return.
fn poll_close_hook(shared: &Shared, name: &'static str, hook: &mut HookFuture, cx: &mut Context<'_>) -> Poll<()> {
    catch_panic(|| hook.as_mut().poll(cx)).unwrap_or_else(|message| {
        shared.report_hook_panic(name, &message);
        Poll::Ready(())
    })
}
