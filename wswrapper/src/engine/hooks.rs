//! The hooks of a program: connections that open and close, errors, and messages.

use super::message_log::MessageLog;
use super::shared::Shared;
use crate::catch_panic::catch_panic;
use crate::close::Closed;
use crate::error::PeerError;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// The future of an asynchronous hook.
pub(crate) type HookFuture = Pin<Box<dyn Future<Output = ()> + Send>>;
/// The future of the `on_open` hook, which may fail.
pub(crate) type OpenFuture = Pin<Box<dyn Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send>>;

/// The hooks of a server or a client. None is set by default.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    open: Option<Arc<OpenHook>>,
    close: Option<Arc<CloseHook>>,
    error: Option<Arc<ErrorHook>>,
    message: Option<Arc<MessageHook>>,
    message_sent: Option<Arc<MessageHook>>,
}

pub(crate) type OpenHook = dyn Fn(&Arc<Shared>) -> OpenFuture + Send + Sync;
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

    pub(crate) fn set_message_sent(&mut self, hook: Arc<MessageHook>) {
        self.message_sent = Some(hook);
    }

    /// Returns true if an `on_message_sent` hook is set.
    #[inline]
    pub(crate) fn has_message_sent_hook(&self) -> bool {
        self.message_sent.is_some()
    }

    /// Calls the `on_message_sent` hook. A panic is logged.
    pub(crate) fn message_sent(&self, shared: &Arc<Shared>, message: &MessageLog<'_>) {
        if let Some(hook) = &self.message_sent
            && let Err(message) = catch_panic(|| hook(shared, message))
        {
            shared.report_hook_panic("on_message_sent", &message);
        }
    }

    /// Returns true if an `on_message` hook is set.
    #[inline]
    pub(crate) fn has_message_hook(&self) -> bool {
        self.message.is_some()
    }

    /// Calls the `on_message` hook. A panic is logged.
    pub(crate) fn message(&self, shared: &Arc<Shared>, message: &MessageLog<'_>) {
        if let Some(hook) = &self.message
            && let Err(message) = catch_panic(|| hook(shared, message))
        {
            shared.report_hook_panic("on_message", &message);
        }
    }

    /// Calls the `on_open` hook, and returns its future.
    pub(crate) fn opened(&self, shared: &Arc<Shared>) -> Option<OpenFuture> {
        self.open.as_ref().map(|hook| hook(shared))
    }

    /// Calls the `on_close` hook, and returns its future.
    pub(crate) fn closed(&self, shared: &Arc<Shared>, closed: &Closed) -> Option<HookFuture> {
        self.close.as_ref().map(|hook| hook(shared, closed.clone()))
    }

    /// Calls the `on_error` hook. A panic is logged.
    pub(crate) fn error(&self, shared: &Arc<Shared>, error: &PeerError) {
        if let Some(hook) = &self.error
            && let Err(message) = catch_panic(|| hook(shared, error))
        {
            shared.report_hook_panic("on_error", &message);
        }
    }
}
