//! The slot in which the end of a call is left for its caller.

use super::channel_state::ChannelState;
use super::shared::ChannelBinding;
use crate::proto::{self, ChannelKey, ExpectedChannel, RequestId, Role};
use bytes::Bytes;
use std::sync::Arc;
use std::task::Waker;

/// What answers a call.
pub(crate) enum Expected {
    /// A value.
    Value,
    /// A stream, with this window.
    Items(u32),
    /// A channel over which this end then sends items.
    Upload,
    /// A channel with these handlers at this end.
    Channel(Arc<ChannelState>),
}

impl Expected {
    pub(crate) fn channel(&self) -> Option<ExpectedChannel<ChannelBinding>> {
        let (role, state) = match self {
            Self::Value => return None,
            Self::Items(_) => (Role::Consumer, ChannelBinding::Inbox(None)),
            Self::Upload => (Role::Producer, ChannelBinding::Upload(None)),
            Self::Channel(channel_state) => (Role::Plain, ChannelBinding::State(Arc::clone(channel_state))),
        };
        Some(ExpectedChannel { role, state })
    }
}

/// A call that was sent.
pub(crate) struct SentCall {
    pub(crate) slot: usize,
    pub(crate) id: RequestId,
}

/// Where a call's end is left for its caller.
pub(crate) enum CallSlot {
    Waiting(Waker),
    Completed(Completion),
}

/// How a call ended; the JSON is part of the frame that brought it.
pub(crate) enum Completion {
    Result(Option<Bytes>),
    Rejected {
        value: Bytes,
        error: bool,
    },
    /// A channel that nobody can use.
    Channel,
    /// The channel that was expected, and the inbox that it got.
    Opened {
        channel: ChannelKey,
        inbox: Option<usize>,
    },
    Failed(proto::CallFailure),
}

impl CallSlot {
    /// Leaves the end and gives back the caller's waker.
    pub(crate) fn complete(&mut self, completion: Completion) -> Option<Waker> {
        match std::mem::replace(self, Self::Completed(completion)) {
            Self::Waiting(waker) => Some(waker),
            Self::Completed(_) => None,
        }
    }
}
