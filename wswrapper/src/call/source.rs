//! Streams that a caller sends.

use crate::error::TooLarge;
use crate::proto::{Rejection, RequestId, encode};
use crate::value::{Encode, WsError};
use futures_core::Stream;
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The stream of an upload, without the type of its items.
pub struct Source {
    stream: Pin<Box<dyn EncodeNext + Send>>,
    /// True if an item can be an error.
    fallible: bool,
    /// An item that came while the source was polled for its finish.
    lookahead: Option<Vec<u8>>,
}

/// A stream of items, encoded as frames.
trait EncodeNext {
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>, channel: RequestId) -> Poll<Option<Frame>>;

    /// Returns the upper bound of the items that are left, if it is known.
    fn max_remaining(&self) -> Option<usize>;
}

/// The frame of one item, as an event.
pub(super) type Frame = Result<Vec<u8>, ItemError>;

/// The error that finishes an upload's stream.
pub(super) enum ItemError {
    /// The stream yielded an error.
    Failed(Rejection),
    /// An item cannot be encoded as JSON.
    Encode(serde_json::Error),
    /// An item is too large.
    TooLarge(TooLarge),
}

impl Source {
    /// Creates a source of items.
    pub fn items<T: Encode>(stream: impl Stream<Item = T> + Send + 'static) -> Self {
        Self {
            stream: Box::pin(Encoding { stream, encode: |item: T, channel| frame(channel, &item) }),
            fallible: false,
            lookahead: None,
        }
    }

    /// Creates a source of items in which the first error finishes the stream.
    pub fn results<T: Encode, E: WsError>(stream: impl Stream<Item = Result<T, E>> + Send + 'static) -> Self {
        let encode = |item: Result<T, E>, channel| match item {
            Ok(item) => frame(channel, &item),
            Err(error) => Err(ItemError::Failed(error.into_rejection())),
        };
        Self { stream: Box::pin(Encoding { stream, encode }), fallible: true, lookahead: None }
    }

    /// Returns the next item, as a frame for `channel`.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>, channel: RequestId) -> Poll<Option<Frame>> {
        match self.lookahead.take() {
            Some(frame) => Poll::Ready(Some(Ok(frame))),
            None => self.stream.as_mut().poll_next(cx, channel),
        }
    }

    /// Puts back an item that the handler has rejected. It is the next one.
    pub(super) fn restore(&mut self, frame: Vec<u8>) {
        self.lookahead = Some(frame);
    }

    /// Looks for the end of the stream, which needs no credit. Polls the stream only if `size_hint` says that at
    /// most the end or a final error is left, so it never runs ahead of the consumer.
    pub(super) fn poll_finish(&mut self, cx: &mut Context<'_>, channel: RequestId) -> Poll<Result<(), ItemError>> {
        if self.lookahead.is_some()
            || self.stream.max_remaining().is_none_or(|remaining| remaining > usize::from(self.fallible))
        {
            return Poll::Pending;
        }
        match ready!(self.stream.as_mut().poll_next(cx, channel)) {
            None => Poll::Ready(Ok(())),
            Some(Err(error)) => Poll::Ready(Err(error)),
            Some(Ok(frame)) => {
                self.lookahead = Some(frame);
                Poll::Pending
            }
        }
    }
}

fn frame<T: Encode>(channel: RequestId, item: &T) -> Frame {
    let mut frame = Vec::with_capacity(96);
    encode::item(&mut frame, channel, None, 0, item).map(|()| frame).map_err(ItemError::Encode)
}

pin_project! {
    struct Encoding<S, F> {
        #[pin]
        stream: S,
        encode: F,
    }
}

impl<S: Stream, F: Fn(S::Item, RequestId) -> Frame> EncodeNext for Encoding<S, F> {
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>, channel: RequestId) -> Poll<Option<Frame>> {
        let this = self.project();
        let item = ready!(this.stream.poll_next(cx));
        Poll::Ready(item.map(|item| (this.encode)(item, channel)))
    }

    fn max_remaining(&self) -> Option<usize> {
        self.stream.size_hint().1
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}
