//! Calls, events and flushes that wait to be sent.

use super::channels::ChannelBinding;
use crate::engine::flushes::Flushes;
use crate::engine::on_full::{LatestKey, UnsentEvent};
use crate::engine::slot::OfflineWait;
use crate::proto::{EncodedCall, ExpectedChannel};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;

/// A call or an event that was not sent yet.
pub(super) enum Waiting {
    Call(WaitingCall),
    Event(WaitingEvent),
    /// Handles that wait until everything before was written.
    Flush(WaitingFlush),
}

/// The waiting calls that cannot be sent now.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Blocked {
    None,
    /// Too many calls wait for their responses.
    AllCalls,
    /// The peer drains, so it rejects new calls. Those that may wait for the next connection do.
    ThoseForTheNextConnection,
}

/// A call that was not sent yet.
pub(super) struct WaitingCall {
    pub(super) call: EncodedCall,
    /// The slot of its caller.
    pub(super) slot: usize,
    pub(super) expected_channel: Option<ExpectedChannel<ChannelBinding>>,
    pub(super) deadline: Option<Instant>,
    /// True if the peer receives the rest of the timeout.
    pub(super) sends_timeout: bool,
    /// True if the call goes before everything else, and its caller is woken when it was sent.
    pub(super) urgent: bool,
    pub(super) offline: OfflineWait,
}

/// An event that was not sent yet.
pub(super) struct WaitingEvent {
    pub(super) event: UnsentEvent,
    pub(super) sender: EventSender,
    /// True for an event of the `on_open` hook, which goes before everything else.
    pub(super) urgent: bool,
    pub(super) offline: OfflineWait,
}

/// The sender of an event that waits.
pub(super) enum EventSender {
    /// It waits for nothing.
    Gone,
    /// It is notified when the event was written.
    UntilWritten(oneshot::Sender<()>),
    /// It is notified when the event was queued, unless that takes until the deadline.
    UntilQueued(oneshot::Sender<()>, Instant),
    /// It waits for nothing, and a newer event of the key replaces this one.
    Latest(Arc<LatestKey>),
}

/// Flushes behind calls and events that wait.
pub(super) struct WaitingFlush {
    pub(super) flushes: Flushes,
    /// True for flushes of the `on_open` hook.
    pub(super) urgent: bool,
}

impl Waiting {
    pub(super) fn offline(&self) -> OfflineWait {
        match self {
            Self::Call(call) => call.offline,
            Self::Event(event) => event.offline,
            Self::Flush(_) => OfflineWait::No,
        }
    }

    /// Returns the length of the message, in bytes.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Call(call) => call.call.len(),
            Self::Event(event) => event.event.len(),
            Self::Flush(_) => 0,
        }
    }

    /// Returns the time at which the call or event has to be looked at.
    pub(super) fn due(&self) -> Option<Instant> {
        let deadline = match self {
            Self::Call(call) => call.deadline,
            Self::Event(WaitingEvent { sender: EventSender::UntilQueued(_, deadline), .. }) => Some(*deadline),
            Self::Event(_) | Self::Flush(_) => None,
        };
        deadline.into_iter().chain(self.offline().deadline()).min()
    }

    pub(super) fn is_urgent(&self) -> bool {
        match self {
            Self::Call(call) => call.urgent,
            Self::Event(event) => event.urgent,
            Self::Flush(flush) => flush.urgent,
        }
    }

    pub(super) fn is_call(&self) -> bool {
        matches!(self, Self::Call(_))
    }

    /// Returns the key of an event that a newer one replaces.
    pub(super) fn latest_key(&self) -> Option<&Arc<LatestKey>> {
        match self {
            Self::Event(WaitingEvent { sender: EventSender::Latest(key), .. }) => Some(key),
            _ => None,
        }
    }

    /// Returns true for an event that is lost when this endpoint closes the connection before it was sent.
    pub(super) fn ends_with_close(&self) -> bool {
        match self {
            Self::Event(event) => matches!(event.sender, EventSender::UntilQueued(..) | EventSender::Latest(_)),
            Self::Call(_) | Self::Flush(_) => false,
        }
    }

    pub(super) fn is_blocked(&self, blocked: Blocked) -> bool {
        match blocked {
            Blocked::None => false,
            Blocked::AllCalls => self.is_call(),
            Blocked::ThoseForTheNextConnection => self.is_call() && self.offline() != OfflineWait::No,
        }
    }
}
