//! A stream of the other end's.

use super::items::Items;
use crate::error::CallError;
use crate::proto::Reason;
use crate::value::{Decode, WsError};
use futures_core::Stream;
use futures_core::stream::FusedStream;
use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A stream that a handler of the other end sends: what a proxy's method gives for `-> impl Stream<Item = T>`.
///
/// It yields `Result`s, `E` being the error of the contract as in a [`Call`](crate::Call). After an error that is not
/// [`Decode`](CallError::Decode) it has ended.
///
/// The other end sends nothing before the first item is asked for, and then at most a [window](Self::window) ahead of
/// what was taken: a slow reader stops the producer, and nothing else. **Dropping it aborts the stream**: the other end
/// is told, and drops the producer.
///
/// The call's timeout is for the answer, and ends with it; a stream may last as long as the connection. An item is a
/// message of its own: one that is larger than this end's [`frame_bytes`](crate::Limits::frame_bytes) ends the
/// connection. One that came by a [`Scoped`](crate::Scoped) service's proxy ends when the last clone of that is dropped.
///
/// It is a [`Stream`] as well, for the combinators of other crates.
///
/// ```
/// # use wswrapper::{CallError, Peer, Stream, ws_service};
/// #[ws_service]
/// pub trait Numbers {
///     async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send;
/// }
///
/// async fn sum(peer: &Peer) -> Result<u32, CallError<std::convert::Infallible>> {
///     let mut numbers = NumbersProxy::new(peer).count(10).await?.window(256);
///     let mut sum = 0;
///     while let Some(number) = numbers.try_next().await? {
///         sum += number;
///     }
///     Ok(sum)
/// }
/// ```
#[must_use = "dropping a stream aborts it"]
pub struct Streaming<T, E = Infallible> {
    items: Items,
    types: PhantomData<fn() -> (T, E)>,
}

impl<T, E> Streaming<T, E> {
    pub(crate) fn new(items: Items) -> Self {
        Self { items, types: PhantomData }
    }

    /// How many items the producer may send ahead: 1 to 65,536, by default 64; the nearest of them is taken. It counts
    /// from the first item on, so set it before that.
    ///
    /// It bounds what this end holds, together with [`stream_bytes`](crate::Limits::stream_bytes): streams of large items
    /// want a small one. What was sent ahead is not taken back, so of a value that changes, where the method drops what is
    /// too much, a large window shows old ones first; `window(1)` shows one. A producer that knows
    /// no flow control (JavaScript's `iterableHandler`) sends as it likes; what it sends ahead is held up to
    /// [`stream_items`](crate::Limits::stream_items), and beyond that the stream ends with [`CallError::Overflow`].
    pub fn window(mut self, items: u32) -> Self {
        self.items.set_window(items);
        self
    }

    /// How many items the producer has dropped so far since this end was too slow, where its method says
    /// `#[ws(on_full = "..")]` [X-06]. It is told with the next item that comes.
    pub fn lost(&self) -> u64 {
        self.items.lost()
    }

    /// Ends the stream and tells the producer why: `numbers.abort(&Reason::new("enough"))`. Dropping it does the same
    /// without a reason.
    pub fn abort(mut self, reason: &Reason) {
        self.items.abort(Some(reason));
    }
}

impl<T: Decode, E: WsError> Streaming<T, E> {
    /// The next item; `None` at the end. Cancel-safe: no item is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<Result<T, CallError<E::Remote>>> {
        poll_fn(|cx| self.items.poll_next::<T, E>(cx)).await
    }

    /// The next item, an error first: `while let Some(item) = numbers.try_next().await? { .. }`. Cancel-safe, too.
    pub async fn try_next(&mut self) -> Result<Option<T>, CallError<E::Remote>> {
        self.next().await.transpose()
    }
}

impl<T: Decode, E: WsError> Stream for Streaming<T, E> {
    type Item = Result<T, CallError<E::Remote>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.items.poll_next::<T, E>(cx)
    }
}

impl<T: Decode, E: WsError> FusedStream for Streaming<T, E> {
    fn is_terminated(&self) -> bool {
        self.items.is_finished()
    }
}

impl<T, E> fmt::Debug for Streaming<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Streaming").field(&self.items).finish()
    }
}
