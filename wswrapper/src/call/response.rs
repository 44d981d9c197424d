//! What a call can be answered with, as its caller takes it.

use super::Answer;
use super::target::Proxy;
use crate::engine::{Expected, WINDOW};
use crate::handle::{AnonymousChannel, ChannelScope, Peer};
use crate::service::{Contract, Scoped};
use crate::stream::{Items, Streaming};
use serde::de::{DeserializeOwned, Error};
use std::fmt;

/// What a call can be answered with: whatever serde decodes, a [`Streaming`] of items, a [`Scoped`] service, an
/// [`AnonymousChannel`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be decoded from JSON",
    label = "not decodable from JSON",
    note = "for a type of your own, add `#[derive(serde::Deserialize)]`"
)]
pub trait Reply {
    /// What the caller gets.
    type Output;

    #[doc(hidden)]
    fn expected() -> Wish;

    #[doc(hidden)]
    fn from_answer(peer: &Peer, wish: &Wish, answer: Given) -> Result<Self::Output, serde_json::Error>;
}

/// What a call waits for.
pub struct Wish(pub(crate) Expected);

/// What it got.
pub struct Given(pub(crate) Answer);

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> Reply for T {
    type Output = T;

    fn expected() -> Wish {
        Wish(Expected::Value)
    }

    fn from_answer(_: &Peer, _: &Wish, answer: Given) -> Result<T, serde_json::Error> {
        match answer.0 {
            Answer::Json(json) => serde_json::from_slice(&json),
            Answer::Channel(..) | Answer::UnusedChannel => {
                serde_json::from_str("null").map_err(|_| no_value("a channel, expected a value"))
            }
        }
    }
}

#[diagnostic::do_not_recommend]
impl<T, E> Reply for Streaming<T, E> {
    type Output = Self;

    fn expected() -> Wish {
        Wish(Expected::Items(WINDOW))
    }

    fn from_answer(peer: &Peer, wish: &Wish, answer: Given) -> Result<Self, serde_json::Error> {
        match (&wish.0, answer.0) {
            (Expected::Items(window), Answer::Channel(channel, Some(inbox))) => {
                Ok(Self::new(Items::new(peer.clone(), channel, inbox)).window(*window))
            }
            _ => Err(no_value("a value, expected a stream")),
        }
    }
}

#[diagnostic::do_not_recommend]
impl Reply for AnonymousChannel {
    type Output = Self;

    fn expected() -> Wish {
        Wish(Expected::Channel(ChannelScope::new()))
    }

    fn from_answer(peer: &Peer, wish: &Wish, answer: Given) -> Result<Self, serde_json::Error> {
        match (&wish.0, answer.0) {
            (Expected::Channel(scope), Answer::Channel(channel, _)) => Ok(Self::received(peer, scope, channel)),
            _ => Err(no_value("a value, expected a channel")),
        }
    }
}

#[diagnostic::do_not_recommend]
impl<C: Contract + ?Sized> Reply for Scoped<C> {
    type Output = C::Proxy<AnonymousChannel>;

    fn expected() -> Wish {
        AnonymousChannel::expected()
    }

    fn from_answer(peer: &Peer, wish: &Wish, answer: Given) -> Result<Self::Output, serde_json::Error> {
        AnonymousChannel::from_answer(peer, wish, answer).map(|channel| C::proxy(Proxy::new(channel, None)))
    }
}

#[cold]
fn no_value(what: &str) -> serde_json::Error {
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
