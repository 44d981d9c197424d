//! The end of a connection: how it is asked for, and how it came.

/// A status code and a reason, as a close frame has them. The protocol gives them no meaning [P-96].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Close {
    /// The status: 1000 is a normal end, 1001 going away; 1005 stands for none given, 1006 for a connection that ended
    /// without a closing handshake. An application's own are 4000 to 4999.
    pub code: u16,
    /// For people; at most 123 bytes are sent.
    pub reason: String,
}

impl Close {
    /// No status was given.
    pub const NO_STATUS: u16 = 1005;
    /// The connection ended without a closing handshake.
    pub const ABNORMAL: u16 = 1006;

    /// With this code and reason.
    pub fn new(code: u16, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}

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
