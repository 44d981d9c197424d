//! Errors of the hook for new connections.

use crate::close::Closed;
use std::error::Error;
use std::sync::Arc;

/// A failure of the hook [`on_open`](crate::server::ServerBuilder::on_open).
///
/// Passed to [`on_error`](crate::server::ServerBuilder::on_error), and returned by
/// [`Client::connect`](crate::Client::connect).
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The hook returned an error. The peer does not receive it.
    #[error("on_open failed: {0}")]
    Failed(#[source] Arc<dyn Error + Send + Sync>),
    /// The hook did not return within [`open_timeout`](crate::Limits::open_timeout).
    #[error("on_open did not return within `open_timeout`")]
    TimedOut,
    /// The connection was closed before the hook returned. Never passed to `on_error`.
    #[error("the connection was closed before on_open returned: {0}")]
    Closed(#[source] Arc<Closed>),
}
