//! Calls without their types, and the answers to them.

use crate::engine::{CallOptions, Completion, ConnectionHandle, Expected, StartedCall};
use crate::error::{CallError, SendError};
use crate::proto::{ChannelKey, EncodedCall, RawReason};
use crate::value::{WsError, read_rejection};
use bytes::Bytes;
use std::mem;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// The part of a call that does not depend on its types.
pub(crate) struct RawCall {
    pub(super) connection: ConnectionHandle,
    pub(super) stage: Stage,
    pub(super) expected: Expected,
    pub(super) timeout: Option<Duration>,
    /// True if the call waits while too many calls are pending.
    pub(super) waits_for_capacity: bool,
    /// True for the second request of an upload.
    pub(super) continues_upload: bool,
    /// True if the call may be sent again after its connection was lost.
    pub(super) is_idempotent: bool,
    /// The copy of a started call that may be sent again.
    copy: Option<EncodedCall>,
}

/// The progress of a call.
pub(super) enum Stage {
    Unsent(Result<EncodedCall, SendError>),
    Started(StartedCall),
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
            Self::NotSent(error) => Err(CallError::NotSent(error)),
        }
    }
}

impl RawCall {
    pub(crate) fn new(connection: ConnectionHandle, call: Result<EncodedCall, SendError>, expected: Expected) -> Self {
        Self {
            connection,
            stage: Stage::Unsent(call),
            expected,
            timeout: None,
            waits_for_capacity: false,
            continues_upload: false,
            is_idempotent: false,
            copy: None,
        }
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
        let Stage::Started(call) = &self.stage else { return false };
        self.connection.shared().set_timeout(call, timeout)
    }

    /// Returns true if the call was sent, and does not wait for capacity.
    pub(super) fn is_sent(&mut self) -> bool {
        match &mut self.stage {
            Stage::Started(call) => self.connection.shared().is_sent(call),
            _ => false,
        }
    }

    /// Sends the call at the first poll, or lets it wait for capacity, then waits for its completion.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Completion, SendError>> {
        let shared = self.connection.shared();
        if let Stage::Started(call) = &self.stage {
            let completion = ready!(shared.poll_call(cx, call));
            self.stage = Stage::Finished;
            return self.finish(match completion {
                Completion::NotSent(error) => Err(error),
                completion => Ok(completion),
            });
        }
        let Stage::Unsent(call) = mem::replace(&mut self.stage, Stage::Finished) else {
            return Poll::Ready(Err(SendError::polled_again()));
        };
        let options = CallOptions {
            timeout: self.timeout.or(shared.endpoint.limits.call_timeout),
            sends_timeout: self.timeout.is_some(),
            waits_for_capacity: self.waits_for_capacity,
            continues_upload: self.continues_upload,
        };
        let call = call?;
        // An anonymous channel is lost with its connection, so a call on it cannot be sent again.
        let copy = (self.is_idempotent && call.channel().is_none()).then(|| call.clone());
        let call = shared.start_call(cx.waker(), call, &self.expected, options)?;
        (self.stage, self.copy) = (Stage::Started(call), copy);
        Poll::Pending
    }

    /// Returns the end of a started call, unless it was lost with its connection and may be sent again.
    fn finish(&mut self, end: Result<Completion, SendError>) -> Poll<Result<Completion, SendError>> {
        let is_lost = matches!(end, Ok(Completion::Closed(_)) | Err(SendError::Closed(_)));
        match self.copy.take() {
            Some(call) if is_lost => Self::send_again(call, end),
            _ => Poll::Ready(end),
        }
    }

    /// Finishes a call that may be sent again. Nothing connects again by itself, so the call fails as it was lost.
    fn send_again(call: EncodedCall, lost: Result<Completion, SendError>) -> Poll<Result<Completion, SendError>> {
        drop(call);
        Poll::Ready(lost)
    }
}
