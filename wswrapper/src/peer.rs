//! The other end, and the handle to it.

use crate::broadcast::Broadcast;
use crate::channel::Channel;
use crate::link::{Closed, Handshake, Link};
use crate::transport::Close;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The other end of a connection, and what is done with it: both ends have it, and both may call.
///
/// It is a handle, cheap to clone. One that comes from a [`Client`](crate::Client) keeps the connection open; one that a
/// server gives does not. A proxy takes it as its target: `CalcProxy::new(&peer)`.
#[derive(Clone)]
pub struct Peer {
    link: Arc<Link>,
    keep: Option<Arc<KeepOpen>>,
}

/// Closes a client's connection when the last handle is gone.
struct KeepOpen {
    link: Arc<Link>,
}

impl Drop for KeepOpen {
    fn drop(&mut self) {
        self.link.close(Close::new(1000, ""));
    }
}

impl Peer {
    /// A handle that does not keep the connection open.
    pub(crate) fn of(link: &Arc<Link>) -> Self {
        Self { link: Arc::clone(link), keep: None }
    }

    /// A handle that does, together with its clones.
    pub(crate) fn keeping_open(link: &Arc<Link>) -> Self {
        Self { link: Arc::clone(link), keep: Some(Arc::new(KeepOpen { link: Arc::clone(link) })) }
    }

    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// The number of this connection, unique in this process.
    pub fn id(&self) -> PeerId {
        self.link.id
    }

    /// The request with which the connection began: path, query, headers, address.
    pub fn handshake(&self) -> &Handshake {
        &self.link.handshake
    }

    /// A channel of this connection, as a proxy's target. Opening one sends nothing.
    ///
    /// A name cannot be empty: then every use of the channel fails.
    pub fn channel(&self, name: &str) -> Channel {
        Channel::new(self.clone(), name)
    }

    /// Everyone who is connected at this end.
    pub fn broadcast(&self) -> Broadcast {
        Broadcast::new(Arc::clone(&self.link.hub))
    }

    /// Whether the connection is open and nobody at this end has asked to close it.
    pub fn is_open(&self) -> bool {
        self.link.is_open()
    }

    /// Calls of this end that wait for an answer.
    pub fn calls_in_flight(&self) -> usize {
        self.link.calls_in_flight()
    }

    /// Closes the connection with this status and reason; only the first request counts. What was sent before leaves
    /// before it. Returns at once; [`closed`](Self::closed) waits for the end, which comes after
    /// [`close_timeout`](crate::Limits::close_timeout) at the latest.
    pub fn close(&self, code: u16, reason: impl Into<String>) {
        self.link.close(Close::new(code, reason));
    }

    /// Waits for the end of the connection and tells how it came. Cancel-safe.
    pub async fn closed(&self) -> Closed {
        self.link.closed().await.clone()
    }

    /// How the connection ended, if it has.
    pub fn close_info(&self) -> Option<&Closed> {
        self.link.close_info()
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("id", &self.link.id)
            .field("remote_addr", &self.link.handshake.remote_addr)
            .field("keeps_open", &self.keep.is_some())
            .finish_non_exhaustive()
    }
}

/// Two handles are equal if they are of the same connection.
impl PartialEq for Peer {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Peer {}

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
