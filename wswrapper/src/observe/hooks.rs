//! Converts a user's hooks, which take a [`Peer`], into hooks and observers of the engine.

use super::open_result::OpenResult;
use crate::close::Closed;
use crate::engine::{
    CallEnd, CallInfo, CloseHook, ConnectionHandle, ConnectionView, Interest, MessageLog, Observer, OpenHook,
};
use crate::error::ServiceError;
use crate::handle::Peer;
use std::future::Future;
use std::sync::Arc;

pub(crate) fn open<F, Fut>(hook: F) -> Box<OpenHook>
where
    F: Fn(Peer) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: OpenResult> + Send + 'static,
{
    let hook = Arc::new(hook);
    Box::new(move |shared| {
        let (hook, peer) = (Arc::clone(&hook), Peer::new(ConnectionHandle::of_hook(shared)));
        // The hook is called when the future is polled, because panics are caught there.
        Box::pin(async move { hook(peer).await.into_result() })
    })
}

pub(crate) fn close<F, Fut>(hook: F) -> Box<CloseHook>
where
    F: Fn(Peer, Closed) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let hook = Arc::new(hook);
    Box::new(move |shared, closed| {
        let (hook, peer) = (Arc::clone(&hook), Peer::of(shared));
        Box::pin(async move { hook(peer, closed).await })
    })
}

/// The observer of an `on_error` hook.
pub(crate) struct ErrorHook<F>(pub(crate) F);

impl<F: Fn(&Peer, &ServiceError) + Send + Sync + 'static> Observer for ErrorHook<F> {
    fn name(&self) -> &'static str {
        "on_error"
    }

    fn interest(&self) -> Interest {
        Interest::NONE
    }

    fn error(&self, connection: &ConnectionView<'_>, error: &ServiceError) {
        (self.0)(&connection.peer(), error);
    }
}

/// The observer of an `on_added` hook.
pub(crate) struct AddedHook<F>(pub(crate) F);

impl<F: Fn(&Peer) + Send + Sync + 'static> Observer for AddedHook<F> {
    fn name(&self) -> &'static str {
        "on_added"
    }

    fn interest(&self) -> Interest {
        Interest::NONE
    }

    fn connection_opened(&self, connection: &ConnectionView<'_>) {
        (self.0)(&connection.peer());
    }
}

/// The observer of an `on_removed` hook.
pub(crate) struct RemovedHook<F>(pub(crate) F);

impl<F: Fn(&Peer) + Send + Sync + 'static> Observer for RemovedHook<F> {
    fn name(&self) -> &'static str {
        "on_removed"
    }

    fn interest(&self) -> Interest {
        Interest::NONE
    }

    fn connection_closed(&self, connection: &ConnectionView<'_>, _: &Closed) {
        (self.0)(&connection.peer());
    }
}

/// The observer of an `on_message` hook.
pub(crate) struct MessageHook<F>(pub(crate) F);

impl<F: Fn(&Peer, &MessageLog<'_>) + Send + Sync + 'static> Observer for MessageHook<F> {
    fn name(&self) -> &'static str {
        "on_message"
    }

    fn interest(&self) -> Interest {
        Interest::RECEIVED_MESSAGES | Interest::CALLS
    }

    fn message_received(&self, connection: &ConnectionView<'_>, message: &MessageLog<'_>) {
        (self.0)(&connection.peer(), message);
    }

    fn call_finished(&self, connection: &ConnectionView<'_>, call: &CallInfo<'_>, end: &CallEnd<'_>) {
        (self.0)(&connection.peer(), &MessageLog::finished(call, end));
    }
}

/// The observer of an `on_ping` hook.
pub(crate) struct PingHook<F>(pub(crate) F);

impl<F: Fn(&Peer, &[u8]) + Send + Sync + 'static> Observer for PingHook<F> {
    fn name(&self) -> &'static str {
        "on_ping"
    }

    fn interest(&self) -> Interest {
        Interest::PINGS
    }

    fn ping_received(&self, connection: &ConnectionView<'_>, payload: &[u8]) {
        (self.0)(&connection.peer(), payload);
    }
}

/// The observer of an `on_pong` hook.
pub(crate) struct PongHook<F>(pub(crate) F);

impl<F: Fn(&Peer, &[u8]) + Send + Sync + 'static> Observer for PongHook<F> {
    fn name(&self) -> &'static str {
        "on_pong"
    }

    fn interest(&self) -> Interest {
        Interest::PINGS
    }

    fn pong_received(&self, connection: &ConnectionView<'_>, payload: &[u8]) {
        (self.0)(&connection.peer(), payload);
    }
}

/// The observer of an `on_message_sent` hook.
pub(crate) struct SentMessageHook<F>(pub(crate) F);

impl<F: Fn(&Peer, &MessageLog<'_>) + Send + Sync + 'static> Observer for SentMessageHook<F> {
    fn name(&self) -> &'static str {
        "on_message_sent"
    }

    fn interest(&self) -> Interest {
        Interest::SENT_MESSAGES
    }

    fn message_sent(&self, connection: &ConnectionView<'_>, message: &MessageLog<'_>) {
        (self.0)(&connection.peer(), message);
    }
}
