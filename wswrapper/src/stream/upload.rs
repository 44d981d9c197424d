//! A stream of the caller's.

use super::items::Items;
use crate::error::CallError;
use crate::value::{Decode, WsError};
use futures_core::Stream;
use futures_core::stream::FusedStream;
use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A stream that the caller sends: an argument of a handler [X-05].
///
/// The proxy's method takes any `Stream<Item = T>` in its place, or for `Upload<T, E>` any `Stream<Item = Result<T, E>>`,
/// whose first error ends the upload and arrives here as [`CallError::Rejected`]. The macros know the argument by the name
/// `Upload`, with any path before it, but not under another.
///
/// An upload that broke off ends with an error, not with `None`: a handler that keeps what it got looks at it, by
/// [`try_next`](Self::try_next) and `?`.
///
/// The caller sends nothing before the first item is asked for, and then at most a [window](Self::window) ahead of what
/// was taken. A handler may answer before the end, which stops the caller's stream. When the caller gives up, the
/// handler is dropped as for any call; so is one that lets its caller [wait](crate::UploadCall::timeout) too long.
///
/// An item is a message of its own: one that is larger than this end's [`frame_bytes`](crate::Limits::frame_bytes) ends
/// the connection, so large data come in pieces, such as [`Bytes`](crate::Bytes), which take 4/3 of their size.
///
/// ```
/// # use std::error::Error;
/// # use wswrapper::{CallError, Upload, ws_handlers};
/// # struct Desk;
/// #[ws_handlers]
/// impl Desk {
///     async fn sum(&self, mut numbers: Upload<i64>) -> Result<i64, Box<dyn Error + Send + Sync>> {
///         let mut sum = 0;
///         while let Some(number) = numbers.try_next().await? {
///             sum += number;
///         }
///         Ok(sum)
///     }
/// }
/// ```
pub struct Upload<T, E = Infallible> {
    items: Items,
    types: PhantomData<fn() -> (T, E)>,
}

impl<T, E> Upload<T, E> {
    pub(crate) fn new(items: Items) -> Self {
        Self { items, types: PhantomData }
    }

    /// How many items the caller may send ahead: 1 to 65,536, by default 64; the nearest of them is taken. It counts
    /// from the first item on, so set it before that. It bounds what this end holds, together with
    /// [`stream_bytes`](crate::Limits::stream_bytes): uploads of large items want a small one.
    #[must_use]
    pub fn window(mut self, items: u32) -> Self {
        self.items.set_window(items);
        self
    }
}

impl<T: Decode, E: WsError> Upload<T, E> {
    /// The next item; `None` at the end. Cancel-safe: no item is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<Result<T, CallError<E::Remote>>> {
        poll_fn(|cx| self.items.poll_next::<T, E>(cx)).await
    }

    /// The next item, an error first: `while let Some(item) = numbers.try_next().await? { .. }`. Cancel-safe, too.
    pub async fn try_next(&mut self) -> Result<Option<T>, CallError<E::Remote>> {
        self.next().await.transpose()
    }
}

impl<T: Decode, E: WsError> Stream for Upload<T, E> {
    type Item = Result<T, CallError<E::Remote>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.items.poll_next::<T, E>(cx)
    }
}

impl<T: Decode, E: WsError> FusedStream for Upload<T, E> {
    fn is_terminated(&self) -> bool {
        self.items.is_finished()
    }
}

impl<T, E> fmt::Debug for Upload<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Upload").field(&self.items).finish()
    }
}
