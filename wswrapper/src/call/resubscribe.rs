//! Requests for streams that survive a lost connection.

use super::raw::Offline;
use super::{RawCall, Resubscribed};
use crate::error::{CallError, SendError};
use crate::proto::EncodedCall;
use crate::value::{Decode, WsError};
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Encodes the call that continues a stream, for the last item that was taken.
pub(crate) type Encode<T> = Box<dyn FnMut(Option<&T>) -> Result<EncodedCall, SendError> + Send>;
/// Keeps an item for the next call.
pub(crate) type Keep<T> = fn(&T) -> Option<T>;

/// A request for a stream that survives a lost connection: a future of the stream.
///
/// It behaves like a [`Call`](crate::Call). [`Call::resumable`](crate::Call::resumable) and
/// [`Call::resubscribe`](crate::Call::resubscribe) create it.
#[must_use = "a call is only sent when it is awaited"]
pub struct Resubscribe<T, I, E> {
    raw: RawCall,
    /// Taken when the stream begins.
    encode: Option<Encode<T>>,
    keep: Keep<T>,
    types: PhantomData<fn() -> (I, E)>,
}

impl<T, I, E> Resubscribe<T, I, E> {
    pub(crate) fn new(raw: RawCall, encode: Encode<T>, keep: Keep<T>) -> Self {
        Self { raw, encode: Some(encode), keep, types: PhantomData }
    }

    /// Lets the first call wait for at most `wait` while its client has no connection; see
    /// [`Call::queue`](crate::Call::queue). The later ones wait as long as the client tries to connect.
    pub fn queue(mut self, wait: Duration) -> Self {
        self.raw.offline = Offline::Queue(wait);
        self
    }
}

impl<T: Decode + Unpin, I: WsError, E: WsError> Future for Resubscribe<T, I, E> {
    type Output = Result<Resubscribed<T, I>, CallError<E::Remote>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let answer = ready!(this.raw.poll(cx))?.into_answer::<E>()?;
        // Polled after it was ready.
        let Some(encode) = this.encode.take() else { return Poll::Ready(Err(SendError::polled_again().into())) };
        Poll::Ready(Resubscribed::new(&this.raw, &answer, encode, this.keep).map_err(CallError::Decode))
    }
}

impl<T, I, E> fmt::Debug for Resubscribe<T, I, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resubscribe").field("peer", &self.raw.connection().shared().id).finish_non_exhaustive()
    }
}
