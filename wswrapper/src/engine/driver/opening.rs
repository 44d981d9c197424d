//! The `on_open` hook of a connection.

use super::Driver;
use crate::catch_panic::catch_panic;
use crate::close::Closed;
use crate::engine::hooks::OpenFuture;
use crate::error::OpenError;
use crate::rt::{Instant, after};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::oneshot;

/// Receives the result of a client's `on_open` hook.
pub(crate) type Opened = oneshot::Receiver<Result<(), OpenError>>;

/// An `on_open` hook that has not returned.
pub(super) struct Opening {
    hook: OpenFuture,
    /// Set at the first poll.
    deadline: Option<Instant>,
    /// Notified of the result, if a client waits for it.
    opened: Option<oneshot::Sender<Result<(), OpenError>>>,
}

impl<T> Driver<T> {
    /// Drops the request whose extensions are seen while the connection opens. The services with an instance for each
    /// connection see them too, so the instances are created first.
    pub(super) fn drop_request(&mut self) {
        let extensions = &self.epoch.extensions;
        if !extensions.shows_request() {
            return;
        }
        match catch_panic(|| self.shared.endpoint.router.make_sessions(&self.shared)) {
            Ok(sessions) => drop(self.epoch.replace_sessions(sessions)),
            // The first call of each service tries again.
            Err(message) => self.shared.report_hook_panic("service_with", &message),
        }
        let request = extensions.hide_request();
        self.shared.report_drop_panic(catch_panic(|| drop(request)), "the request's extensions");
    }
}

impl Opening {
    pub(super) fn new(hook: OpenFuture) -> Self {
        Self { hook, deadline: None, opened: None }
    }

    /// Returns the receiver of the hook's result.
    pub(super) fn opened(&mut self) -> Opened {
        let (sender, receiver) = oneshot::channel();
        self.opened = Some(sender);
        receiver
    }

    /// Polls the hook, which may take `timeout` from its first poll on. A panic is a failure.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        timeout: Duration,
    ) -> Poll<Result<(), OpenError>> {
        let deadline = *self.deadline.get_or_insert_with(|| after(now, timeout));
        let polled = catch_panic(|| self.hook.as_mut().poll(cx))
            .unwrap_or_else(|message| Poll::Ready(Err(format!("the hook panicked: {message}").into())));
        match polled {
            Poll::Ready(result) => Poll::Ready(result.map_err(|error| OpenError::Failed(Arc::from(error)))),
            Poll::Pending if now >= deadline => Poll::Ready(Err(OpenError::TimedOut)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Returns the time at which the hook has to be polled at the latest.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Notifies the waiting client, and returns the hook to be dropped.
    pub(super) fn finish(self, result: Result<(), OpenError>) -> OpenFuture {
        let Self { hook, opened, .. } = self;
        if let Some(opened) = opened {
            // The client may have stopped waiting.
            let _ = opened.send(result);
        }
        hook
    }

    /// Notifies the waiting client that the connection was closed, and returns the hook to be dropped.
    pub(super) fn disconnect(self, closed: &Closed) -> OpenFuture {
        self.finish(Err(OpenError::Closed(Arc::new(closed.clone()))))
    }
}
