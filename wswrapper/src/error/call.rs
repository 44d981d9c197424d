//! Errors of calls and events.

use crate::proto::{NameError, QueueError, Rejection};

/// Why a call did not give a result. `E` is what the contract's error becomes at this end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError<E> {
    /// The handler rejected it with an error of the contract.
    #[error("{0}")]
    Rejected(E),
    /// It was rejected with something else: no such event, wrong arguments, an internal error.
    #[error("{0}")]
    Refused(Rejection),
    /// No answer came in time; the peer was told that nobody waits any more [P-54].
    #[error("the call timed out")]
    TimedOut,
    /// The connection ended before an answer came [P-91], or the anonymous channel of the call did [P-63]. Whether the
    /// handler ran is not known.
    #[error("the connection was closed before an answer came")]
    Closed,
    /// An answer came that is not of the contract's type, or such an item of a stream, which then goes on.
    #[error("the answer is not of the expected type: {0}")]
    Decode(#[source] serde_json::Error),
    /// The producer of a stream has sent more than this end can hold; the stream was aborted [P-83].
    #[error("the stream was aborted: its items came faster than they were taken")]
    Overflow,
    /// It was never sent.
    #[error(transparent)]
    NotSent(#[from] SendError),
}

/// Why something was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
    /// The peer reads too slowly: its [`outbound_bytes`](crate::Limits::outbound_bytes) are used up.
    #[error("the peer's queue is full")]
    Full,
    /// The channel was [closed](crate::Channel::close) at this end, or the anonymous channel has ended.
    #[error("the channel is closed")]
    ChannelClosed,
    /// The anonymous channel was not given to the other end yet: its handler has to return it first [P-69].
    #[error("the channel is not open yet: return it from the handler first")]
    ChannelNotOpen,
    /// [`calls_in_flight`](crate::Limits::calls_in_flight) calls wait for answers.
    #[error("too many calls are in flight")]
    TooManyCalls,
    /// The event or the channel cannot have this name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// An argument cannot be JSON.
    #[error("argument {position} cannot be encoded: {source}")]
    Encode {
        /// Which argument, from 1.
        position: usize,
        /// Why.
        source: serde_json::Error,
    },
    /// An item of an upload cannot be JSON.
    #[error("an item cannot be encoded: {0}")]
    EncodeItem(#[source] serde_json::Error),
}

impl From<QueueError> for SendError {
    fn from(refused: QueueError) -> Self {
        match refused {
            QueueError::Closed => Self::Closed,
            QueueError::QueueFull => Self::Full,
            QueueError::ChannelClosed => Self::ChannelClosed,
        }
    }
}
