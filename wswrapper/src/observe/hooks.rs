//! Converts a user's hooks, which take a [`Peer`], into the hooks of the engine.

use super::open_result::OpenResult;
use crate::close::Closed;
use crate::engine::{CloseHook, ErrorHook, MessageHook, MessageLog, OpenHook};
use crate::error::PeerError;
use crate::handle::Peer;
use std::future::Future;
use std::sync::Arc;

pub(crate) fn open<F, Fut>(hook: F) -> Arc<OpenHook>
where
    F: Fn(Peer) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: OpenResult> + Send + 'static,
{
    let hook = Arc::new(hook);
    Arc::new(move |shared| {
        let (hook, peer) = (Arc::clone(&hook), Peer::of(shared));
        // The hook is called when the future is polled, because panics are caught there.
        Box::pin(async move { hook(peer).await.into_result() })
    })
}

pub(crate) fn close<F, Fut>(hook: F) -> Arc<CloseHook>
where
    F: Fn(Peer, Closed) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let hook = Arc::new(hook);
    Arc::new(move |shared, closed| {
        let (hook, peer) = (Arc::clone(&hook), Peer::of(shared));
        Box::pin(async move { hook(peer, closed).await })
    })
}

pub(crate) fn error(hook: impl Fn(&Peer, &PeerError) + Send + Sync + 'static) -> Arc<ErrorHook> {
    Arc::new(move |shared, error| hook(&Peer::of(shared), error))
}

pub(crate) fn message(hook: impl Fn(&Peer, &MessageLog<'_>) + Send + Sync + 'static) -> Arc<MessageHook> {
    Arc::new(move |shared, message| hook(&Peer::of(shared), message))
}
