//! What a connection tells its caller.

use crate::{Call, ChannelKey, Item, RawReason, RequestId, Response};

/// What a frame means.
#[derive(Debug)]
pub enum Incoming<'f, W, H, C> {
    /// An event or a request, to be handled.
    Call(Call<'f>),
    /// The same on an anonymous channel.
    ChannelCall(C, Call<'f>),
    /// The end of a call of ours.
    Response(W, Response<'f>),
    /// The end of a call of ours that can be answered by a channel: it was.
    ChannelOpened(W, ChannelKey),
    /// A stream's item, or its end; then the channel is closed.
    Item(C, Item<'f>),
    /// A stream's producer has sent more than this end can hold: the channel was aborted [P-83].
    Overflow(C),
    /// The producer of this stream may go on.
    Resumed(C, Option<H>),
    /// The result of this handler's upload goes to that request.
    ResultAwaited(Option<H>, RequestId),
    /// The peer has aborted a channel, and with it the handler that goes on while it is open.
    ChannelAborted(ChannelKey, C, Option<H>, RawReason<'f>),
    /// The peer cancelled this handler's request.
    Cancelled(H, RawReason<'f>),
    /// The frame is not what it seemed to be: [decode](crate::Message::decode_whole) it again.
    NotJson,
    /// Nothing that the caller has to act on.
    Nothing,
}

/// What happened without a frame.
#[derive(PartialEq, Eq, Debug)]
pub enum Notification<W, H, C> {
    /// A call of ours ended without an answer.
    CallFailed(W, CallFailure),
    /// The peer's time for this handler's request ran out.
    HandlerExpired(H),
    /// An anonymous channel ended with the connection [P-73].
    ChannelClosed(C),
}

/// How a call ended without an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallFailure {
    /// Its time ran out; the peer was told [P-54].
    TimedOut,
    /// Its connection was lost [P-91], or its channel has ended [P-63].
    Closed,
}

/// Why something is not sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum QueueError {
    /// The connection is not open yet and its queue is full [P-90].
    #[error("not connected yet, and the queue is full")]
    QueueFull,
    /// The connection was lost.
    #[error("the connection is closed")]
    Closed,
    /// The anonymous channel has ended [P-69].
    #[error("the channel is closed")]
    ChannelClosed,
}
