//! The part of a client's task during a connection.

use super::connector::Running;
use super::mailbox::{Command, News, Request};
use super::state::ClientState;
use super::task::{ClientTask, Step};
use crate::catch_panic::drop_logging_panic;
use crate::close::{Close, CloseCause, CloseRequest, Closed};
use crate::engine::{Epoch, Opened};
use crate::error::{ConnectError, OpenError};
use crate::rt::{Instant, after};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// The least time for the `on_close` hooks of a client that stops.
const HOOK_TIME: Duration = Duration::from_secs(1);

/// The requests to a connected client.
#[derive(Default)]
struct Interruption {
    /// The waker that the mailbox wakes.
    waker: Option<Waker>,
    command: Option<Request>,
    stops: bool,
    /// True if all handles were dropped.
    is_released: bool,
    /// The time of the stop. A connection that is not closed until then is aborted.
    stop_at: Option<Instant>,
    is_aborted: bool,
    /// The time at which the `on_close` hooks began to be awaited.
    hooks_since: Option<Instant>,
}

/// Returns the result of the `on_open` hook once.
fn poll_opened(opened: &mut Option<Opened>, cx: &mut Context<'_>) -> Option<Result<(), OpenError>> {
    let Poll::Ready(result) = Pin::new(opened.as_mut()?).poll(cx) else { return None };
    *opened = None;
    Some(result.unwrap_or_else(|_| Err(OpenError::Closed(Arc::new(Closed::lost(None))))))
}

impl ClientTask {
    /// Drives a connection until it is closed, and decides about the next step.
    pub(super) async fn drive(&mut self, running: Running) -> Step {
        let Running { mut driver, mut opened } = running;
        let epoch = self.shared.epoch();
        self.shared.set_reconnects(self.supervision.policy.is_some() && self.connector.is_some());
        let mut opened_at = None;
        let mut open_error = None;
        match &opened {
            None => opened_at = Some(self.opened(epoch.number)),
            Some(_) => self.set_state(ClientState::Connecting { attempt: self.backoff.attempts().max(1) }),
        }
        let mut interruption = Interruption::default();
        poll_fn(|cx| {
            self.interrupt_drive(cx, &mut interruption);
            let polled = driver.as_mut().poll(cx);
            if let Some(result) = poll_opened(&mut opened, cx) {
                match result {
                    Ok(()) => opened_at = Some(self.opened(epoch.number)),
                    Err(error) => {
                        let is_replaced = interruption.command.is_some() || interruption.stops;
                        if !self.retries && !is_replaced {
                            self.answer(Err(Arc::new(ConnectError::Open(error.clone()))));
                        }
                        open_error = Some(error);
                    }
                }
            }
            if polled.is_pending() && self.are_hooks_overdue(cx, &epoch, &mut interruption) {
                return Poll::Ready(());
            }
            polled
        })
        .await;
        // An `on_close` hook that is given up is a user's.
        drop_logging_panic(driver, "on_close");
        let request = self.shared.begin_offline();
        let lost = || Arc::new(Closed::lost(None));
        let closed = epoch.result().unwrap_or_else(lost);
        if interruption.stops || self.control.mailbox.is_released() {
            return Step::Stop;
        }
        // A close that came after the request counts.
        let is_revoked = interruption.command.as_ref().is_some_and(|request| request.closes != self.shared.closes());
        if let Some(request) = interruption.command
            && let Some(step) = self.next_step(request)
        {
            return step;
        }
        let closed_itself =
            is_revoked || matches!(request, Some(CloseRequest::Close(_, CloseCause::Local) | CloseRequest::Abort));
        match (opened_at, open_error) {
            // The hook's own failure is repeated like a failed attempt.
            (None, Some(error @ (OpenError::Failed(_) | OpenError::TimedOut))) => {
                self.failed(ConnectError::Open(error))
            }
            // Whoever waits is answered when the client gives up.
            (opened_at, _) => {
                let open_for = opened_at.map_or(Duration::ZERO, |at: Instant| at.elapsed());
                self.lost(closed, open_for, closed_itself)
            }
        }
    }

    /// Handles the requests to a client that is connected.
    #[inline]
    fn interrupt_drive(&mut self, cx: &mut Context<'_>, interruption: &mut Interruption) {
        if !interruption.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            interruption.waker = Some(cx.waker().clone());
            self.control.mailbox.register(cx.waker());
        }
        if let Some(News { command, stop, is_released }) = self.control.mailbox.take() {
            interruption.is_released = is_released;
            self.close_for(command, stop, interruption);
        }
        if let Some(deadline) = interruption.stop_at.filter(|_| !interruption.is_aborted)
            && (self.timer.set(Some(deadline), cx) || deadline <= Instant::now())
        {
            interruption.is_aborted = true;
            self.shared.close_for_next(CloseRequest::Abort);
        }
    }

    /// Returns true if the `on_close` hooks are given up, because the client waits for them to stop or to use another
    /// connection. The hook itself may wait for that.
    #[inline]
    fn are_hooks_overdue(&mut self, cx: &mut Context<'_>, epoch: &Epoch, interruption: &mut Interruption) -> bool {
        let is_awaited = interruption.stops || interruption.is_released || interruption.command.is_some();
        let reconnects = self.supervision.policy.is_some() && self.connector.is_some();
        if !(is_awaited || reconnects) || !epoch.is_disconnected() {
            return false;
        }
        let now = Instant::now();
        let since = *interruption.hooks_since.get_or_insert(now);
        let deadline = match interruption.stop_at {
            // A later stop may be shorter, and a stop may follow a restart.
            Some(stop) => stop.max(after(since, HOOK_TIME)),
            None if is_awaited => after(since, self.shared.endpoint.limits.close_timeout),
            // A client that connects again by itself is not held up for ever.
            None => after(since, self.shared.endpoint.limits.open_timeout),
        };
        self.timer.set(Some(deadline), cx) || deadline <= now
    }

    /// Closes the connection, because the client stops or uses another one.
    #[cold]
    fn close_for(&mut self, request: Option<Request>, stop: Option<Instant>, interruption: &mut Interruption) {
        let close = match request.as_ref().map(|request| &request.command) {
            _ if stop.is_some() && !interruption.stops => Some(self.supervision.closing(Close::NORMAL)),
            Some(Command::Restart(_)) if self.connector.is_none() => None,
            Some(Command::Restart(_)) => Some(self.supervision.closing(Close::GOING_AWAY)),
            Some(_) => Some(Close::new(Close::GOING_AWAY, "the client connects again")),
            None => None,
        };
        if let Some(Close { code, reason }) = close {
            self.shared.close_for_next(CloseRequest::local(Close::sendable(code), reason));
        }
        if stop.is_some() {
            (interruption.stops, interruption.stop_at) = (true, stop);
        }
        match request {
            Some(Request { command: Command::Restart(waiter), .. }) if self.connector.is_none() => {
                let _ = waiter.send(Err(Arc::new(ConnectError::NoDestination)));
            }
            Some(request) => {
                // There will be another connection.
                self.shared.set_reconnects(true);
                // Its transport is a user's.
                drop_logging_panic(interruption.command.replace(request), "a transport");
            }
            None => {}
        }
    }
}
