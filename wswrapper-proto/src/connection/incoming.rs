//! Meanings of frames.

use crate::{Call, ChannelKey, Item, RawReason, RequestId, Response, StreamBound};

/// The meaning of a frame.
#[derive(Debug)]
pub enum Incoming<'f, W, H, C> {
    /// An event or a request on the main channel or a named one.
    Call(Call<'f>),
    /// An event or a request on an anonymous channel.
    ChannelCall(C, Call<'f>),
    /// The response to a local call.
    Response(W, Response<'f>),
    /// The response to a local call is the channel that was expected. It is open.
    ChannelOpened(W, ChannelKey),
    /// An item of a stream, or its end. The end closes the channel, unless it is that of an upload.
    Item(C, Item<'f>),
    /// A producer has sent more items than the [bounds](crate::Bounds) allow. The channel was aborted [P-83].
    Overflow(C, StreamBound),
    /// A producer may send more items, or an upload's handler need not wait for a request any more.
    Resumed(C, Option<H>),
    /// The caller of this handler's upload requests its result.
    ResultAwaited(Option<H>, RequestId),
    /// The peer has aborted a channel. The handler that is attached to it has to stop.
    ChannelAborted(ChannelKey, C, Option<H>, RawReason<'f>),
    /// The peer has cancelled the request of this handler.
    Cancelled(H, RawReason<'f>),
    /// The frame is malformed. [Decode it again](crate::Message::decode_whole) and handle that message instead.
    NotJson,
    /// The frame requires no action.
    Nothing,
}
