//! The close of a connection: its request and its result.

/// The status code and the reason of a close frame.
///
/// The protocol gives them no meaning [P-96].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Close {
    /// The status code.
    ///
    /// 1000 is a normal close, 1001 an endpoint that goes away. 1005 and 1006 are never sent: they stand for a close
    /// without a status, and for a connection that was lost without a closing handshake. Applications use 4000 to 4999.
    pub code: u16,
    /// The reason, for humans. At most 123 bytes are sent.
    pub reason: String,
}

impl Close {
    /// The status of a close frame without a status.
    pub const NO_STATUS: u16 = 1005;
    /// The status of a connection that was closed without a closing handshake.
    pub const ABNORMAL: u16 = 1006;

    /// Creates a close with this status code and reason.
    pub fn new(code: u16, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}

/// The result of a connection: how it was closed, and by which endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Closed {
    /// The status code: 1000 is a normal close, 1005 a close without a status, 1006 a lost or aborted connection.
    ///
    /// See [`Close::code`](crate::transport::Close::code).
    pub code: u16,
    /// The reason in the close frame, or a description of the failure.
    pub reason: String,
    /// True if the local endpoint closed or aborted the connection first.
    pub by_us: bool,
}

impl Closed {
    /// The result of a close by the local endpoint.
    pub(crate) fn by_us(close: &Close) -> Self {
        Self { code: close.code, reason: close.reason.clone(), by_us: true }
    }
}

/// A request to close a connection.
#[derive(Clone)]
pub(crate) enum CloseRequest {
    /// With the closing handshake, after all queued frames.
    Close(Close),
    /// At once, without the closing handshake.
    Abort,
}
