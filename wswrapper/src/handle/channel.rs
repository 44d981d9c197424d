//! A named channel of a connection.

use super::peer::Peer;
use crate::call::{Call, Emit, Reply};
use crate::engine::{DynamicHandlers, handler_methods};
use crate::error::SendError;
use crate::proto::{EncodedCall, Rejection};
use crate::service::{IntoArguments, encode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A named channel of one connection, as a proxy's target: `MathProxy::new(&client.channel("io"))`; and what is done with
/// it by name.
///
/// A handle, cheap to clone.
#[derive(Clone, Debug)]
pub struct Channel {
    peer: Peer,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: Box<str>,
    closed: AtomicBool,
}

impl Channel {
    pub(crate) fn new(peer: Peer, name: &str) -> Self {
        Self { peer, inner: Arc::new(Inner { name: name.into(), closed: AtomicBool::new(false) }) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The connection that it belongs to.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Sends an event by name: `channel.emit("moved", (x, y)).await`.
    pub fn emit(&self, event: &str, arguments: impl IntoArguments) -> Emit {
        Emit::new(self.peer.clone(), self.encode(event, arguments))
    }

    /// Sends a request by name: `channel.request::<i64>("add", (1, 2)).await`.
    ///
    /// Any rejection is [`Rejected`](crate::CallError::Rejected).
    pub fn request<T: Reply>(&self, event: &str, arguments: impl IntoArguments) -> Call<T, Rejection> {
        Call::new(self.peer.clone(), self.encode(event, arguments))
    }

    /// Removes the handlers that this peer has on the channel, and makes each further use of this handle, of its clones
    /// and of proxies made from them fail with [`SendError::ChannelClosed`]. Sends nothing.
    pub fn close(&self) {
        self.inner.closed.store(true, Ordering::Release);
        self.dynamic_handlers().remove_channel(self.name());
    }

    /// Whether [`close`](Self::close) was called.
    pub fn is_closed(&self) -> bool {
        self.inner.closed.load(Ordering::Acquire)
    }

    handler_methods!("of this peer on the channel");

    fn encode(&self, event: &str, arguments: impl IntoArguments) -> Result<EncodedCall, SendError> {
        if self.is_closed() { Err(SendError::ChannelClosed) } else { encode(Some(self.name()), event, arguments) }
    }

    fn dynamic_handlers(&self) -> &DynamicHandlers {
        self.peer.link().handlers()
    }

    #[expect(clippy::unnecessary_wraps, reason = "the main channel has no name")]
    fn handled_channel(&self) -> Option<&str> {
        Some(self.name())
    }
}
