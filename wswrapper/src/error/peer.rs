//! Errors while a peer is served.

use super::mount::On;
use crate::proto::Rejection;
use std::error::Error;

/// What went wrong at this end while it served a peer; given to [`on_error`](crate::ServerBuilder::on_error).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PeerError {
    /// An event was dropped: nobody handles it, or its arguments are wrong. (A request is rejected instead.)
    #[error("event `{event}`{} was dropped: {reason}", On(.channel.as_deref()))]
    EventDropped {
        /// The event.
        event: String,
        /// The channel; none is the main one.
        channel: Option<String>,
        /// What its rejection would have been.
        reason: Rejection,
    },
    /// A handler failed with an error that the peer must not see: it was told `internal error`, and this is the truth.
    #[error("handler of `{event}` failed: {source}")]
    Internal {
        /// The event.
        event: String,
        /// The handler's error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// An event's handler failed; nobody is told, as events have no answer [P-39].
    #[error("handler of event `{event}` failed: {reason}")]
    EventFailed {
        /// The event.
        event: String,
        /// Its error.
        reason: Rejection,
    },
    /// A handler panicked; its request was rejected with `internal error`.
    #[error("handler of `{event}` panicked: {message}")]
    Panicked {
        /// The event.
        event: String,
        /// What it panicked with.
        message: String,
    },
    /// A result could not be encoded; its request was rejected.
    #[error("the result of `{event}` cannot be encoded: {source}")]
    Encode {
        /// The event.
        event: String,
        /// Why.
        source: serde_json::Error,
    },
}
