//! Addresses of messages.

use crate::RequestId;
use std::borrow::Cow;

/// The channel to which an event, a request or an abort belongs.
#[derive(Clone, PartialEq, Debug)]
pub enum Address<'f> {
    /// The main channel.
    Main,
    /// A named channel. The peer may have sent the empty name, which no channel has.
    Named(Cow<'f, str>),
    /// An anonymous channel.
    Anonymous(RequestId),
    /// The JSON of a `c` that is not a string, so that no channel has the name [P-18].
    InvalidName(&'f str),
    /// The JSON of an `h` that is not the id of a channel [P-16].
    InvalidNumber(&'f str),
}
