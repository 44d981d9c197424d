//! The number of a connection, and its counters.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// The number of a connection, unique in this process.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerId(u64);

impl PeerId {
    /// Returns the next number.
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns the number.
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

/// The calls, handlers and channels of a connection at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct Counters {
    /// Local calls that wait for a response.
    pub calls_in_flight: usize,
    /// Pending handlers, without those that send streams. A handler that is ready at its first poll is not counted.
    /// Bounded by [`max_handlers_in_flight`](crate::Limits::max_handlers_in_flight).
    pub handlers_in_flight: usize,
    /// Threads that `#[ws(blocking)]` handlers occupy, including cancelled handlers that have not returned. Bounded by
    /// [`max_blocking_handlers`](crate::Limits::max_blocking_handlers).
    pub blocked_threads: usize,
    /// Open anonymous channels of both endpoints: streams, uploads and scoped services.
    pub open_channels: usize,
    /// Those of them that carry a stream or an upload.
    pub open_streams: usize,
    /// Bytes that wait to be written to the peer, also those of calls and events that wait for capacity or a connection.
    pub queued_bytes: usize,
    /// Bytes that the connection holds: the begun message, calls that wait to start, untaken stream items and unsent
    /// output. All connections together are limited by [`max_buffered_bytes`](crate::Limits::max_buffered_bytes).
    pub buffered_bytes: usize,
}
