//! Events that wait for their channel to be opened.

use crate::error::SendError;
use crate::proto::EncodedCall;
use std::collections::VecDeque;

/// The events that a handler has sent on a channel before it has returned it.
#[derive(Default)]
pub(crate) struct EarlyEvents {
    events: VecDeque<EncodedCall>,
    /// The length of all events.
    bytes: usize,
}

impl EarlyEvents {
    /// Adds an event, unless all together would be larger than `max_bytes`.
    pub(super) fn push(&mut self, event: EncodedCall, max_bytes: usize) -> Result<(), SendError> {
        let bytes = self.bytes.saturating_add(event.len());
        if bytes > max_bytes {
            return Err(SendError::Full);
        }
        self.bytes = bytes;
        self.events.push_back(event);
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Option<EncodedCall> {
        let event = self.events.pop_front()?;
        self.bytes -= event.len();
        Some(event)
    }
}
