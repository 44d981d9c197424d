//! Events that wait for their channel to be opened.

use super::channel_state::ChannelState;
use super::shared::Shared;
use crate::error::SendError;
use crate::lock::lock;
use crate::proto::{ChannelKey, EncodedCall};
use std::mem;

/// The events that a handler has sent on a channel before it has returned it.
#[derive(Default)]
pub(super) struct EarlyEvents {
    events: Vec<EncodedCall>,
    /// The length of all events.
    bytes: usize,
    /// The key of the channel once it is open.
    channel: Option<ChannelKey>,
}

impl ChannelState {
    /// Keeps an event until the channel is opened. An event for an open channel is addressed to it and returned.
    pub(super) fn hold_early_event(
        &self,
        shared: &Shared,
        event: EncodedCall,
    ) -> Result<Option<EncodedCall>, SendError> {
        let mut early = lock(&self.early_events);
        if self.is_closed() {
            return Err(SendError::ChannelClosed { channel: None });
        }
        if let Some(channel) = early.channel {
            return Ok(Some(event.on_channel(channel)));
        }
        shared.reserve_early_bytes(event.len())?;
        early.bytes += event.len();
        early.events.push(event);
        Ok(None)
    }

    /// Opens the channel, behind whose response the events that have waited are queued.
    pub(super) fn open_with_early_events(&self, shared: &Shared, channel: ChannelKey) {
        let mut early = lock(&self.early_events);
        early.channel = Some(channel);
        let (events, bytes) = (mem::take(&mut early.events), mem::take(&mut early.bytes));
        // Queued under the lock, because an event that finds the channel open follows them.
        if !events.is_empty() {
            shared.queue_early_events(events.into_iter().map(|event| event.on_channel(channel)), bytes);
        }
        drop(early);
        // Wakes those who wait for the channel.
        self.open(channel);
    }

    /// Drops the events of a channel that was closed before it was opened.
    pub(super) fn drop_early_events(&self, shared: &Shared) {
        let mut early = lock(&self.early_events);
        let (events, bytes) = (mem::take(&mut early.events), mem::take(&mut early.bytes));
        drop(early);
        if !events.is_empty() {
            shared.release_early_bytes(bytes);
        }
    }
}
