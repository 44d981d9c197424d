//! Actions of the simulation.

use crate::proto::Role;
use proptest::sample::Index;

/// An operation at one endpoint. `index` selects the call, handler or channel, and `amount` is a count.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub(crate) endpoint: usize,
    pub(crate) operation: Operation,
    pub(crate) index: Index,
    pub(crate) amount: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    /// Sends a request on the main channel. `CallOn` uses an anonymous channel.
    Call(Kind),
    CallOn(Kind),
    /// Sends an event on a plain channel.
    Note,
    /// Finishes a waiting handler.
    Settle,
    Cancel,
    Start,
    Take,
    /// Sends up to `amount` items within the allowance, and `done` after the last item.
    Produce,
    /// Aborts a channel of any role.
    Abort,
    /// Closes a plain channel locally.
    Close,
    /// Aborts the items of an upload with an error.
    AbortItems,
    /// Stops a consumer.
    Stop,
    /// Responds to an upload, possibly before its last item.
    FinishUpload,
    /// Delivers `amount` frames.
    Deliver,
    Advance,
    Disconnect,
    Connect,
}

/// The requested result. Its name is the event's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Value,
    Refusal,
    Later,
    Channel,
    Stream,
    Upload,
    /// Requests a stream, but expects no channel in the response.
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

    /// Returns the role of the expected channel.
    pub(super) fn expected_role(self) -> Option<Role> {
        match self {
            Self::Value | Self::Refusal | Self::Later | Self::Mistake => None,
            Self::Channel => Some(Role::Plain),
            Self::Stream => Some(Role::Consumer),
            Self::Upload => Some(Role::Producer),
        }
    }
}
