//! The body of a response whose client may stop reading it, on a stream of HTTP/2.

use super::body::BodyError;
use crate::lock::lock;
use crate::rt::Instant;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

/// The bodies of a connection that wait for their client, with the times since when.
#[derive(Clone, Default)]
pub(super) struct WaitingBodies(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    since: HashMap<u64, Instant>,
    last_id: u64,
}

impl WaitingBodies {
    /// Watches a body, for whose first part nobody has asked yet.
    pub(super) fn watch<B>(&self, body: B) -> WatchedBody<B> {
        let mut waiting = lock(&self.0);
        waiting.last_id += 1;
        let id = waiting.last_id;
        waiting.since.insert(id, Instant::now());
        WatchedBody { body: Box::pin(body), id, waiting: self.clone() }
    }

    /// Returns true if any body has waited for this time.
    pub(super) fn any_for(&self, patience: Duration) -> bool {
        lock(&self.0).since.values().any(|since| since.elapsed() >= patience)
    }
}

pub(super) struct WatchedBody<B> {
    body: Pin<Box<B>>,
    id: u64,
    waiting: WaitingBodies,
}

impl<B: Body<Data = Bytes, Error = BodyError>> Body for WatchedBody<B> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = self.body.as_mut().poll_frame(cx);
        let mut waiting = lock(&self.waiting.0);
        // hyper asks for a part when the client has capacity for one.
        match polled {
            Poll::Ready(Some(Ok(_))) => waiting.since.insert(self.id, Instant::now()),
            _ => waiting.since.remove(&self.id),
        };
        drop(waiting);
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for WatchedBody<B> {
    fn drop(&mut self) {
        lock(&self.waiting.0).since.remove(&self.id);
    }
}
