//! The end of a connection: how it is asked for, and how it came.

use crate::transport::Close;

/// How a connection ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Closed {
    /// The status, as [`Close`] explains them.
    pub code: u16,
    /// The reason that came with it, or what went wrong.
    pub reason: String,
    /// Whether this end closed it first.
    pub by_us: bool,
}

impl Closed {
    pub(crate) fn by_us(close: &Close) -> Self {
        Self { code: close.code, reason: close.reason.clone(), by_us: true }
    }
}

/// How a handle wants the connection to end.
#[derive(Clone)]
pub(crate) enum CloseRequest {
    /// By the closing handshake, after all that was sent.
    Close(Close),
    /// At once.
    Abort,
}
