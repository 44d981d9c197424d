//! Errors of the hook for new connections.

use crate::close::Closed;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// A failure of the hook [`on_open`](crate::server::ServerBuilder::on_open).
///
/// Passed to [`on_error`](crate::server::ServerBuilder::on_error), and returned by
/// [`Client::connect`](crate::Client::connect).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The hook returned an error. The peer does not receive it.
    Failed(Arc<dyn Error + Send + Sync>),
    /// The hook did not return within [`open_timeout`](crate::Limits::open_timeout).
    TimedOut,
    /// The connection was closed before the hook returned. Never passed to `on_error`.
    Closed(Arc<Closed>),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => write!(f, "on_open failed: {error}"),
            Self::TimedOut => f.write_str(
                "on_open did not return within `open_timeout`; calls in it have to use its argument, because all others \
                 wait for it",
            ),
            Self::Closed(closed) => write!(f, "the connection was closed before on_open returned: {closed}"),
        }
    }
}

impl Error for OpenError {
    /// Returns the source of the hook's error, whose own text is part of this one.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => error.source(),
            Self::TimedOut | Self::Closed(_) => None,
        }
    }
}
