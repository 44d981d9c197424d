//! Calls without their types, and the answers to them.

use super::Wish;
use crate::engine::{Completion, ConnectionHandle, SentCall};
use crate::error::{CallError, SendError};
use crate::proto::{ChannelKey, EncodedCall, RawReason, Reason};
use crate::value::{WsError, read_rejection};
use bytes::Bytes;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// The part of a call that does not depend on its types.
pub(crate) struct RawCall {
    pub(super) connection: ConnectionHandle,
    stage: Stage,
    pub(super) wish: Wish,
    pub(super) timeout: Option<Duration>,
    /// The timeout while the call waits for capacity, counted from the first poll.
    queue_timer: Option<Pin<Box<Sleep>>>,
}

enum Stage {
    Unsent(Result<Option<EncodedCall>, SendError>),
    Waiting(SentCall),
    Finished,
}

/// The answer to a call that succeeded.
pub(crate) enum Answer {
    /// A value.
    Json(Bytes),
    /// The expected channel and the inbox of its stream.
    Channel(ChannelKey, Option<usize>),
    /// A channel that the call did not expect; it counts as null where null is a valid value [P-32].
    UnusedChannel,
}

impl Completion {
    /// Returns the answer, or the error of a call that failed.
    pub(crate) fn into_answer<E: WsError>(self) -> Result<Answer, CallError<E::Remote>> {
        match self {
            Self::Result(Some(json)) => Ok(Answer::Json(json)),
            Self::Result(None) => Ok(Answer::Json(Bytes::from_static(b"null"))),
            Self::Channel => Ok(Answer::UnusedChannel),
            Self::Opened { channel, inbox } => Ok(Answer::Channel(channel, inbox)),
            Self::Rejected { value, error } => {
                let value = std::str::from_utf8(&value).unwrap_or_default();
                let rejection = RawReason { value, error }.read();
                Err(read_rejection::<E>(rejection))
            }
            Self::TimedOut => Err(CallError::TimedOut),
            Self::Closed(closed) => Err(CallError::Closed(closed)),
            Self::ChannelClosed(reason) => Err(CallError::ChannelClosed(reason)),
        }
    }
}

impl RawCall {
    pub(crate) fn new(connection: ConnectionHandle, call: Result<EncodedCall, SendError>, wish: Wish) -> Self {
        Self { connection, stage: Stage::Unsent(call.map(Some)), wish, timeout: None, queue_timer: None }
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

    /// Replaces the time that is left by `timeout` from now on; `None` removes the limit. Returns false if the call was
    /// not sent yet.
    pub(crate) fn reset_timeout(&self, timeout: Option<Duration>) -> bool {
        let Stage::Waiting(waiting) = &self.stage else { return false };
        self.connection.shared().set_timeout(waiting, timeout);
        true
    }

    /// Sends the call at the first poll with capacity, then waits for its completion.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Completion, SendError>> {
        let shared = self.connection.shared();
        match &mut self.stage {
            Stage::Finished => Poll::Ready(Err(SendError::polled_again())),
            Stage::Unsent(call) => {
                let sent = match call {
                    Err(_) => None,
                    Ok(call) => {
                        let timeout = match &self.queue_timer {
                            Some(timer) => Some(timer.deadline().saturating_duration_since(Instant::now())),
                            None => self.timeout.or(shared.endpoint.limits.call_timeout),
                        };
                        match shared.poll_request(cx, call, &self.wish.0, timeout, self.timeout.is_some()) {
                            Poll::Ready(sent) => Some(sent),
                            Poll::Pending => {
                                let Some(timeout) = timeout else { return Poll::Pending };
                                ready!(
                                    self.queue_timer.get_or_insert_with(|| Box::pin(sleep(timeout))).as_mut().poll(cx)
                                );
                                self.stage = Stage::Finished;
                                return Poll::Ready(Ok(Completion::TimedOut));
                            }
                        }
                    }
                };
                let unsent = std::mem::replace(&mut self.stage, Stage::Finished);
                match (sent, unsent) {
                    (Some(Ok(waiting)), _) => {
                        self.stage = Stage::Waiting(waiting);
                        Poll::Pending
                    }
                    (Some(Err(error)), _) | (None, Stage::Unsent(Err(error))) => Poll::Ready(Err(error)),
                    (None, _) => Poll::Ready(Err(SendError::polled_again())),
                }
            }
            Stage::Waiting(waiting) => {
                let completion = ready!(shared.poll_call(cx, waiting));
                self.stage = Stage::Finished;
                Poll::Ready(Ok(completion))
            }
        }
    }

    /// Cancels the call. Does nothing if the call has finished.
    pub(crate) fn cancel(&mut self, reason: Option<&Reason>) {
        if let Stage::Waiting(waiting) = std::mem::replace(&mut self.stage, Stage::Finished) {
            self.connection.shared().cancel_call(&waiting, reason);
        }
    }
}

impl Drop for RawCall {
    fn drop(&mut self) {
        self.cancel(None);
    }
}
