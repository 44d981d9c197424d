//! What a caller uploads.

use crate::proto::{Rejection, RequestId, encode};
use crate::value::{Encode, WsError};
use futures_core::Stream;
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The stream of an upload, without its type.
pub struct Source {
    stream: Pin<Box<dyn EncodeNext + Send>>,
    /// Whether an item may be an error.
    fallible: bool,
    /// The last item, which was not the error that it may have been.
    lookahead: Option<Vec<u8>>,
}

/// Gives the frames of items.
trait EncodeNext {
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>, channel: RequestId) -> Poll<Option<Frame>>;

    /// How many more it may give, where it knows that.
    fn max_remaining(&self) -> Option<usize>;
}

/// An item as an event.
pub(super) type Frame = Result<Vec<u8>, ItemError>;

/// Why there is no further item.
pub(super) enum ItemError {
    /// The stream gave an error.
    Failed(Rejection),
    /// An item cannot be JSON.
    Encode(serde_json::Error),
}

impl Source {
    /// Items.
    pub fn items<T: Encode>(stream: impl Stream<Item = T> + Send + 'static) -> Self {
        Self {
            stream: Box::pin(Encoding { stream, encode: |item: T, channel| frame(channel, &item) }),
            fallible: false,
            lookahead: None,
        }
    }

    /// Items, or an error that ends them.
    pub fn results<T: Encode, E: WsError>(stream: impl Stream<Item = Result<T, E>> + Send + 'static) -> Self {
        let encode = |item: Result<T, E>, channel| match item {
            Ok(item) => frame(channel, &item),
            Err(error) => Err(ItemError::Failed(error.into_rejection())),
        };
        Self { stream: Box::pin(Encoding { stream, encode }), fallible: true, lookahead: None }
    }

    /// The next item, for this channel.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>, channel: RequestId) -> Poll<Option<Frame>> {
        match self.lookahead.take() {
            Some(frame) => Poll::Ready(Some(Ok(frame))),
            None => self.stream.as_mut().poll_next(cx, channel),
        }
    }

    /// The end, which needs no credit, where it can be seen without going ahead of the consumer: where no item comes
    /// any more, or one at most, which may be an error.
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
