//! Streams from a handler of the peer.

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

/// A stream that a handler of the peer produces.
///
/// It is the result of a proxy's method that is declared as `-> impl Stream<Item = T>`. It yields `Result<T, _>`; `E`
/// is the error of the contract, as in a [`Call`](crate::Call). After an error other than
/// [`Decode`](CallError::Decode) the stream has finished.
///
/// The peer sends nothing before the first item is requested. Then it sends at most a [window](Self::window) of items
/// ahead of the consumer. A slow consumer stops the producer and nothing else. **Dropping the `Streaming` aborts the
/// stream**: the peer is notified and drops the producer.
///
/// The timeout of the call applies to the response alone; a stream may last as long as the connection. Each item is a
/// message: an item larger than the local [`max_message_size`](crate::Limits::max_message_size) closes the connection.
/// A stream from the proxy of a [`Scoped`](crate::Scoped) service finishes when the last clone of the proxy is dropped.
///
/// `Streaming` implements [`Stream`], for the combinators of other crates.
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

    /// Sets the number of items that the producer may send ahead: 1 to 65,536, by default 64.
    ///
    /// A value outside this range is replaced by the nearest one in it. Set the window before the first item is
    /// requested; later changes have no effect on the producer.
    ///
    /// The window and [`max_stream_bytes`](crate::Limits::max_stream_bytes) bound the memory of the local endpoint, so
    /// streams of large items need a small window. Items that were sent ahead are still delivered. If a method drops
    /// items of a changing value, a large window therefore delivers old values first, and `window(1)` only one.
    ///
    /// A producer without flow control, such as JavaScript's `iterableHandler`, ignores the window. Up to
    /// [`max_stream_items`](crate::Limits::max_stream_items) of its items are held. Beyond that the stream fails with
    /// [`CallError::Overflow`].
    pub fn window(mut self, items: u32) -> Self {
        self.items.set_window(items);
        self
    }

    /// Returns the number of items that the producer has dropped because this consumer was too slow.
    ///
    /// Only methods with `#[ws(on_full = "..")]` drop items. The number arrives with the next item [X-06].
    pub fn lost(&self) -> u64 {
        self.items.lost()
    }

    /// Aborts the stream and sends the producer this reason: `numbers.abort(&Reason::new("enough"))`.
    ///
    /// Dropping the stream aborts it without a reason.
    pub fn abort(mut self, reason: &Reason) {
        self.items.abort(Some(reason));
    }
}

impl<T: Decode, E: WsError> Streaming<T, E> {
    /// Returns the next item, or `None` when the stream has finished. Cancel-safe: dropping the future loses no item.
    pub async fn next(&mut self) -> Option<Result<T, CallError<E::Remote>>> {
        poll_fn(|cx| self.items.poll_next::<T, E>(cx)).await
    }

    /// Returns the next item, as [`next`](Self::next) does, with the error outside: `numbers.try_next().await?`.
    /// Cancel-safe.
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
