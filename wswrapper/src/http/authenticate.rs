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
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

/// A program's function that decides about each handshake.
#[derive(Default)]
pub(crate) struct Authenticator {
    decide: Option<Box<Decide>>,
    /// The number of handshakes that it decides about now.
    in_flight: AtomicUsize,
}

type Decide = dyn Fn(Arc<Parts>) -> Pin<Box<dyn Future<Output = Result<Extensions, Refusal>> + Send>> + Send + Sync;

impl Authenticator {
    pub(crate) fn new<F, Fut, U>(authenticate: F) -> Self
    where
        F: Fn(Arc<Parts>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<U, Refusal>> + Send + 'static,
        U: Send + Sync + 'static,
    {
        let decide = move |parts| -> Pin<Box<dyn Future<Output = _> + Send>> {
            let authenticated = authenticate(parts);
            Box::pin(async move {
                let extensions = Extensions::new();
                extensions.insert(authenticated.await?);
                Ok(extensions)
            })
        };
        Self { decide: Some(Box::new(decide)), in_flight: AtomicUsize::new(0) }
    }

    /// Returns the values that are stored with the connection, or the refusal. At most `max_in_flight` handshakes are
    /// decided about at a time.
    pub(super) async fn decide(&self, parts: &Arc<Parts>, max_in_flight: usize) -> Result<Extensions, Refusal> {
        let Some(decide) = &self.decide else { return Ok(Extensions::new()) };
        let in_flight = InFlight::new(&self.in_flight);
        if in_flight.number > max_in_flight {
            return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE).header("Retry-After", "1"));
        }
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

/// Counts a handshake while it is decided about.
struct InFlight<'c> {
    count: &'c AtomicUsize,
    /// The number of handshakes with this one.
    number: usize,
}

impl<'c> InFlight<'c> {
    fn new(count: &'c AtomicUsize) -> Self {
        Self { count, number: count.fetch_add(1, Ordering::Relaxed) + 1 }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator").field("in_flight", &self.in_flight).finish_non_exhaustive()
    }
}
