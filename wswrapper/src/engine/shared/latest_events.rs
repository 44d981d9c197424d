//! The events of which only the newest of a key waits.

use super::state::State;
use crate::engine::on_full::LatestKey;
use std::collections::HashMap;
use std::sync::Arc;

/// The tickets of the events of one connection that newer ones replace, by their keys.
#[derive(Default)]
pub(super) struct LatestEvents {
    tickets: HashMap<Arc<LatestKey>, u64>,
    /// The bytes of the events and their keys.
    bytes: usize,
}

impl LatestEvents {
    /// Adds an event of `len` bytes. Its key has none.
    pub(super) fn insert(&mut self, key: &Arc<LatestKey>, ticket: u64, len: usize) {
        self.bytes += len + key.len();
        let earlier = self.tickets.insert(Arc::clone(key), ticket);
        debug_assert!(earlier.is_none(), "an earlier event of the key was removed");
    }

    /// Removes the event of a key, which has `len` bytes.
    pub(super) fn remove(&mut self, key: &Arc<LatestKey>, len: usize) {
        self.bytes -= len + key.len();
        self.tickets.remove(key);
    }

    /// Returns the ticket of the event that waits with a key.
    pub(super) fn ticket(&self, key: &LatestKey) -> Option<u64> {
        self.tickets.get(key).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.tickets.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tickets.is_empty()
    }
}

impl State {
    /// Returns the number of events that wait as the newest of their keys.
    pub(super) fn latest_events(&self) -> usize {
        self.capacity_queue.as_ref().and_then(|queue| queue.latest()).map_or(0, LatestEvents::len)
    }

    /// Returns the bytes of these events and their keys.
    pub(super) fn latest_bytes(&self) -> usize {
        self.capacity_queue.as_ref().and_then(|queue| queue.latest()).map_or(0, |latest| latest.bytes)
    }
}
