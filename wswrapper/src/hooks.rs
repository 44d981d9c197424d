//! What a user wants to be told of connections.

use crate::caught::panics;
use crate::error::PeerError;
use crate::link::Closed;
use crate::peer::{Peer, PeerId};
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
}

type OpenHook = dyn Fn(Peer) -> HookFuture + Send + Sync;
type CloseHook = dyn Fn(Peer, Closed) -> HookFuture + Send + Sync;
type ErrorHook = dyn Fn(PeerId, &PeerError) + Send + Sync;

impl Hooks {
    pub(crate) fn set_open<F, Fut>(&mut self, hook: F)
    where
        F: Fn(Peer) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.open = Some(Arc::new(move |peer| Box::pin(hook(peer))));
    }

    pub(crate) fn set_close<F, Fut>(&mut self, hook: F)
    where
        F: Fn(Peer, Closed) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.close = Some(Arc::new(move |peer, closed| Box::pin(hook(peer, closed))));
    }

    pub(crate) fn set_error(&mut self, hook: impl Fn(PeerId, &PeerError) + Send + Sync + 'static) {
        self.error = Some(Arc::new(hook));
    }

    pub(crate) fn opened(&self, peer: impl FnOnce() -> Peer) -> Option<HookFuture> {
        self.open.as_ref().map(|hook| hook(peer()))
    }

    pub(crate) fn closed(&self, peer: impl FnOnce() -> Peer, closed: &Closed) -> Option<HookFuture> {
        self.close.as_ref().map(|hook| hook(peer(), closed.clone()))
    }

    pub(crate) fn error(&self, peer: PeerId, error: &PeerError) {
        if let Some(hook) = &self.error
            && let Err(message) = panics(|| hook(peer, error))
        {
            tracing::error!("on_error panicked: {message}");
        }
    }
}
