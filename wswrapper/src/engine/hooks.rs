//! The hooks that run while a connection opens and after it has closed. The connection waits for them.

use super::shared::Shared;
use crate::close::Closed;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// The future of an asynchronous hook.
pub(crate) type HookFuture = Pin<Box<dyn Future<Output = ()> + Send>>;
/// The future of an `on_open` hook, which may fail.
pub(crate) type OpenFuture = Pin<Box<dyn Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send>>;

/// The hooks of a server or a client. They run in the order in which they were added.
#[derive(Default)]
pub(crate) struct Hooks {
    open: Vec<Box<OpenHook>>,
    close: Vec<Box<CloseHook>>,
}

/// An `on_open` hook. The user's function is called when the future is polled.
pub(crate) type OpenHook = dyn Fn(&Arc<Shared>) -> OpenFuture + Send + Sync;
/// An `on_close` hook. The user's function is called when the future is polled.
pub(crate) type CloseHook = dyn Fn(&Arc<Shared>, Closed) -> HookFuture + Send + Sync;

impl Hooks {
    pub(crate) fn add_open(&mut self, hook: Box<OpenHook>) {
        self.open.push(hook);
    }

    pub(crate) fn add_close(&mut self, hook: Box<CloseHook>) {
        self.close.push(hook);
    }

    /// Returns true if there is an `on_open` hook.
    pub(crate) fn has_open_hook(&self) -> bool {
        !self.open.is_empty()
    }

    /// Returns the future of all `on_open` hooks, if there are any. The first error ends it.
    pub(crate) fn opened(&self, shared: &Arc<Shared>) -> Option<OpenFuture> {
        match &*self.open {
            [] => None,
            [hook] => Some(hook(shared)),
            hooks => {
                let futures: Vec<_> = hooks.iter().map(|hook| hook(shared)).collect();
                Some(Box::pin(async move {
                    for future in futures {
                        future.await?;
                    }
                    Ok(())
                }))
            }
        }
    }

    /// Returns the futures of the `on_close` hooks.
    pub(crate) fn closed(&self, shared: &Arc<Shared>, closed: &Closed) -> Vec<HookFuture> {
        self.close.iter().map(|hook| hook(shared, closed.clone())).collect()
    }
}
