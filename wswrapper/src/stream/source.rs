//! What a caller uploads.

use crate::handler::{Encode, WsError};
use crate::proto::{Rejection, RequestId, encode};
use futures_core::Stream;
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The stream of an upload, without its type.
pub struct Source(Pin<Box<dyn EncodeNext + Send>>);

/// Gives the frames of items.
trait EncodeNext {
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>, on: RequestId) -> Poll<Option<Frame>>;
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
        Self(Box::pin(Encoding { stream, encode: |item: T, on| frame(on, &item) }))
    }

    /// Items, or an error that ends them.
    pub fn results<T: Encode, E: WsError>(stream: impl Stream<Item = Result<T, E>> + Send + 'static) -> Self {
        Self(Box::pin(Encoding {
            stream,
            encode: |item: Result<T, E>, on| match item {
                Ok(item) => frame(on, &item),
                Err(error) => Err(ItemError::Failed(error.into_rejection())),
            },
        }))
    }

    /// The next item, for this channel.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>, on: RequestId) -> Poll<Option<Frame>> {
        self.0.as_mut().poll_next(cx, on)
    }
}

fn frame<T: Encode>(on: RequestId, item: &T) -> Frame {
    let mut frame = Vec::with_capacity(96);
    encode::item(&mut frame, on, None, 0, item).map(|()| frame).map_err(ItemError::Encode)
}

pin_project! {
    struct Encoding<S, F> {
        #[pin]
        stream: S,
        encode: F,
    }
}

impl<S: Stream, F: Fn(S::Item, RequestId) -> Frame> EncodeNext for Encoding<S, F> {
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>, on: RequestId) -> Poll<Option<Frame>> {
        let this = self.project();
        let item = ready!(this.stream.poll_next(cx));
        Poll::Ready(item.map(|item| (this.encode)(item, on)))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}
