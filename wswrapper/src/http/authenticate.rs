//! The decision of a program about a handshake.

use super::refusal::Refusal;
use crate::catch_panic::catch_panic;
use crate::engine::Extensions;
use http::StatusCode;
use http::request::Parts;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

/// A program's function that decides about each handshake.
#[derive(Default)]
pub(crate) struct Authenticator(Option<Box<Decide>>);

type Decide = dyn Fn(Arc<Parts>) -> Pin<Box<dyn Future<Output = Result<Extensions, Refusal>> + Send>> + Send + Sync;

impl Authenticator {
    pub(crate) fn new<F, Fut, U>(authenticate: F) -> Self
    where
        F: Fn(Arc<Parts>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<U, Refusal>> + Send + 'static,
        U: Send + Sync + 'static,
    {
        Self(Some(Box::new(move |parts| {
            let authenticated = authenticate(parts);
            Box::pin(async move {
                let extensions = Extensions::new();
                extensions.insert(authenticated.await?);
                Ok(extensions)
            })
        })))
    }

    /// Returns the values that are stored with the connection, or the refusal.
    pub(super) async fn decide(&self, parts: &Arc<Parts>) -> Result<Extensions, Refusal> {
        let Some(decide) = &self.0 else { return Ok(Extensions::new()) };
        // A panic refuses its own request only.
        let panicked = |message: String| {
            tracing::error!("`authenticate` panicked: {message}");
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR)
        };
        let mut decided = catch_panic(|| decide(Arc::clone(parts))).map_err(panicked)?;
        poll_fn(|cx| match catch_panic(|| decided.as_mut().poll(cx)) {
            Ok(polled) => polled,
            Err(message) => Poll::Ready(Err(panicked(message))),
        })
        .await
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Authenticator").field(&self.0.is_some()).finish()
    }
}
