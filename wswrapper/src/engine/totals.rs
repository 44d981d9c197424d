//! Numbers of a server or a client that its closed connections leave behind.

use super::traffic::Moved;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The numbers of connections that were closed. A connection adds to them at most once, and only if it has something
/// to add.
#[derive(Default)]
pub(crate) struct Totals {
    /// Connections that the server closed while something ran on them.
    cut_off: AtomicUsize,
    /// Calls that ran on these connections.
    calls_cancelled: AtomicUsize,
    events_dropped: AtomicU64,
    events_left_out: AtomicU64,
    events_replaced: AtomicU64,
    closed_for_full_queue: AtomicU64,
    received_messages: AtomicU64,
    received_bytes: AtomicU64,
    sent_messages: AtomicU64,
    sent_bytes: AtomicU64,
}

/// The messages of one connection that were lost.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Drops {
    /// Events of the peer that were not handled.
    pub(crate) events: u32,
    /// Events that left the peer out because its queue was full.
    pub(crate) left_out: u32,
    /// Events that have waited as the newest of their keys, and were replaced.
    pub(crate) replaced: u32,
    /// True if the connection was closed because its queue was full.
    pub(crate) closed_for_full_queue: bool,
}

impl Drops {
    /// Adds what was lost later.
    pub(crate) fn add(&mut self, later: Self) {
        self.events = self.events.saturating_add(later.events);
        self.left_out = self.left_out.saturating_add(later.left_out);
        self.replaced = self.replaced.saturating_add(later.replaced);
        self.closed_for_full_queue |= later.closed_for_full_queue;
    }

    /// Counts an event that left the peer out because its queue was full.
    pub(crate) fn count_left_out(&mut self) {
        self.left_out = self.left_out.saturating_add(1);
    }
}

impl Totals {
    /// Adds a connection that was closed while this number of calls ran.
    pub(crate) fn add_cut_off(&self, calls: usize) {
        self.cut_off.fetch_add(1, Ordering::Relaxed);
        self.calls_cancelled.fetch_add(calls, Ordering::Relaxed);
    }

    /// Adds what a closed connection has lost.
    pub(crate) fn add_drops(&self, drops: Drops) {
        if drops.events > 0 {
            self.events_dropped.fetch_add(drops.events.into(), Ordering::Relaxed);
        }
        if drops.left_out > 0 {
            self.events_left_out.fetch_add(drops.left_out.into(), Ordering::Relaxed);
        }
        if drops.replaced > 0 {
            self.events_replaced.fetch_add(drops.replaced.into(), Ordering::Relaxed);
        }
        if drops.closed_for_full_queue {
            self.closed_for_full_queue.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Adds what a closed connection has moved.
    pub(crate) fn add_moved(&self, moved: Moved) {
        self.received_messages.fetch_add(moved.received_messages, Ordering::Relaxed);
        self.received_bytes.fetch_add(moved.received_bytes, Ordering::Relaxed);
        self.sent_messages.fetch_add(moved.sent_messages, Ordering::Relaxed);
        self.sent_bytes.fetch_add(moved.sent_bytes, Ordering::Relaxed);
    }

    /// Returns what closed connections have moved.
    pub(crate) fn moved(&self) -> Moved {
        Moved {
            received_messages: self.received_messages.load(Ordering::Relaxed),
            received_bytes: self.received_bytes.load(Ordering::Relaxed),
            sent_messages: self.sent_messages.load(Ordering::Relaxed),
            sent_bytes: self.sent_bytes.load(Ordering::Relaxed),
        }
    }

    /// Returns the number of connections that were cut off.
    pub(crate) fn cut_off(&self) -> usize {
        self.cut_off.load(Ordering::Relaxed)
    }

    /// Returns the number of calls that were cancelled with their connections.
    pub(crate) fn calls_cancelled(&self) -> usize {
        self.calls_cancelled.load(Ordering::Relaxed)
    }

    /// Returns the number of dropped events.
    pub(crate) fn events_dropped(&self) -> u64 {
        self.events_dropped.load(Ordering::Relaxed)
    }

    /// Returns the number of times that an event left out a peer with a full queue.
    pub(crate) fn events_left_out(&self) -> u64 {
        self.events_left_out.load(Ordering::Relaxed)
    }

    /// Returns the number of events that newer ones have replaced.
    pub(crate) fn events_replaced(&self) -> u64 {
        self.events_replaced.load(Ordering::Relaxed)
    }

    /// Returns the number of connections that were closed because their queues were full.
    pub(crate) fn closed_for_full_queue(&self) -> u64 {
        self.closed_for_full_queue.load(Ordering::Relaxed)
    }
}
