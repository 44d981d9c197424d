//! Errors of calls and events.

use crate::proto::{NameError, QueueError, Rejection};

/// An error of a call or of a stream's item.
///
/// `E` is the error of the contract as the caller receives it, [`WsError::Remote`](crate::WsError::Remote).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError<E> {
    /// The handler rejected the call with an error of the contract.
    #[error("{0}")]
    Rejected(E),
    /// The peer rejected the call for another reason: no such event, wrong arguments, an internal error.
    #[error("{0}")]
    Refused(Rejection),
    /// No response came in time.
    ///
    /// The call was cancelled, and the peer was notified [P-54].
    #[error("the call timed out")]
    TimedOut,
    /// The connection or the anonymous channel of the call was closed before a response came.
    ///
    /// The handler may have run [P-63] [P-91].
    #[error("the connection was closed before an answer came")]
    Closed,
    /// The response or an item of a stream is not of the expected type. The stream continues after such an item.
    #[error("the answer is not of the expected type: {0}")]
    Decode(#[source] serde_json::Error),
    /// The producer of a stream has sent more than the local endpoint can hold.
    ///
    /// The bounds are [`max_stream_items`](crate::Limits::max_stream_items) and [`max_stream_bytes`](crate::Limits::max_stream_bytes).
    /// The stream was aborted [P-83].
    #[error("the stream was aborted: its items came faster than they were taken")]
    Overflow,
    /// The call, or an item of its upload, was not sent.
    #[error(transparent)]
    NotSent(#[from] SendError),
}

/// An error of a call or an event that was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
    /// The peer reads too slowly: [`outbound_bytes`](crate::Limits::outbound_bytes) are queued for it.
    #[error("the peer's queue is full")]
    Full,
    /// The handle to the channel was [closed](crate::Channel::close), or the anonymous channel is closed.
    #[error("the channel is closed")]
    ChannelClosed,
    /// The anonymous channel is not open yet.
    ///
    /// Its handler has to return it first [P-69].
    #[error("the channel is not open yet: return it from the handler first")]
    ChannelNotOpen,
    /// The connection has [`calls_in_flight`](crate::Limits::calls_in_flight) calls that wait for a response.
    #[error("too many calls are in flight")]
    TooManyCalls,
    /// The message is larger than [`max_outgoing_message_size`](crate::Limits::max_outgoing_message_size).
    #[error("the message has {size} bytes, and at most {limit} bytes can be sent")]
    TooLarge {
        /// The size of the message, in bytes.
        size: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The name of the event or the channel is invalid.
    #[error(transparent)]
    Name(#[from] NameError),
    /// An argument cannot be encoded as JSON.
    #[error("argument {position} cannot be encoded: {source}")]
    Encode {
        /// The position of the argument, from 1.
        position: usize,
        /// The error of the encoder.
        source: serde_json::Error,
    },
    /// An item of an upload cannot be encoded as JSON.
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
