//! The task of a client: it opens its connections, one after the other. `drive` has the part during a connection.

use super::backoff::Backoff;
use super::connector::{BoxConnector, NewConnection, Running};
use super::control::Control;
use super::mailbox::{Command, News, Request, Waiter};
use super::retry_after::retry_after;
use super::state::{ClientState, Disconnected};
use super::stop::Ending;
use super::supervision::Supervision;
use crate::catch_panic::{catch_panic, drop_logging_panic};
use crate::close::{CloseCause, CloseRequest, Closed};
use crate::engine::{OfflineState, Shared};
use crate::error::{ConnectError, OpenError};
use crate::rt::{Instant, Timer, yield_now};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// The task of a client.
pub(super) struct ClientTask {
    pub(super) shared: Arc<Shared>,
    pub(super) control: Arc<Control>,
    pub(super) supervision: Supervision,
    pub(super) backoff: Backoff,
    pub(super) connector: Option<BoxConnector>,
    /// The handle that waits until the next connection is open.
    waiter: Option<Waiter>,
    /// True if failed attempts are repeated.
    pub(super) retries: bool,
    pub(super) timer: Timer,
    /// Dropped last. Taken when the client has ended and background tasks may be left.
    ending: Option<Ending>,
}

/// The next step of a client.
pub(super) enum Step {
    /// Wait for a request.
    Idle,
    /// Connect.
    Attempt,
    /// Wait until the next attempt.
    Wait(Instant),
    /// Use a connection that is open.
    Bind(NewConnection),
    /// Drive a connection.
    Drive(Running),
    /// End the task.
    Stop,
}

/// A request to a client without a connection.
enum Interrupt {
    News(News),
    /// It gives up.
    Close(CloseRequest),
}

impl ClientTask {
    pub(super) fn new(shared: &Arc<Shared>, control: &Arc<Control>, supervision: Supervision) -> Self {
        let backoff = Backoff::new(supervision.policy.clone().unwrap_or_default());
        Self {
            shared: Arc::clone(shared),
            control: Arc::clone(control),
            supervision,
            backoff,
            connector: None,
            waiter: None,
            retries: false,
            timer: Timer::default(),
            ending: Some(Ending::new(control, &shared.endpoint)),
        }
    }

    /// Runs until the client is stopped or its last handle is dropped. It begins with this connection, if there is one.
    pub(super) async fn run(mut self, first: Option<Running>) {
        let mut step = first.map_or(Step::Idle, Step::Drive);
        loop {
            step = match step {
                Step::Idle => self.interrupted(None).await,
                Step::Wait(until) => self.interrupted(Some(until)).await,
                Step::Attempt => self.attempt().await,
                Step::Bind(connection) => self.bind(connection),
                Step::Drive(running) => self.drive(running).await,
                Step::Stop => break,
            };
        }
        let ending = self.ending.take();
        drop(self);
        if let Some(ending) = ending {
            ending.wait_for_background().await;
        }
    }

    /// Waits for a request, or until the next attempt is due.
    async fn interrupted(&mut self, until: Option<Instant>) -> Step {
        loop {
            let interrupt = poll_fn(|cx| match self.poll_interrupt(cx, until) {
                Poll::Ready(interrupt) => Poll::Ready(Some(interrupt)),
                Poll::Pending if until.is_some_and(|until| until <= Instant::now()) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            });
            match interrupt.await {
                None => return Step::Attempt,
                Some(interrupt) => {
                    if let Some(step) = self.handle_interrupt(interrupt, until.is_some()) {
                        return step;
                    }
                }
            }
        }
    }

    /// Waits for a request while there is no connection, and handles the deadlines of calls that wait for one.
    fn poll_interrupt(&mut self, cx: &mut Context<'_>, until: Option<Instant>) -> Poll<Interrupt> {
        loop {
            // A close comes before a request that was made after it.
            let OfflineState { close, timeout } = self.shared.poll_offline(cx, Instant::now());
            if let Some(close) = close {
                return Poll::Ready(Interrupt::Close(close));
            }
            self.control.mailbox.register(cx.waker());
            if let Some(news) = self.control.mailbox.take() {
                return Poll::Ready(Interrupt::News(news));
            }
            if !self.timer.set(timeout.into_iter().chain(until).min(), cx) {
                return Poll::Pending;
            }
            if until.is_some_and(|until| until <= Instant::now()) {
                return Poll::Pending;
            }
        }
    }

    /// Returns the next step, or `None` to go on as before. `is_trying` is true if the client tries to connect.
    fn handle_interrupt(&mut self, interrupt: Interrupt, is_trying: bool) -> Option<Step> {
        match interrupt {
            Interrupt::News(News { stop: Some(_), .. } | News { is_released: true, .. }) => Some(Step::Stop),
            Interrupt::News(News { command, .. }) => command.and_then(|request| self.next_step(request)),
            Interrupt::Close(request) => {
                let closed = Arc::new(request.result());
                self.shared.close_offline(&closed);
                // A client that is closed already stays as it is.
                is_trying.then(|| self.give_up(Disconnected::Lost(closed)))
            }
        }
    }

    /// Returns the step by which a request for the next connection is handled, if there is one.
    pub(super) fn next_step(&mut self, Request { command, closes }: Request) -> Option<Step> {
        if closes != self.shared.closes() {
            // Nobody may wait for it.
            let _ = command.into_waiter().send(Err(revoked()));
            return None;
        }
        self.backoff.reset();
        match command {
            Command::Connect(connector, waiter) => {
                drop_logging_panic(self.connector.replace(connector), "the former connector");
                self.waiter = Some(waiter);
                self.retries = self.supervision.policy.as_ref().is_some_and(|policy| policy.first_connect);
                Some(Step::Attempt)
            }
            Command::Bind(connection, waiter) => {
                self.waiter = Some(waiter);
                self.retries = false;
                Some(Step::Bind(connection))
            }
            Command::Restart(waiter) if self.connector.is_none() => {
                // Nobody may wait for it.
                let _ = waiter.send(Err(Arc::new(ConnectError::NoDestination)));
                None
            }
            Command::Restart(waiter) => {
                self.waiter = Some(waiter);
                // A client that was never connected may have a wrong URL.
                let was_connected = self.shared.epoch().number > 0;
                self.retries = self.supervision.policy.as_ref().is_some_and(|it| was_connected || it.first_connect);
                Some(Step::Attempt)
            }
        }
    }

    /// Tries to connect once.
    async fn attempt(&mut self) -> Step {
        let Some(connector) = self.connector.clone() else { return Step::Idle };
        let attempt = self.backoff.next_attempt();
        self.set_state(ClientState::Connecting { attempt });
        self.shared.set_reconnects(true);
        // A policy without delays and a connector that fails at once would not let other tasks run.
        yield_now().await;
        let panicked = |message: String| ConnectError::other(format!("the connector panicked: {message}"));
        let mut connecting = match catch_panic(|| connector(attempt)) {
            Ok(connecting) => connecting,
            Err(message) => return self.failed(panicked(message)),
        };
        loop {
            let connected = poll_fn(|cx| {
                if let Poll::Ready(interrupt) = self.poll_interrupt(cx, None) {
                    return Poll::Ready(Err(interrupt));
                }
                catch_panic(|| connecting.as_mut().poll(cx))
                    .unwrap_or_else(|message| Poll::Ready(Err(panicked(message))))
                    .map(Ok)
            });
            let step = match connected.await {
                Ok(Ok(connection)) => Some(Step::Bind(connection)),
                Ok(Err(error)) => Some(self.failed(error)),
                Err(interrupt) => self.handle_interrupt(interrupt, true),
            };
            if let Some(step) = step {
                drop_logging_panic(connecting, "the connector's future");
                return step;
            }
        }
    }

    /// Begins to use an open connection.
    fn bind(&mut self, connection: NewConnection) -> Step {
        match catch_panic(|| connection.open(&self.shared)) {
            Ok(Ok(running)) => Step::Drive(running),
            // A close was requested, which counts. The other case cannot be: this task has closed the last one.
            Ok(Err(_)) => {
                let request = self.shared.close_request().unwrap_or(CloseRequest::Abort);
                self.give_up(Disconnected::Lost(Arc::new(request.result())))
            }
            Err(message) => {
                // Nothing drives the connection that was opened.
                let closed = Closed::transport_panicked(&message);
                self.shared.begin_finish(closed.clone());
                self.shared.set_closed();
                self.failed(ConnectError::Open(OpenError::Closed(Arc::new(closed))))
            }
        }
    }

    /// Records that a connection is open. Returns the time.
    pub(super) fn opened(&mut self, epoch: u64) -> Instant {
        self.retries = self.supervision.policy.is_some();
        self.backoff.opened();
        self.set_state(ClientState::Open { epoch });
        self.answer(Ok(()));
        Instant::now()
    }

    /// Records that an attempt to connect has failed.
    pub(super) fn failed(&mut self, error: ConnectError) -> Step {
        let repeats = self.retries
            && self.supervision.policy.is_some()
            && self.supervision.retries_after(self.backoff.attempts(), &error);
        let wait = retry_after(&error);
        self.wait_or_give_up(repeats, wait, Disconnected::Failed(Arc::new(error)))
    }

    /// Records that a connection was closed or lost.
    pub(super) fn lost(&mut self, closed: Arc<Closed>, open_for: Duration, closed_itself: bool) -> Step {
        self.backoff.connection_lost(open_for);
        let repeats = self.supervision.policy.is_some()
            && self.connector.is_some()
            && self.supervision.reconnects_after(&closed, closed_itself)
            && self.retries;
        self.wait_or_give_up(repeats, Duration::ZERO, Disconnected::Lost(closed))
    }

    fn wait_or_give_up(&mut self, repeats: bool, retry_after: Duration, error: Disconnected) -> Step {
        let until = if repeats { self.backoff.next_time(retry_after, Instant::now()) } else { None };
        let Some(until) = until else { return self.give_up(error) };
        self.set_state(ClientState::Waiting { until: until.into_std(), error });
        Step::Wait(until)
    }

    /// Records that the client does not connect again by itself.
    fn give_up(&mut self, cause: Disconnected) -> Step {
        let closed = match &cause {
            Disconnected::Lost(closed) => Arc::clone(closed),
            // The text may be a user's.
            cause => {
                let text = catch_panic(|| cause.to_string()).unwrap_or_default();
                Arc::new(Closed::abnormal(CloseCause::Lost, text))
            }
        };
        self.shared.give_up(&closed, false);
        let error = match &cause {
            Disconnected::Failed(error) => Arc::clone(error),
            _ => Arc::new(ConnectError::Open(OpenError::Closed(closed))),
        };
        self.set_state(ClientState::Closed { cause });
        self.answer(Err(error));
        Step::Idle
    }

    /// Answers the handle that waits for the next connection, if there is one.
    pub(super) fn answer(&mut self, result: Result<(), Arc<ConnectError>>) {
        if let Some(waiter) = self.waiter.take() {
            // It may have stopped waiting.
            let _ = waiter.send(result);
        }
    }

    pub(super) fn set_state(&self, state: ClientState) {
        if let (ClientState::Connecting { attempt }, ClientState::Connecting { attempt: present }) =
            (&state, &*self.control.state.borrow())
            && attempt == present
        {
            // The attempt goes on with the hook.
            return;
        }
        let old = self.control.state.send_replace(state);
        // Its error may be a user's.
        drop_logging_panic(old, "the error of a failed attempt");
    }
}

/// Returns the error of a request for a connection after which a close was requested.
pub(super) fn revoked() -> Arc<ConnectError> {
    let closed = Closed::abnormal(CloseCause::Local, "closed before the connection was open");
    Arc::new(ConnectError::Open(OpenError::Closed(Arc::new(closed))))
}

/// The client ends here, also if the runtime drops its task. Only background tasks may be left.
impl Drop for ClientTask {
    fn drop(&mut self) {
        let stopped = Arc::new(Closed::abnormal(CloseCause::Local, Disconnected::Stopped.to_string()));
        self.control.mailbox.end();
        self.shared.close_offline(&stopped);
        self.shared.give_up(&stopped, true);
        self.shared.drop_handlers();
        self.set_state(ClientState::Closed { cause: Disconnected::Stopped });
        self.answer(Err(Arc::new(ConnectError::Stopped)));
    }
}
