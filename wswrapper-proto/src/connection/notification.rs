//! Reports other than the meanings of frames.

/// A report that is not the meaning of a frame.
#[derive(PartialEq, Eq, Debug)]
pub enum Notification<W, H, C> {
    /// A local call failed without a response.
    CallFailed(W, CallFailure),
    /// The time that the caller waits for this handler has passed.
    HandlerExpired(H),
    /// An anonymous channel was closed with the connection [P-73].
    ChannelClosed(C),
}

/// The reason of a call's failure without a response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallFailure {
    /// The deadline has passed. The peer was notified [P-54].
    TimedOut,
    /// The connection [P-91] or the call's channel [P-63] was closed.
    Closed,
}
