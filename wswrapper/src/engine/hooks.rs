//! What a user wants to be told of connections.

use super::message_log::MessageLog;
use super::shared::Shared;
use crate::catch_panic::catch_panic;
use crate::close::Closed;
use crate::error::PeerError;
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

pub(crate) type OpenHook = dyn Fn(&Arc<Shared>) -> HookFuture + Send + Sync;
pub(crate) type CloseHook = dyn Fn(&Arc<Shared>, Closed) -> HookFuture + Send + Sync;
pub(crate) type ErrorHook = dyn Fn(&Arc<Shared>, &PeerError) + Send + Sync;
pub(crate) type MessageHook = dyn Fn(&Arc<Shared>, &MessageLog<'_>) + Send + Sync;

impl Hooks {
    pub(crate) fn set_open(&mut self, hook: Arc<OpenHook>) {
        self.open = Some(hook);
    }

    pub(crate) fn set_close(&mut self, hook: Arc<CloseHook>) {
        self.close = Some(hook);
    }

    pub(crate) fn set_error(&mut self, hook: Arc<ErrorHook>) {
        self.error = Some(hook);
    }

    pub(crate) fn set_message(&mut self, hook: Arc<MessageHook>) {
        self.message = Some(hook);
    }

    /// Whether anybody wants to see messages.
    pub(crate) fn has_message_hook(&self) -> bool {
        self.message.is_some()
    }

    pub(crate) fn message(&self, shared: &Arc<Shared>, message: &MessageLog<'_>) {
        if let Some(hook) = &self.message
            && let Err(message) = catch_panic(|| hook(shared, message))
        {
            tracing::error!("on_message panicked: {message}");
        }
    }

    pub(crate) fn opened(&self, shared: &Arc<Shared>) -> Option<HookFuture> {
        self.open.as_ref().map(|hook| hook(shared))
    }

    pub(crate) fn closed(&self, shared: &Arc<Shared>, closed: &Closed) -> Option<HookFuture> {
        self.close.as_ref().map(|hook| hook(shared, closed.clone()))
    }

    pub(crate) fn error(&self, shared: &Arc<Shared>, error: &PeerError) {
        if let Some(hook) = &self.error
            && let Err(message) = catch_panic(|| hook(shared, error))
        {
            tracing::error!("on_error panicked: {message}");
        }
    }
}
