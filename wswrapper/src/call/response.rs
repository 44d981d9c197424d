//! Answers to calls as the caller receives them.

use super::{Answer, Call};
use crate::engine::{ConnectionHandle, Expected, WINDOW};
use crate::proto::decode_value;
use crate::stream::{Items, Streaming};
use serde::de::{DeserializeOwned, Error};
use std::fmt;

/// A result that a call can have.
///
/// Implemented for each type that serde decodes, for a [`Streaming`] of items, a [`Scoped`](crate::Scoped) service and
/// an [`AnonymousChannel`](crate::AnonymousChannel).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be decoded from JSON",
    label = "not decodable from JSON",
    note = "for a type of your own, add `#[derive(serde::Deserialize)]`"
)]
pub trait FromResponse {
    /// The value that the caller receives.
    type Output;

    #[doc(hidden)]
    fn expected() -> Wish;

    #[doc(hidden)]
    fn from_answer(
        connection: &ConnectionHandle,
        wish: &Wish,
        answer: Given,
    ) -> Result<Self::Output, serde_json::Error>;
}

/// The kind of answer that a call waits for.
pub struct Wish(pub(crate) Expected);

/// The answer that a call received.
pub struct Given(pub(crate) Answer);

impl<T: DeserializeOwned> FromResponse for T {
    type Output = T;

    fn expected() -> Wish {
        Wish(Expected::Value)
    }

    fn from_answer(_: &ConnectionHandle, _: &Wish, answer: Given) -> Result<T, serde_json::Error> {
        match answer.0 {
            Answer::Json(json) => decode_value(&json),
            Answer::Channel(..) | Answer::UnusedChannel => {
                serde_json::from_str("null").map_err(|_| unexpected_answer("a channel, expected a value"))
            }
        }
    }
}

#[diagnostic::do_not_recommend]
impl<T, E> FromResponse for Streaming<T, E> {
    type Output = Self;

    fn expected() -> Wish {
        Wish(Expected::Items(WINDOW))
    }

    fn from_answer(connection: &ConnectionHandle, wish: &Wish, answer: Given) -> Result<Self, serde_json::Error> {
        match (&wish.0, answer.0) {
            (Expected::Items(window), Answer::Channel(channel, Some(inbox))) => {
                Ok(Self::new(Items::new(connection.clone(), channel, inbox)).window(*window))
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

impl fmt::Debug for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wish")
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given")
    }
}
