//! The slot in which the driver leaves the result of a local call.

use super::channel_state::ChannelState;
use super::shared::ChannelBinding;
use crate::close::Closed;
use crate::error::SendError;
use crate::proto::{ChannelKey, ExpectedChannel, Reason, RequestId, Role};
use bytes::Bytes;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

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

/// A call that was sent, or that waits for capacity.
pub(crate) struct StartedCall {
    pub(crate) slot: usize,
    /// True if it is known that the call was sent.
    pub(crate) sent: bool,
}

/// The rules by which a call is sent.
#[derive(Clone, Copy)]
pub(crate) struct CallOptions {
    /// The time for the call, including a wait for capacity.
    pub(crate) timeout: Option<Duration>,
    /// True if the peer receives the timeout.
    pub(crate) sends_timeout: bool,
    /// True if the call waits while too many calls are pending.
    pub(crate) waits_for_capacity: bool,
    pub(crate) priority: Priority,
    pub(crate) offline: OfflineWait,
}

/// The place of a call among those that wait to be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Priority {
    /// Behind those that wait already.
    None,
    /// Before all others while this epoch opens, because it is a call of its `on_open` hook.
    OpenHook(u64),
    /// Before all others, because it is the second request of an upload. Its caller is woken when it was sent.
    Upload,
}

/// The time for which a call or an event waits while there is no connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum OfflineWait {
    /// It fails.
    No,
    /// Until the first connection is open [P-90].
    First,
    Until(Instant),
    /// As long as the client tries to connect. A `timeout` begins when the call is sent, instead of at its first poll.
    Unlimited {
        timeout: Option<Duration>,
    },
}

impl OfflineWait {
    /// Returns the time at which the wait ends.
    pub(crate) fn deadline(self) -> Option<Instant> {
        match self {
            Self::Until(deadline) => Some(deadline),
            Self::No | Self::First | Self::Unlimited { .. } => None,
        }
    }

    pub(crate) fn is_unlimited(self) -> bool {
        matches!(self, Self::Unlimited { .. })
    }
}

/// The slot of a call: its waiting caller, or its result.
pub(crate) enum CallSlot {
    /// Without a waker, the caller was woken because the call was sent.
    Waiting(CallProgress, Option<Waker>),
    Completed(Completion),
}

/// The progress of a call without a result.
#[derive(Clone, Copy)]
pub(crate) enum CallProgress {
    /// It waits for capacity with this ticket.
    Queued(u64),
    Sent(RequestId),
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
    /// The call waited for capacity and was not sent.
    NotSent(SendError),
}

impl Completion {
    /// Returns true if the call finished without a response.
    pub(crate) fn is_failure(&self) -> bool {
        matches!(self, Self::TimedOut | Self::Closed(_) | Self::ChannelClosed(_) | Self::NotSent(_))
    }
}

impl CallSlot {
    /// Leaves the result, and returns the waker of the caller.
    pub(crate) fn complete(&mut self, completion: Completion) -> Option<Waker> {
        match std::mem::replace(self, Self::Completed(completion)) {
            Self::Waiting(_, waker) => waker,
            Self::Completed(_) => None,
        }
    }
}
