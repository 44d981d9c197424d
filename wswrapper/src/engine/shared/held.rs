//! The bytes that a connection holds, and the credit that it withholds while memory is short.

use super::Shared;
use super::state::State;
use crate::close::{Close, CloseCause, CloseRequest};
use crate::proto::ChannelKey;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::MutexGuard;
use std::sync::atomic::Ordering;
use std::task::Waker;

/// Freed bytes that a handle does not report by itself. The driver reports them with its next turn.
const UNREPORTED_BYTES: usize = 1024;

/// The credit that each stream gets when memory is free.
pub(super) type Withheld = BTreeMap<ChannelKey, WithheldCredit>;

/// The credit that a stream gets when memory is free.
#[derive(Default)]
pub(super) struct WithheldCredit {
    /// The first credit, if the stream was not started.
    pub(super) window: Option<u32>,
    /// Items that were taken.
    pub(super) items: u32,
}

impl State {
    /// Returns the bytes that the connection holds.
    pub(super) fn buffered_bytes(&self) -> usize {
        self.driver_bytes
            + self.output_bytes
            + self.core.queued_bytes()
            + self.core.held_bytes()
            + self.early_bytes
            + self.latest_bytes()
    }

    /// Reports bytes that a handle has freed. [`Budget::wake_waiting`](crate::engine::Budget::wake_waiting) follows
    /// after the lock was released.
    pub(super) fn report_freed(&mut self) {
        let bytes = self.buffered_bytes();
        if self.share.bytes() > bytes + UNREPORTED_BYTES || (bytes == 0 && self.share.bytes() > 0) {
            self.share.set(bytes);
        }
    }

    /// Forgets the credit of a stream whose consumer was dropped.
    pub(super) fn drop_withheld(&mut self, channel: ChannelKey) {
        if let Some(withheld) = &mut self.withheld {
            withheld.remove(&channel);
        }
    }

    /// Grants the withheld credit.
    fn grant_withheld(&mut self) {
        for (channel, WithheldCredit { window, items }) in
            self.withheld.take().map(|withheld| *withheld).unwrap_or_default()
        {
            let mut consumer = self.core.consumer(channel);
            if let Some(window) = window {
                consumer.start(Some(window));
            }
            consumer.grant(items);
        }
    }
}

impl Shared {
    /// Keeps credit until memory is free, and releases the lock.
    #[cold]
    pub(super) fn withhold(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State>,
        channel: ChannelKey,
        update: impl FnOnce(&mut WithheldCredit),
    ) {
        if !state.core.is_open() {
            drop(state);
            return self.endpoint.budget.wake_waiting();
        }
        let mut withheld = state.withheld.take().unwrap_or_default();
        if withheld.len() > 2 * state.core.open_channels() + 64 {
            withheld.retain(|channel, _| state.core.channel_state(*channel).is_some());
        }
        update(withheld.entry(channel).or_default());
        state.withheld = Some(withheld);
        drop(state);
        self.endpoint.budget.wait(self);
    }

    /// Reports the bytes that the connection holds, and grants withheld credit if memory is free. Returns true if
    /// credit is still withheld.
    pub(super) fn report_held(&self, state: &mut State) -> bool {
        state.share.set(state.buffered_bytes());
        if state.withheld.is_some() && !self.endpoint.budget.is_exhausted() {
            state.grant_withheld();
            self.count_queued(state);
        }
        state.withheld.is_some()
    }

    /// Warns if memory is short, and wakes other connections if it is not. Called without the lock.
    pub(super) fn follow_budget(self: &Arc<Self>, is_held_up: bool) {
        let budget = &self.endpoint.budget;
        if budget.is_exhausted() {
            budget.warn();
        }
        if is_held_up {
            budget.wait(self);
        } else {
            budget.wake_waiting();
        }
    }

    /// Wakes the driver because memory is free. Returns false if the connection is closed.
    pub(crate) fn wake_for_budget(&self) -> bool {
        self.waits_for_budget.store(false, Ordering::Release);
        let mut state = self.lock();
        let is_open = !state.is_finished;
        // A driver in a turn looks at the budget before it sleeps.
        let driver = state.driver.take_if(|_| !self.driver_awake.load(Ordering::Relaxed));
        drop(state);
        driver.into_iter().for_each(Waker::wake);
        is_open
    }

    /// Returns the bytes that the connection has reported to the budget, or 0 if it is closed or closing.
    pub(crate) fn reported_bytes(&self) -> usize {
        let state = self.lock();
        if state.core.is_open() && state.close.is_none() { state.share.bytes() } else { 0 }
    }

    /// Closes the connection that holds the most, if any holds something.
    #[cold]
    pub(crate) fn close_largest_holder(&self) {
        let members = self.members.all();
        let holders = members.iter().map(|shared| (shared.reported_bytes(), shared));
        let Some((bytes, largest)) = holders.max_by_key(|(bytes, _)| *bytes).filter(|(bytes, _)| *bytes > 0) else {
            return;
        };
        tracing::warn!(peer = %largest.id, bytes, "closed, because it holds the most of `max_buffered_bytes`");
        let close = Close::new(Close::TRY_AGAIN_LATER, "this connection holds the most unfinished data");
        largest.close(CloseRequest::Close(close, CloseCause::Limit));
    }
}
