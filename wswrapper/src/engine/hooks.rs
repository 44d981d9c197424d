//! What a user wants to be told of connections.

use super::message_log::MessageLog;
use crate::catch_panic::panics;
use crate::close::Closed;
use crate::error::PeerError;
use crate::handle::Peer;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub(crate) type HookFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The hooks of a server or a client.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    open: Option<Arc<OpenHook>>,
    close: Option<Arc<CloseHook>>,
    error: Option<Arc<ErrorHook>>,
    message: Option<Arc<MessageHook>>,
}

type OpenHook = dyn Fn(Peer) -> HookFuture + Send + Sync;
type CloseHook = dyn Fn(Peer, Closed) -> HookFuture + Send + Sync;
type ErrorHook = dyn Fn(&Peer, &PeerError) + Send + Sync;
type MessageHook = dyn Fn(&Peer, &MessageLog<'_>) + Send + Sync;

impl Hooks {
    pub(crate) fn set_open<F, Fut>(&mut self, hook: F)
    where
        F: Fn(Peer) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let hook = Arc::new(hook);
        self.open = Some(Arc::new(move |peer| {
            let hook = Arc::clone(&hook);
            // Called when it is polled, where a panic is caught.
            Box::pin(async move { hook(peer).await })
        }));
    }

    pub(crate) fn set_close<F, Fut>(&mut self, hook: F)
    where
        F: Fn(Peer, Closed) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let hook = Arc::new(hook);
        self.close = Some(Arc::new(move |peer, closed| {
            let hook = Arc::clone(&hook);
            Box::pin(async move { hook(peer, closed).await })
        }));
    }

    pub(crate) fn set_error(&mut self, hook: impl Fn(&Peer, &PeerError) + Send + Sync + 'static) {
        self.error = Some(Arc::new(hook));
    }

    pub(crate) fn set_message(&mut self, hook: impl Fn(&Peer, &MessageLog<'_>) + Send + Sync + 'static) {
        self.message = Some(Arc::new(hook));
    }

    /// Whether anybody wants to see messages.
    pub(crate) fn sees_messages(&self) -> bool {
        self.message.is_some()
    }

    pub(crate) fn message(&self, peer: impl FnOnce() -> Peer, message: &MessageLog<'_>) {
        if let Some(hook) = &self.message
            && let Err(message) = panics(|| hook(&peer(), message))
        {
            tracing::error!("on_message panicked: {message}");
        }
    }

    pub(crate) fn opened(&self, peer: impl FnOnce() -> Peer) -> Option<HookFuture> {
        self.open.as_ref().map(|hook| hook(peer()))
    }

    pub(crate) fn closed(&self, peer: impl FnOnce() -> Peer, closed: &Closed) -> Option<HookFuture> {
        self.close.as_ref().map(|hook| hook(peer(), closed.clone()))
    }

    pub(crate) fn error(&self, peer: impl FnOnce() -> Peer, error: &PeerError) {
        if let Some(hook) = &self.error
            && let Err(message) = panics(|| hook(&peer(), error))
        {
            tracing::error!("on_error panicked: {message}");
        }
    }
}
