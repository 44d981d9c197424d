//! Responses to calls as the caller receives them.

use super::{Answer, Call};
use crate::engine::{ChannelState, ConnectionHandle, Expected, WINDOW};
use crate::proto::decode_value;
use crate::stream::{Items, Streaming};
use serde::de::{DeserializeOwned, Error};
use std::fmt;

/// A result that a call can have.
///
/// Implemented for each type that serde decodes, for a [`Streaming`] of items, for an
/// [`AnonymousChannel`](crate::AnonymousChannel) and for a generated proxy on one, and for a
/// [`ValueOrChannel`](crate::connection::ValueOrChannel).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be decoded from JSON",
    label = "not decodable from JSON",
    note = "for a type of your own, add `#[derive(serde::Deserialize)]`",
    note = "name the type of a result that is not used: `let _: i64 = ..`; `serde::de::IgnoredAny` accepts any value",
    note = "a stream is received as `Streaming<T, Rejection>`, a scoped service as `CalcProxy<AnonymousChannel>`"
)]
pub trait FromResponse: Sized {
    #[doc(hidden)]
    const KIND: ResponseKind;

    #[doc(hidden)]
    fn from_response(response: ReceivedResponse<'_>) -> Result<Self, serde_json::Error>;
}

/// The kind of response that a call expects.
#[derive(Clone, Copy, Debug)]
pub enum ResponseKind {
    /// A value.
    Value,
    /// A channel with the items of a stream.
    Stream,
    /// A channel for calls in both directions.
    Channel,
}

impl ResponseKind {
    /// Returns the response that a new call expects.
    pub(super) fn expected(self) -> Expected {
        match self {
            Self::Value => Expected::Value,
            Self::Stream => Expected::Items(WINDOW),
            Self::Channel => Expected::Channel(ChannelState::new()),
        }
    }
}

/// The response that a call received.
pub struct ReceivedResponse<'c> {
    pub(crate) connection: &'c ConnectionHandle,
    pub(crate) expected: &'c Expected,
    pub(crate) answer: Answer,
}

impl ReceivedResponse<'_> {
    /// Returns true if the response opens a channel.
    pub(crate) fn opens_channel(&self) -> bool {
        matches!(self.answer, Answer::Channel(..))
    }
}

impl<T: DeserializeOwned> FromResponse for T {
    const KIND: ResponseKind = ResponseKind::Value;

    fn from_response(response: ReceivedResponse<'_>) -> Result<T, serde_json::Error> {
        match response.answer {
            Answer::Json(json) => decode_value(&json),
            Answer::Channel(..) | Answer::UnusedChannel => {
                serde_json::from_str("null").map_err(|_| unexpected_answer("a channel, expected a value"))
            }
        }
    }
}

#[diagnostic::do_not_recommend]
impl<T, E> FromResponse for Streaming<T, E> {
    const KIND: ResponseKind = ResponseKind::Stream;

    fn from_response(response: ReceivedResponse<'_>) -> Result<Self, serde_json::Error> {
        match (response.expected, response.answer) {
            (Expected::Items(window), Answer::Channel(channel, Some(inbox))) => {
                Ok(Self::new(Items::new(response.connection.clone(), channel, inbox)).window(*window))
            }
            _ => Err(unexpected_answer("a value, expected a stream")),
        }
    }
}

impl<T, I, E> Call<Streaming<T, I>, E> {
    /// Sets the [window](Streaming::window) of the stream: 1 to 65,536 items.
    pub fn window(mut self, items: u32) -> Self {
        self.set_expected(Expected::Items(items));
        self
    }
}

/// Returns the error for an answer of the wrong kind.
#[cold]
pub(crate) fn unexpected_answer(what: &str) -> serde_json::Error {
    serde_json::Error::custom(format_args!("the answer is {what}"))
}

impl fmt::Debug for ReceivedResponse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReceivedResponse")
    }
}
