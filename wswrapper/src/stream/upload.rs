//! Streams from a caller.

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

/// A stream that the caller sends: an argument of a handler.
///
/// The method of the proxy accepts any `Stream<Item = T>` for it. For `Upload<T, E>` it accepts any `Stream<Item =
/// Result<T, E>>`; the first error finishes the upload and arrives here as [`CallError::Handler`] [X-05]. The macros
/// recognize the argument by the name `Upload`, with any path before it, but not by an alias.
///
/// An upload that was interrupted yields an error before `None`. A handler that stores the items must check for it, for
/// example by [`try_next`](Self::try_next) and `?`.
///
/// The caller sends nothing before the first item is requested. Then it sends at most a [window](Self::window) of items
/// ahead of the handler. A handler may answer before the upload has finished; the caller then drops its stream. If the
/// caller cancels the call, the handler is dropped, as for any call. The same happens if the handler keeps the caller
/// waiting longer than its [timeout](crate::call::UploadCall::timeout).
///
/// Each item is a message: an item larger than the local [`max_message_size`](crate::Limits::max_message_size) closes
/// the connection. Send large data in pieces, for example as [`Base64`](crate::Base64), which take 4/3 of their size.
///
/// ```
/// # use std::error::Error;
/// # use wswrapper::{CallError, Upload, ws_handlers};
/// # struct Desk;
/// #[ws_handlers]
/// impl Desk {
///     pub async fn sum(&self, mut numbers: Upload<i64>) -> Result<i64, Box<dyn Error + Send + Sync>> {
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

    /// Sets the number of items that the caller may send ahead: 1 to 65,536, by default 64.
    ///
    /// A value outside this range is replaced by the nearest one in it. Set the window before the first item is
    /// requested; later changes have no effect on the caller.
    ///
    /// The window and [`max_stream_bytes`](crate::Limits::max_stream_bytes) bound the memory of the local endpoint, so
    /// uploads of large items need a small window.
    #[must_use]
    pub fn window(mut self, items: u32) -> Self {
        self.items.set_window(items);
        self
    }
}

impl<T: Decode, E: WsError> Upload<T, E> {
    /// Returns the next item, or `None` when the upload has finished. Cancel-safe: dropping the future loses no item.
    pub async fn next(&mut self) -> Option<Result<T, CallError<E::Remote>>> {
        poll_fn(|cx| self.items.poll_next::<T, E>(cx)).await
    }

    /// Returns the next item, as [`next`](Self::next) does, with the error outside: `numbers.try_next().await?`.
    /// Cancel-safe.
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
