//! Errors of calls and events.

use crate::close::{CloseCause, Closed};
use crate::proto::{NameError, Reason, Rejection, StreamBound};
use std::fmt;
use std::sync::Arc;

/// An error of a call or of a stream's item.
///
/// `E` is the error of the contract as the caller receives it, [`WsError::Remote`](crate::WsError::Remote).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError<E> {
    /// The handler rejected the call with an error of the contract.
    #[error("{0}")]
    Handler(E),
    /// The peer rejected the call for another reason: no such event, wrong arguments, an internal error.
    ///
    /// An error type that accepts every rejection, such as [`Rejection`] or `String`, receives these too, as
    /// [`Handler`](Self::Handler).
    #[error("{0}")]
    Rejected(Rejection),
    /// The call was sent, and no response came in time.
    ///
    /// The call was cancelled, and the peer was notified [P-54]. The handler may have run. A call that was not sent in time
    /// fails with [`NotSent`](Self::NotSent) and [`TimedOut`](SendError::TimedOut).
    #[error("the call timed out")]
    TimedOut,
    /// The connection was closed before a response came, with this cause, status and reason.
    ///
    /// The handler may have run [P-91].
    #[error("the connection was closed before an answer came: {0}")]
    Closed(#[source] Arc<Closed>),
    /// The anonymous channel of the call was closed before a response came, for this reason. The connection is open.
    ///
    /// The handler may have run [P-63].
    #[error("the channel was closed before an answer came: {0}")]
    ChannelClosed(Reason),
    /// The response or an item of a stream is not of the expected type. The stream continues after such an item.
    #[error("the answer is not of the expected type: {0}")]
    Decode(#[source] serde_json::Error),
    /// The producer of a stream has sent more than the local endpoint can hold.
    ///
    /// The stream was aborted [P-83].
    #[error("the stream was aborted: its items came faster than they were taken, and exceed `{limit}`")]
    Overflow {
        /// The name of the limit: [`max_stream_items`](crate::Limits::max_stream_items) or
        /// [`max_stream_bytes`](crate::Limits::max_stream_bytes).
        limit: &'static str,
    },
    /// The call, or an item of its upload, was not sent.
    #[error(transparent)]
    NotSent(#[from] SendError),
}

impl<E> CallError<E> {
    pub(crate) fn overflow(bound: StreamBound) -> Self {
        let limit = match bound {
            StreamBound::Items => "max_stream_items",
            StreamBound::Bytes => "max_stream_bytes",
        };
        Self::Overflow { limit }
    }
}

/// An error of a call or an event that was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The connection is closed, with this cause, status and reason.
    #[error("the connection is closed: {0}")]
    Closed(#[source] Arc<Closed>),
    /// No more can wait: [`max_outbound_bytes`](crate::Limits::max_outbound_bytes) are queued for a peer that reads too
    /// slowly, or [`max_queued_calls`](crate::Limits::max_queued_calls) or
    /// [`max_calls_before_open`](crate::Limits::max_calls_before_open) wait for a connection.
    #[error("too many calls or events wait to be sent")]
    Full,
    /// The timeout of the call was over before it was sent. It has waited for a connection or for capacity.
    #[error("the time of the call was over before it was sent")]
    TimedOut,
    /// The handle to the channel was [closed](crate::Channel::close), or the anonymous channel is closed.
    #[error("{} is closed", ChannelLabel(.channel.as_deref()))]
    ChannelClosed {
        /// The name of the channel, or the number of an anonymous channel. `None` if the anonymous channel was never
        /// opened.
        channel: Option<String>,
    },
    /// The request is for an anonymous channel that is not open yet.
    ///
    /// Its handler has to return it first [P-69]. An event waits for that, and fails with [`Full`](Self::Full) if
    /// [`max_outbound_bytes`](crate::Limits::max_outbound_bytes) wait.
    #[error("the channel is not open yet: return it from the handler first")]
    ChannelNotOpen,
    /// The connection has [`max_calls_in_flight`](crate::Limits::max_calls_in_flight) calls that wait for a response or
    /// for capacity, and the call does not [wait](crate::Call::wait_for_capacity) for them.
    #[error("too many calls are in flight: await some of them, or use `wait_for_capacity`")]
    TooManyCalls,
    /// The [transport](crate::transport::Transport::ping) of the connection cannot send pings.
    #[error("the transport of the connection cannot send pings")]
    NoPings,
    /// All request ids of the connection are used, and none is used twice [P-36].
    #[error("all request ids of the connection are used: connect again")]
    NoIds,
    /// The message is larger than [`max_outgoing_message_size`](crate::Limits::max_outgoing_message_size).
    #[error("the message has {size} bytes, and `max_outgoing_message_size` is {limit}")]
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

impl SendError {
    /// The error of a named channel that is closed.
    pub(crate) fn channel_closed(channel: &str) -> Self {
        Self::ChannelClosed { channel: Some(channel.to_owned()) }
    }

    /// The error of a future that is polled again after it was ready.
    pub(crate) fn polled_again() -> Self {
        Self::Closed(Arc::new(Closed::abnormal(CloseCause::Local, "the future was polled after it was ready")))
    }
}

/// Displays a channel.
struct ChannelLabel<'n>(Option<&'n str>);

impl fmt::Display for ChannelLabel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(channel) => write!(f, "channel `{channel}`"),
            None => f.write_str("the channel"),
        }
    }
}
