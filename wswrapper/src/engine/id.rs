//! The number of a connection, and its counters.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// The number of a connection, unique in this process.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerId(u64);

impl PeerId {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "peer {}", self.0)
    }
}

/// What is under way on a connection, at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct Counters {
    /// Calls of this end that wait for an answer.
    pub calls_in_flight: usize,
    /// Handlers that were not ready at once and have not ended, but for those that send streams: what
    /// [`handlers_in_flight`](crate::Limits::handlers_in_flight) bounds.
    pub handlers_in_flight: usize,
    /// Anonymous channels that are open, whichever end has opened them: streams, uploads, scoped services.
    pub open_channels: usize,
    /// Bytes that wait to be written: how far the other end is behind.
    pub queued_bytes: usize,
}
