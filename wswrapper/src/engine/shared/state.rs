//! What the lock of a connection protects.

use super::channels::ChannelBinding;
use crate::close::{CloseRequest, Closed};
use crate::engine::channel_state::ChannelState;
use crate::engine::inbox::{Inbox, StreamFinish};
use crate::engine::slot::{CallSlot, Completion};
use crate::engine::tasks::RunningKey;
use crate::proto::{ChannelKey, Connection, Notification, Reason};
use slab::Slab;
use std::collections::HashSet;
use std::sync::Arc;
use std::task::Waker;

/// What the lock protects. No user code runs under it, wakers included.
pub(super) struct State {
    /// A call of ours waits in the slot with this key.
    pub(super) core: Connection<usize, RunningKey, ChannelBinding>,
    pub(super) calls: Slab<CallSlot>,
    /// Where the items of streams are left.
    pub(super) inboxes: Slab<Inbox>,
    /// Channels that a handle has ended: their handlers are to be dropped.
    pub(super) closed_channels: Vec<ChannelKey>,
    /// What the driver had when it last went to sleep, for the counters: handlers that run, and bytes on their way out.
    pub(super) handlers: usize,
    pub(super) output_bytes: usize,
    /// Asked for by a handle.
    pub(super) close: Option<CloseRequest>,
    /// Set while the driver sleeps.
    pub(super) driver: Option<Waker>,
    /// Senders that wait for room; most of the time there are none.
    pub(super) capacity_waiters: Option<Box<CapacityWaiters>>,
    /// How the connection ended, until another transport is bound.
    pub(super) closed: Option<Box<Closed>>,
    /// How it ended before that, and how often it has ended: for those who wait for an end and are slower than whoever
    /// binds the next transport.
    pub(super) previous_closed: Option<Box<Closed>>,
    pub(super) close_count: u64,
}

/// Senders that wait, each once, in the order in which they came.
#[derive(Default)]
pub(super) struct CapacityWaiters {
    pub(super) wakers: Vec<Waker>,
    /// What tells one from another: a crowd of them is not searched.
    known: HashSet<(usize, usize)>,
}

/// What has ended without a frame, to be acted on outside the lock.
#[derive(Default)]
pub(super) struct Finished {
    /// Those who waited.
    pub(super) wakers: Vec<Waker>,
    /// Handlers whose callers' time ran out.
    pub(super) expired: Vec<RunningKey>,
    pub(super) channels: Vec<Arc<ChannelState>>,
}

impl State {
    /// Nobody reads an inbox any more, of whose items so many bytes were taken out and not used. Gives back what waits there,
    /// to be dropped outside the lock.
    pub(super) fn remove_inbox(&mut self, inbox: usize, unused: usize) -> Option<Waker> {
        let (unread, waker) = self.inboxes.try_remove(inbox)?.into_unread();
        self.core.discard(unread + unused);
        waker
    }

    /// Closes a channel at both ends, and has the handlers stopped that run on it; gives back what was kept of it.
    pub(super) fn abort_channel(&mut self, channel: ChannelKey, reason: Option<&Reason>) -> Option<ChannelBinding> {
        let binding = self.core.abort_channel(channel, reason);
        if let Some(ChannelBinding::State(_)) = binding {
            self.closed_channels.push(channel);
        }
        binding
    }

    pub(super) fn wait_for_capacity(&mut self, waker: &Waker) {
        let waiters = self.capacity_waiters.get_or_insert_default();
        if waiters.known.insert((waker.data().addr(), std::ptr::from_ref(waker.vtable()).addr())) {
            waiters.wakers.push(waker.clone());
        }
    }

    /// Those who wait for room, to be woken outside the lock.
    pub(super) fn take_capacity_waiters(&mut self) -> Vec<Waker> {
        self.capacity_waiters.take().map(|waiters| waiters.wakers).unwrap_or_default()
    }

    /// Leaves the ends of calls and streams where they are waited for.
    ///
    /// Under the same lock as what has caused them, as a slot may be used again after that.
    pub(super) fn take_notifications(&mut self) -> Finished {
        let mut finished = Finished::default();
        while let Some(notification) = self.core.poll_notification() {
            match notification {
                Notification::CallFailed(slot, failure) => {
                    finished
                        .wakers
                        .extend(self.calls.get_mut(slot).and_then(|slot| slot.complete(Completion::Failed(failure))));
                }
                Notification::HandlerExpired(handler) => finished.expired.push(handler),
                Notification::ChannelClosed(ChannelBinding::State(channel_state)) => {
                    finished.channels.push(channel_state);
                }
                Notification::ChannelClosed(binding) => {
                    finished.wakers.extend(self.finish_stream(&binding, || StreamFinish::Closed));
                }
            }
        }
        finished
    }
}
