//! What ends do, and what happens to them.

use crate::proto::Role;
use proptest::sample::Index;

/// What one end does, or what happens to it: to one of those that it can be done to, and how much.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub(crate) endpoint: usize,
    pub(crate) operation: Operation,
    pub(crate) index: Index,
    pub(crate) amount: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    /// A request, on the main channel or on an anonymous one.
    Call(Kind),
    CallOn(Kind),
    /// An event on a channel for events and requests.
    Note,
    /// A handler that took its time ends.
    Settle,
    Cancel,
    Start,
    Take,
    /// Sends so many items, as far as the consumer lets it; after the last one the end.
    Produce,
    /// A channel is aborted, whatever it is for.
    Abort,
    /// One for events and requests is closed at this end alone.
    Close,
    /// The items of an upload end with an error.
    AbortItems,
    /// Nobody takes a stream's items any more.
    Stop,
    /// The handler of an upload answers, be it before the end.
    FinishUpload,
    /// So many frames arrive.
    Deliver,
    Advance,
    Disconnect,
    Connect,
}

/// What a request wants; it is the event's name, too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Value,
    Refusal,
    Later,
    Channel,
    Stream,
    Upload,
    /// A stream's channel, where its caller knows of no channels.
    Mistake,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Refusal => "refusal",
            Self::Later => "later",
            Self::Channel => "channel",
            Self::Stream | Self::Mistake => "stream",
            Self::Upload => "upload",
        }
    }

    /// What its caller wants a channel for.
    pub(super) fn expected_role(self) -> Option<Role> {
        match self {
            Self::Value | Self::Refusal | Self::Later | Self::Mistake => None,
            Self::Channel => Some(Role::Plain),
            Self::Stream => Some(Role::Consumer),
            Self::Upload => Some(Role::Producer),
        }
    }
}
