//! The decision of a program about a handshake.

use super::refusal::Refusal;
use crate::engine::Extensions;
use http::request::Parts;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

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
        match &self.0 {
            Some(decide) => decide(Arc::clone(parts)).await,
            None => Ok(Extensions::new()),
        }
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Authenticator").field(&self.0.is_some()).finish()
    }
}
