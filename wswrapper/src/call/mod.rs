//! Calls and events of ours, under way.

mod proxy;
mod response;
mod source;
mod target;
mod upload;

pub use proxy::{Proxy, ProxyCall, Text};
pub(crate) use response::no_value;
pub use response::{Given, Reply, Wish};
pub use source::Source;
pub(crate) use target::into_target;
pub use target::{Caller, IntoTarget, SendTo, Target};
pub use upload::UploadCall;

use crate::engine::{Completion, ConnectionHandle, Expected, SentCall};
use crate::error::{CallError, SendError};
use crate::proto::{self, ChannelKey, EncodedCall, RawReason, Reason};
use crate::value::WsError;
use bytes::Bytes;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

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
        self.raw.end(Some(reason));
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
    pub(crate) fn taken_as<U>(self) -> Call<U, E> {
        Call { raw: self.raw, types: PhantomData }
    }
}

/// The part of a call that does not depend on its types.
pub(crate) struct RawCall {
    connection: ConnectionHandle,
    stage: Stage,
    wish: Wish,
    timeout: Option<Duration>,
    /// Its time, which counts from the first poll on, while it waits for room.
    unsent: Option<Pin<Box<Sleep>>>,
}

enum Stage {
    Unsent(Result<Option<EncodedCall>, SendError>),
    Waiting(SentCall),
    Ended,
}

/// How a call succeeded.
pub(crate) enum Answer {
    /// With a value.
    Json(Bytes),
    /// With the channel that was expected, and its inbox.
    Channel(ChannelKey, Option<usize>),
    /// With one that nobody can use: the peer may have meant null [P-32].
    UnusedChannel,
}

impl Completion {
    pub(crate) fn into_answer<E: WsError>(self) -> Result<Answer, CallError<E::Remote>> {
        match self {
            Self::Result(Some(json)) => Ok(Answer::Json(json)),
            Self::Result(None) => Ok(Answer::Json(Bytes::from_static(b"null"))),
            Self::Channel => Ok(Answer::UnusedChannel),
            Self::Opened { channel, inbox } => Ok(Answer::Channel(channel, inbox)),
            Self::Rejected { value, error } => {
                let value = std::str::from_utf8(&value).unwrap_or_default();
                let rejection = RawReason { value, error }.read();
                Err(E::from_rejection(rejection).map_or_else(CallError::Refused, CallError::Rejected))
            }
            Self::Failed(proto::CallFailure::TimedOut) => Err(CallError::TimedOut),
            Self::Failed(proto::CallFailure::Closed) => Err(CallError::Closed),
        }
    }
}

impl RawCall {
    pub(crate) fn new(connection: ConnectionHandle, call: Result<EncodedCall, SendError>, wish: Wish) -> Self {
        Self { connection, stage: Stage::Unsent(call.map(Some)), wish, timeout: None, unsent: None }
    }

    pub(crate) fn connection(&self) -> &ConnectionHandle {
        &self.connection
    }

    pub(crate) fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = Some(timeout);
    }

    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// Gives it so long from now on, or all the time there is. False if it was not sent yet.
    pub(crate) fn restart(&self, timeout: Option<Duration>) -> bool {
        let Stage::Waiting(waiting) = &self.stage else { return false };
        self.connection.shared().set_timeout(waiting, timeout);
        true
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Completion, SendError>> {
        let shared = self.connection.shared();
        match &mut self.stage {
            Stage::Ended => Poll::Ready(Err(SendError::Closed)),
            Stage::Unsent(call) => {
                let sent = match call {
                    Err(_) => None,
                    Ok(call) => {
                        let timeout = match &self.unsent {
                            Some(unsent) => Some(unsent.deadline().saturating_duration_since(Instant::now())),
                            None => self.timeout.or(shared.endpoint.limits.call_timeout),
                        };
                        match shared.poll_request(cx, call, &self.wish.0, timeout, self.timeout.is_some()) {
                            Poll::Ready(sent) => Some(sent),
                            Poll::Pending => {
                                let Some(timeout) = timeout else { return Poll::Pending };
                                ready!(self.unsent.get_or_insert_with(|| Box::pin(sleep(timeout))).as_mut().poll(cx));
                                self.stage = Stage::Ended;
                                return Poll::Ready(Ok(Completion::Failed(proto::CallFailure::TimedOut)));
                            }
                        }
                    }
                };
                let unsent = std::mem::replace(&mut self.stage, Stage::Ended);
                match (sent, unsent) {
                    (Some(Ok(waiting)), _) => {
                        self.stage = Stage::Waiting(waiting);
                        Poll::Pending
                    }
                    (Some(Err(error)), _) | (None, Stage::Unsent(Err(error))) => Poll::Ready(Err(error)),
                    (None, _) => Poll::Ready(Err(SendError::Closed)),
                }
            }
            Stage::Waiting(waiting) => {
                let end = ready!(shared.poll_call(cx, waiting));
                self.stage = Stage::Ended;
                Poll::Ready(Ok(end))
            }
        }
    }

    pub(crate) fn end(&mut self, reason: Option<&Reason>) {
        if let Stage::Waiting(waiting) = std::mem::replace(&mut self.stage, Stage::Ended) {
            self.connection.shared().cancel_call(&waiting, reason);
        }
    }
}

impl Drop for RawCall {
    fn drop(&mut self) {
        self.end(None);
    }
}

/// An event on its way to one peer: a future that waits for room in the peer's queue.
///
/// That it is done means that the event was queued, not that it arrived. Dropping it before that sends nothing.
#[must_use = "an event is only sent when its future is awaited"]
pub struct Emit {
    connection: ConnectionHandle,
    event: Result<Option<EncodedCall>, Option<SendError>>,
}

impl Emit {
    pub(crate) fn new(connection: ConnectionHandle, event: Result<EncodedCall, SendError>) -> Self {
        Self { connection, event: event.map(Some).map_err(Some) }
    }
}

impl Future for Emit {
    type Output = Result<(), SendError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { connection, event } = self.get_mut();
        match event {
            Ok(event) => connection.shared().poll_emit(cx, event),
            Err(error) => Poll::Ready(Err(error.take().unwrap_or(SendError::Closed))),
        }
    }
}

impl fmt::Debug for Emit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emit").field("peer", &self.connection.shared().id).finish_non_exhaustive()
    }
}
