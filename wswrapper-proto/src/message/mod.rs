//! Decoded frames.

mod arguments;
mod meta;
mod negative_zero;
mod position;

pub(crate) use arguments::SPACE;
pub use arguments::{Arguments, ArgumentsError};
pub use negative_zero::decode_value;
pub use position::{Position, Resume};

use crate::{Address, Rejection, RequestId};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A decoded frame, borrowed from its text.
#[derive(Clone, Debug)]
pub enum Message<'f> {
    /// An event or a request.
    Call(Call<'f>),
    /// A call whose event name is not a string [P-19].
    BadName(Option<RequestId>),
    /// The response to a local request, which may not be pending.
    Response(RequestId, Response<'f>),
    /// The caller of this request no longer waits [P-50].
    Cancellation(RequestId, RawReason<'f>),
    /// The peer aborts an anonymous channel [P-63].
    Abort(Address<'f>, RawReason<'f>),
    /// A frame that is ignored [P-02, P-03, P-04, P-10].
    Nothing,
}

/// An event, or a request if it has an id.
#[derive(Clone, Debug)]
pub struct Call<'f> {
    /// The id of a request, or `None` for an event.
    pub id: Option<RequestId>,
    /// The channel of the call.
    pub address: Address<'f>,
    /// The event's name.
    pub event: Cow<'f, str>,
    /// The arguments after the name.
    pub arguments: Arguments<'f>,
    /// The metadata `m` as JSON.
    pub meta: Option<&'f RawValue>,
}

/// An item of a stream, or its end: the argument of `next` [P-81, P-82].
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Item<'f> {
    /// The value as JSON text.
    pub value: Option<&'f str>,
    /// True if this is the end of the stream.
    pub done: bool,
    /// The number of items that the producer dropped before this one.
    pub lost: u64,
    /// The position of this item, if the producer tells it.
    pub at: Option<Position>,
}

/// The peer's response to a request.
#[derive(Clone, Copy, Debug)]
pub enum Response<'f> {
    /// The result as JSON text, or `None` if the handler returned no value [P-31].
    Result(Option<&'f str>),
    /// The rejection.
    Rejection(RawReason<'f>),
    /// An anonymous channel, which has the id of the request [P-60].
    Channel,
}

/// A rejection or a reason that is not decoded yet.
#[derive(Clone, Copy, Debug)]
pub struct RawReason<'f> {
    /// The value as JSON text.
    pub value: &'f str,
    /// True if the value is marked as an Error.
    pub error: bool,
}

impl RawReason<'_> {
    /// Decodes the value.
    ///
    /// A value that serde cannot represent, such as a lone surrogate or very deep nesting, becomes an Error with an
    /// empty message.
    pub fn read(&self) -> Rejection {
        match serde_json::from_str(self.value) {
            Ok(value) => Rejection::from_wire(value, self.error),
            Err(_) => Rejection::new(""),
        }
    }
}
