//! The messages and bytes that a connection has moved, and the reports of them.

use super::id::Counters;
use super::observer::Interest;
use super::shared::Shared;
use super::totals::Drops;
use std::mem;
use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The messages and bytes that were moved.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Moved {
    pub(crate) received_messages: u64,
    pub(crate) received_bytes: u64,
    pub(crate) sent_messages: u64,
    pub(crate) sent_bytes: u64,
}

impl AddAssign for Moved {
    fn add_assign(&mut self, other: Self) {
        self.received_messages += other.received_messages;
        self.received_bytes += other.received_bytes;
        self.sent_messages += other.sent_messages;
        self.sent_bytes += other.sent_bytes;
    }
}

/// The messages and bytes that one connection has moved. Only its driver writes the numbers, so they cost no more than plain ones.
#[derive(Default)]
pub(crate) struct MovedCell {
    received_messages: AtomicU64,
    received_bytes: AtomicU64,
    sent_messages: AtomicU64,
    sent_bytes: AtomicU64,
}

impl MovedCell {
    /// Adds the messages that were read in a turn.
    #[inline]
    pub(crate) fn add_received(&self, messages: u64, bytes: u64) {
        let add = |number: &AtomicU64, more| number.store(number.load(Ordering::Relaxed) + more, Ordering::Relaxed);
        add(&self.received_messages, messages);
        add(&self.received_bytes, bytes);
    }

    /// Sets the numbers of all that was sent.
    #[inline]
    pub(crate) fn set_sent(&self, messages: u64, bytes: u64) {
        self.sent_messages.store(messages, Ordering::Relaxed);
        self.sent_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Returns the numbers.
    pub(crate) fn get(&self) -> Moved {
        Moved {
            received_messages: self.received_messages.load(Ordering::Relaxed),
            received_bytes: self.received_bytes.load(Ordering::Relaxed),
            sent_messages: self.sent_messages.load(Ordering::Relaxed),
            sent_bytes: self.sent_bytes.load(Ordering::Relaxed),
        }
    }

    /// Takes the numbers of a connection that was closed. The next connection of a client begins at 0.
    pub(crate) fn take(&self) -> Moved {
        Moved {
            received_messages: self.received_messages.swap(0, Ordering::Relaxed),
            received_bytes: self.received_bytes.swap(0, Ordering::Relaxed),
            sent_messages: self.sent_messages.swap(0, Ordering::Relaxed),
            sent_bytes: self.sent_bytes.swap(0, Ordering::Relaxed),
        }
    }
}

/// The increments of a connection since its last report, as an [`Observer`](crate::observe::Observer) sees them.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct Traffic {
    /// Messages of the peer.
    pub received_messages: u64,
    /// Their bytes, without the headers of frames.
    pub received_bytes: u64,
    /// Messages that were moved to the output.
    pub sent_messages: u64,
    /// Their bytes, without the headers of frames.
    pub sent_bytes: u64,
    /// Events of the peer that were dropped.
    pub events_dropped: u64,
    /// The number of times that an event left out the peer because its queue was full.
    pub events_left_out: u64,
    /// Events to the peer that newer ones have replaced while they waited; see [`OnFull::Latest`](crate::call::OnFull::Latest).
    pub events_replaced: u64,
    /// 1 if the connection is closed because of [`OnFull::Close`](crate::call::OnFull::Close), once.
    pub closed_for_full_queue: u64,
    /// The calls, handlers, channels and bytes that the connection has now; all 0 at its end.
    pub now: Counters,
    /// Those of the last report.
    pub before: Counters,
}

/// The numbers that the observers of a connection were told last.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Reported {
    moved: Moved,
    drops: Drops,
    counters: Counters,
}

impl Reported {
    /// Tells the observers of what has changed since the last report.
    #[cold]
    pub(crate) fn tell_changes(&mut self, shared: &Arc<Shared>) {
        let (counters, drops) = shared.counters_and_drops();
        self.tell(shared, Self { moved: shared.moved.get(), drops, counters });
    }

    /// Tells the observers of the last changes, at the end of the connection, whose numbers were moved to the totals.
    #[cold]
    pub(crate) fn tell_end(&mut self, shared: &Arc<Shared>, (mut moved, mut drops): (Moved, Drops)) {
        moved += shared.moved.get();
        drops.add(shared.counters_and_drops().1);
        self.tell(shared, Self { moved, drops, counters: Counters::default() });
    }

    fn tell(&mut self, shared: &Arc<Shared>, now: Self) {
        if *self == now {
            return;
        }
        let before = mem::replace(self, now);
        let traffic = Traffic {
            received_messages: now.moved.received_messages - before.moved.received_messages,
            received_bytes: now.moved.received_bytes - before.moved.received_bytes,
            sent_messages: now.moved.sent_messages - before.moved.sent_messages,
            sent_bytes: now.moved.sent_bytes - before.moved.sent_bytes,
            events_dropped: u64::from(now.drops.events - before.drops.events),
            events_left_out: u64::from(now.drops.left_out - before.drops.left_out),
            events_replaced: u64::from(now.drops.replaced - before.drops.replaced),
            closed_for_full_queue: u64::from(now.drops.closed_for_full_queue && !before.drops.closed_for_full_queue),
            now: now.counters,
            before: before.counters,
        };
        shared.endpoint.observers.tell(shared, Interest::TRAFFIC, |observer, connection| {
            observer.traffic(connection, &traffic);
        });
    }
}
