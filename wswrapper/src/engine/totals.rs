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
    broadcasts_left_out: AtomicU64,
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
    /// Broadcasts that left the peer out.
    pub(crate) broadcasts: u32,
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
        if drops.broadcasts > 0 {
            self.broadcasts_left_out.fetch_add(drops.broadcasts.into(), Ordering::Relaxed);
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

    /// Returns the number of times that a broadcast left out a peer.
    pub(crate) fn broadcasts_left_out(&self) -> u64 {
        self.broadcasts_left_out.load(Ordering::Relaxed)
    }
}
