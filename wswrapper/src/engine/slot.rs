//! The slot in which the driver leaves the result of a local call.

use super::channel_state::ChannelState;
use super::shared::ChannelBinding;
use crate::close::Closed;
use crate::proto::{ChannelKey, ExpectedChannel, Reason, RequestId, Role};
use bytes::Bytes;
use std::sync::Arc;
use std::task::Waker;

/// The response that a call expects.
pub(crate) enum Expected {
    /// A value.
    Value,
    /// A stream with this window, in items.
    Items(u32),
    /// A channel on which the caller sends items.
    Upload,
    /// A channel with these local handlers.
    Channel(Arc<ChannelState>),
}

impl Expected {
    /// Returns the channel that the response opens.
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

/// The slot of a call: its waiting caller, or its result.
pub(crate) enum CallSlot {
    Waiting(Waker),
    Completed(Completion),
}

/// The result of a call. Its JSON is a slice of the received frame.
pub(crate) enum Completion {
    Result(Option<Bytes>),
    Rejected {
        value: Bytes,
        error: bool,
    },
    /// A channel that was not expected.
    Channel,
    /// The expected channel, and the key of its inbox.
    Opened {
        channel: ChannelKey,
        inbox: Option<usize>,
    },
    TimedOut,
    /// The connection was closed.
    Closed(Arc<Closed>),
    /// The channel of the call was closed.
    ChannelClosed(Reason),
}

impl Completion {
    /// Returns true if the call finished without a response.
    pub(crate) fn is_failure(&self) -> bool {
        matches!(self, Self::TimedOut | Self::Closed(_) | Self::ChannelClosed(_))
    }
}

impl CallSlot {
    /// Leaves the result, and returns the waker of the caller.
    pub(crate) fn complete(&mut self, completion: Completion) -> Option<Waker> {
        match std::mem::replace(self, Self::Completed(completion)) {
            Self::Waiting(waker) => Some(waker),
            Self::Completed(_) => None,
        }
    }
}
