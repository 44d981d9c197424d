//! What a frame says.

mod arguments;
mod meta;

pub(crate) use arguments::SPACE;
pub use arguments::{Arguments, ArgumentsError};

use crate::{Address, Rejection, RequestId};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A decoded frame, borrowed from its text.
#[derive(Clone, Debug)]
pub enum Message<'f> {
    /// An event, or a request if it has an id.
    Call(Call<'f>),
    /// A call of something that is no event's name [P-19].
    BadName(Option<RequestId>),
    /// The answer to a request of ours, should it be pending.
    Response(RequestId, Response<'f>),
    /// The requestor no longer waits [P-50].
    Cancellation(RequestId, RawReason<'f>),
    /// An anonymous channel ends [P-63].
    Abort(Address<'f>, RawReason<'f>),
    /// Nothing for us [P-02, P-03, P-04, P-10].
    Nothing,
}

/// An event, or a request if it has an id.
#[derive(Clone, Debug)]
pub struct Call<'f> {
    /// The id to answer with; none for an event.
    pub id: Option<RequestId>,
    /// The channel.
    pub address: Address<'f>,
    /// The event's name.
    pub event: Cow<'f, str>,
    /// What follows the name.
    pub arguments: Arguments<'f>,
    /// Metadata.
    pub meta: Option<&'f RawValue>,
}

/// What a stream's producer sends with `next` [P-81, P-82].
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Item<'f> {
    /// The value as JSON text.
    pub value: Option<&'f str>,
    /// Whether this is the end.
    pub done: bool,
    /// How many items before it the producer has dropped.
    pub lost: u64,
}

/// How a request ended, as the other end tells it.
#[derive(Clone, Copy, Debug)]
pub enum Response<'f> {
    /// A result as JSON text; none if the handler returned nothing [P-31].
    Result(Option<&'f str>),
    /// A rejection.
    Rejection(RawReason<'f>),
    /// An anonymous channel [P-60].
    Channel,
}

/// A rejection or a reason, not yet read.
#[derive(Clone, Copy, Debug)]
pub struct RawReason<'f> {
    /// As JSON text.
    pub value: &'f str,
    /// Whether it is marked as an Error.
    pub error: bool,
}

impl RawReason<'_> {
    /// Reads it. What serde cannot represent (a lone surrogate, a thousand brackets) is an Error without a message.
    pub fn read(&self) -> Rejection {
        match serde_json::from_str(self.value) {
            Ok(value) => Rejection::from_wire(value, self.error),
            Err(_) => Rejection::new(""),
        }
    }
}
