//! Errors in serving a peer.

use super::mount::On;
use super::open::OpenError;
use crate::close::describe;
use crate::proto::Rejection;
use std::error::Error;
use std::io;
use std::sync::Arc;

/// A local error in serving a peer, passed to the hook [`on_error`](crate::server::ServerBuilder::on_error).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// An event was dropped, because it has no handler or its arguments are wrong. A request is rejected instead.
    #[error("event `{event}`{} was dropped: {reason}", On(.channel.as_deref()))]
    EventDropped {
        /// The name of the event. A name of more than 64 characters is cut.
        event: String,
        /// The channel, cut in the same way; `None` is the main channel.
        channel: Option<String>,
        /// The rejection that a request would have received.
        reason: Rejection,
    },
    /// A handler failed with an error that is not sent. The peer received `internal error`.
    #[error("handler of `{event}` failed: {source}")]
    Internal {
        /// The name of the event.
        event: String,
        /// The error of the handler.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The handler of an event failed.
    ///
    /// The peer is not notified, because events have no response [P-39].
    #[error("handler of event `{event}` failed: {reason}")]
    EventFailed {
        /// The name of the event.
        event: String,
        /// The error of the handler.
        reason: Rejection,
    },
    /// A handler panicked. Its request was rejected with `internal error`.
    #[error("handler of `{event}` panicked: {message}")]
    Panicked {
        /// The name of the event.
        event: String,
        /// The message of the panic.
        message: String,
    },
    /// [Background work](crate::Context::spawn) panicked. Its connection may be closed.
    #[error("background work panicked: {message}")]
    BackgroundPanicked {
        /// The message of the panic.
        message: String,
    },
    /// A result could not be encoded. Its request was rejected.
    #[error("the result of `{event}` cannot be encoded: {source}")]
    Encode {
        /// The name of the event.
        event: String,
        /// The error of the encoder.
        source: serde_json::Error,
    },
    /// A result or an item of a stream is larger than
    /// [`max_outgoing_message_size`](crate::Limits::max_outgoing_message_size). The peer received a rejection instead.
    #[error("the response of `{event}` has {size} bytes, and `max_outgoing_message_size` is {limit}")]
    TooLarge {
        /// The name of the event.
        event: String,
        /// The size of the message, in bytes.
        size: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// Reading, writing or closing failed in the transport. The connection is closed next.
    #[error("the connection failed: {}", describe(.source))]
    Transport {
        /// The error of the transport.
        source: Arc<io::Error>,
    },
    /// The [`on_open`](crate::server::ServerBuilder::on_open) hook failed. The connection is closed with status 1011.
    #[error(transparent)]
    Open(#[from] OpenError),
}
