//! The state under the lock of a connection.

use super::capacity::CapacityQueue;
use super::channels::ChannelBinding;
use super::held::Withheld;
use super::phase::Phase;
use crate::close::{CloseCause, CloseRequest, Closed};
use crate::engine::authentication::Authentication;
use crate::engine::budget::Share;
use crate::engine::channel_state::ChannelState;
use crate::engine::epoch::Epoch;
use crate::engine::flushes::Flushes;
use crate::engine::inbox::{Inbox, StreamFinish};
use crate::engine::pings::Pings;
use crate::engine::slot::{CallSlot, Completion};
use crate::engine::tasks::RunningKey;
use crate::engine::totals::Drops;
use crate::error::SendError;
use crate::proto::{CallFailure, ChannelKey, Connection, Notification, QueueError, Reason, code};
use crate::rt::Instant;
use slab::Slab;
use std::collections::HashSet;
use std::sync::Arc;
use std::task::Waker;
use tokio::sync::SetOnce;

/// The state under the lock. No user code runs while it is locked, wakers included.
pub(super) struct State {
    /// Its waiters are the keys of `calls`, its handlers the keys of the driver's running set.
    pub(super) core: Connection<usize, RunningKey, ChannelBinding>,
    /// The slots of local calls.
    pub(super) calls: Slab<CallSlot>,
    /// The items of streams that were received and not taken.
    pub(super) inboxes: Slab<Inbox>,
    /// Channels that a handle has aborted. The driver drops the handlers that run on them.
    pub(super) closed_channels: Vec<(ChannelKey, Reason)>,
    /// The running handlers and the bytes in the output when the driver last went to sleep, for the counters.
    pub(super) handlers: usize,
    pub(super) output_bytes: usize,
    /// The bytes of the begun message and of held calls at that time.
    pub(super) driver_bytes: usize,
    /// The bytes of events that wait for their channels.
    pub(super) early_bytes: usize,
    /// The messages that were lost.
    pub(super) drops: Drops,
    /// The share of the budget of all connections.
    pub(super) share: Share,
    /// Credit that is granted when memory is free.
    pub(super) withheld: Option<Box<Withheld>>,
    /// Requested by a handle.
    pub(super) close: Option<CloseRequest>,
    /// The waker of the driver. Taken by the handle that wakes it.
    pub(super) driver: Option<Waker>,
    /// Senders and calls that wait for capacity. `None` until the first one waits.
    pub(super) capacity_queue: Option<Box<CapacityQueue>>,
    /// Handlers that found the output full. Boxed, because there are none most of the time.
    pub(super) output_waiters: Option<Box<OutputWaiters>>,
    /// Handles that wait until their frames were written.
    pub(super) flushes: Option<Box<Flushes>>,
    /// Handles that wait for the answer to a ping.
    pub(super) pings: Option<Box<Pings>>,
    /// The result of the connection, known from the time at which one of the endpoints closes it.
    pub(super) closed: Option<Arc<Closed>>,
    /// True from the end of the transport on, until the next epoch.
    pub(super) is_finished: bool,
    pub(super) phase: Phase,
    /// The bytes of untaken items when the epoch began. They belong to lost connections.
    pub(super) untaken_before: usize,
    pub(super) continuity: Continuity,
    /// The authentication of the connection, if it expires or is required.
    pub(super) authentication: Option<Box<Authentication>>,
    /// The time at which the connection begins to drain because of its age. If it drains by itself, the time at which what
    /// still runs is cut off.
    pub(super) retires_at: Option<Instant>,
    /// Set when the connection begins to drain. `None` until a handler waits for that.
    pub(super) drain_notice: Option<Arc<SetOnce<()>>>,
    pub(super) epoch: Arc<Epoch>,
}

/// The facts that decide whether a call goes on waiting, or is sent on the next connection.
#[derive(Default)]
pub(super) struct Continuity {
    /// True if the present or last connection has been open: its `on_open` hook, if there is one, has returned.
    pub(super) was_open: bool,
    /// True if the peer has rejected a call because it drains. It closes the connection soon.
    pub(super) peer_drains: bool,
    /// True if the client connects again by itself, or on request, when the connection is lost.
    pub(super) reconnects: bool,
}

/// Handlers that wait until the output has capacity, each once, in order of arrival.
#[derive(Default)]
pub(super) struct OutputWaiters {
    pub(super) wakers: Vec<Waker>,
    /// The identities of the wakers, because a search through many wakers would be slow.
    known: HashSet<(usize, usize)>,
}

/// Calls, handlers and channels that finished without a frame. The caller acts on them outside the lock.
#[derive(Default)]
pub(super) struct Finished {
    /// Tasks that wait for a call or a stream.
    pub(super) wakers: Vec<Waker>,
    /// Handlers whose callers no longer wait.
    pub(super) expired: Vec<RunningKey>,
    /// Channels with handlers of their own.
    pub(super) channels: Vec<Arc<ChannelState>>,
}

impl State {
    /// Removes the inbox of a dropped consumer. `unused` bytes had left the inbox and were not recorded as taken. The
    /// returned inbox is dropped outside the lock, because its waker and the error of its finish may be a user's.
    pub(super) fn remove_inbox(&mut self, inbox: usize, unused: usize) -> Option<Inbox> {
        let mut inbox = self.inboxes.try_remove(inbox)?;
        self.core.discard(inbox.take_unread_bytes() + unused);
        Some(inbox)
    }

    /// Closes a channel at both endpoints, and schedules the stop of the handlers that run on it. The returned binding
    /// is dropped outside the lock.
    pub(super) fn abort_channel(&mut self, channel: ChannelKey, reason: Option<&Reason>) -> Option<ChannelBinding> {
        let binding = self.core.abort_channel(channel, reason);
        if let Some(ChannelBinding::State(_)) = binding {
            let default = || Reason::aborted().with_code(code::CHANNEL_CLOSED);
            self.closed_channels.push((channel, reason.cloned().unwrap_or_else(default)));
        }
        binding
    }

    /// Leaves the result of a call in its slot. Returns the waker of its caller.
    pub(super) fn complete_call(&mut self, slot: usize, completion: Completion) -> Option<Waker> {
        self.calls.get_mut(slot).and_then(|slot| slot.complete(completion))
    }

    /// Takes the handlers that wait for the output. They are woken outside the lock.
    pub(super) fn take_output_waiters(&mut self) -> Vec<Waker> {
        self.output_waiters.take().map(|waiters| waiters.wakers).unwrap_or_default()
    }

    /// Returns the result of a connection that is closed or closing.
    pub(super) fn closed_result(&self) -> Arc<Closed> {
        match (&self.closed, &self.close) {
            (Some(closed), _) => Arc::clone(closed),
            // The driver has not applied the request.
            (None, Some(request)) => Arc::new(request.result()),
            (None, None) if self.continuity.peer_drains => {
                Arc::new(Closed::abnormal(CloseCause::Remote, "the peer is about to close"))
            }
            // The core is closed only together with a result.
            (None, None) => Arc::new(Closed::lost(None)),
        }
    }

    /// Converts the error of a message for this channel.
    pub(super) fn send_error(&self, error: QueueError, channel: Option<ChannelKey>) -> SendError {
        match error {
            QueueError::Closed => SendError::Closed(self.closed_result()),
            QueueError::NoIds => SendError::NoIds,
            QueueError::QueueFull => SendError::Full,
            QueueError::ChannelClosed => {
                SendError::ChannelClosed { channel: channel.map(|channel| channel.id().to_string()) }
            }
        }
    }

    /// Takes the notifications of the core, and leaves the results of calls and streams in their slots and inboxes.
    /// Calls on a channel that was closed alone fail with `channel_reason`.
    ///
    /// Called before the lock of the causing step is released, because another call may use a slot after that.
    pub(super) fn take_notifications(&mut self, channel_reason: impl Fn() -> Reason) -> Finished {
        let mut finished = Finished::default();
        while let Some(notification) = self.core.poll_notification() {
            match notification {
                Notification::CallFailed(slot, failure) => {
                    let completion = match failure {
                        CallFailure::TimedOut => Completion::TimedOut,
                        CallFailure::Closed => match &self.closed {
                            Some(closed) => Completion::Closed(Arc::clone(closed)),
                            None => Completion::ChannelClosed(channel_reason()),
                        },
                    };
                    finished.wakers.extend(self.complete_call(slot, completion));
                }
                Notification::HandlerExpired(handler) => finished.expired.push(handler),
                Notification::ChannelClosed(ChannelBinding::State(channel_state)) => {
                    finished.channels.push(channel_state);
                }
                Notification::ChannelClosed(binding) => {
                    let closed = self.closed_result();
                    finished.wakers.extend(self.finish_stream(&binding, || StreamFinish::Closed(closed)));
                }
            }
        }
        finished
    }
}

impl OutputWaiters {
    pub(super) fn contains(&self, waker: &Waker) -> bool {
        self.known.contains(&identity(waker))
    }

    /// Registers a handler that is not registered yet.
    pub(super) fn add(&mut self, waker: Waker) {
        self.known.insert(identity(&waker));
        self.wakers.push(waker);
    }
}

/// Returns the parts of a waker by which it is compared.
fn identity(waker: &Waker) -> (usize, usize) {
    (waker.data().addr(), std::ptr::from_ref(waker.vtable()).addr())
}
