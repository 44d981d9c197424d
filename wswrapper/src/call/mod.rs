//! Calls and events of ours, under way.

mod emit;
mod proxy;
mod raw;
mod response;
mod source;
mod target;
mod upload;

pub use emit::Emit;
pub use proxy::{Proxy, ProxyCall, Text};
pub(crate) use raw::{Answer, RawCall};
pub(crate) use response::unexpected_answer;
pub use response::{Given, Reply, Wish};
pub use source::Source;
pub(crate) use target::into_target;
pub use target::{Caller, IntoTarget, SendTo, Target};
pub use upload::UploadCall;

use crate::engine::{ConnectionHandle, Expected};
use crate::error::{CallError, SendError};
use crate::proto::{EncodedCall, Reason};
use crate::value::WsError;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// A call under way: a future of its result.
///
/// It is sent when it is first polled, and **dropping it cancels it**: the other end is told, and its handler's future
/// is dropped. `E` is the error of the contract; the caller gets what it [becomes](WsError::Remote) at this end.
///
/// It waits for [`call_timeout`](crate::Limits::call_timeout), or for its [own](Self::timeout).
#[must_use = "a call is only sent when it is awaited"]
pub struct Call<T, E> {
    raw: RawCall,
    types: PhantomData<fn() -> (T, E)>,
}

impl<T: Reply, E> Call<T, E> {
    pub(crate) fn new(connection: ConnectionHandle, call: Result<EncodedCall, SendError>) -> Self {
        Self { raw: RawCall::new(connection, call, T::expected()), types: PhantomData }
    }
}

impl<T, E> Call<T, E> {
    /// Waits at most so long, from the first poll on; then the call ends as [`CallError::TimedOut`]. The other end is
    /// told how long its caller waits, and that it has given up [P-54].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.raw.timeout = Some(timeout);
        self
    }

    /// Ends the call and tells the other end why. Dropping it does the same without a reason.
    pub fn cancel(mut self, reason: &Reason) {
        self.raw.cancel(Some(reason));
    }
}

impl<T: Reply, E: WsError> Future for Call<T, E> {
    type Output = Result<T::Output, CallError<E::Remote>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let raw = &mut self.get_mut().raw;
        let answer = ready!(raw.poll(cx))?.into_answer::<E>()?;
        Poll::Ready(T::from_answer(&raw.connection, &raw.wish, Given(answer)).map_err(CallError::Decode))
    }
}

impl<T, E> fmt::Debug for Call<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("peer", &self.raw.connection.shared().id).finish_non_exhaustive()
    }
}

impl<T, E> Call<T, E> {
    pub(crate) fn expected(&self) -> &Expected {
        &self.raw.wish.0
    }

    pub(crate) fn set_expected(&mut self, expected: Expected) {
        self.raw.wish = Wish(expected);
    }

    /// The same call, its answer taken in another way.
    pub(crate) fn with_reply<U>(self) -> Call<U, E> {
        Call { raw: self.raw, types: PhantomData }
    }
}
