//! The body of a request whose client may stop sending it.

use super::body::BodyError;
use crate::rt::{Sleep, sleep};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// A body that fails if no part of it arrives for some time.
pub(super) struct BoundedBody<B> {
    body: Pin<Box<B>>,
    patience: Duration,
    /// Set while a part is waited for.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<B> BoundedBody<B> {
    pub(super) fn new(body: B, patience: Duration) -> Self {
        Self { body: Box::pin(body), patience, waiting: None }
    }
}

impl<B: Body<Data = Bytes, Error: Into<BodyError>>> Body for BoundedBody<B> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Poll::Ready(frame) = self.body.as_mut().poll_frame(cx) {
            self.waiting = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let patience = self.patience;
        ready!(self.waiting.get_or_insert_with(|| Box::pin(sleep(patience))).as_mut().poll(cx));
        Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::TimedOut).into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
