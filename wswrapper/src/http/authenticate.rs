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

/// Decides about each handshake of a server, as a type with state of its own.
///
/// It is passed to [`ServerBuilder::authenticator`](crate::server::ServerBuilder::authenticator).
///
/// ```
/// use http::{StatusCode, header, request::Parts};
/// use std::collections::HashMap;
/// use wswrapper::{Server, server::{Authenticate, Refusal}};
///
/// struct Tokens(HashMap<String, String>);
///
/// impl Authenticate for Tokens {
///     type User = String;
///
///     async fn authenticate(&self, request: &Parts) -> Result<String, Refusal> {
///         let token = request.headers.get(header::AUTHORIZATION).and_then(|token| token.to_str().ok());
///         token.and_then(|token| self.0.get(token)).cloned().ok_or_else(|| Refusal::new(StatusCode::UNAUTHORIZED))
///     }
/// }
///
/// let tokens = HashMap::from([("Bearer 123".to_owned(), "Ada".to_owned())]);
/// let server = Server::builder().authenticator(Tokens(tokens));
/// ```
pub trait Authenticate: Send + Sync + 'static {
    /// The value that is stored with an accepted connection.
    type User: Send + Sync + 'static;

    /// Returns the value that is stored with the connection, or the refusal with which the request is answered.
    fn authenticate(&self, request: &Parts) -> impl Future<Output = Result<Self::User, Refusal>> + Send;
}

/// The program's decision about each handshake.
#[derive(Default)]
pub(crate) struct Authenticator(Option<Box<Decide>>);

type Decide = dyn Fn(Arc<Parts>) -> Decision + Send + Sync;
type Decision = Pin<Box<dyn Future<Output = Result<Extensions, Refusal>> + Send>>;

impl Authenticator {
    pub(crate) fn from_fn<F, Fut, U>(authenticate: F) -> Self
    where
        F: Fn(Arc<Parts>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<U, Refusal>> + Send + 'static,
        U: Send + Sync + 'static,
    {
        Self(Some(Box::new(move |parts| decision(authenticate(parts)))))
    }

    pub(crate) fn new<A: Authenticate>(authenticator: A) -> Self {
        let authenticator = Arc::new(authenticator);
        Self(Some(Box::new(move |parts| {
            let authenticator = Arc::clone(&authenticator);
            decision(async move { authenticator.authenticate(&parts).await })
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

fn decision<U: Send + Sync + 'static>(
    authenticated: impl Future<Output = Result<U, Refusal>> + Send + 'static,
) -> Decision {
    Box::pin(async move {
        let extensions = Extensions::new();
        extensions.insert(authenticated.await?);
        Ok(extensions)
    })
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator").field("is_set", &self.0.is_some()).finish()
    }
}
