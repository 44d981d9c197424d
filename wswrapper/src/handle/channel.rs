//! A named channel of a connection.

use super::peer::Peer;
use crate::call::{Caller, Emit, SendTo, Target, into_target};
use crate::engine::ConnectionHandle;
use crate::error::SendError;
use crate::proto::{CallEncoder, ChannelName, EncodedCall};
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

    /// Removes the handlers that this peer has on the channel, and makes each further use of this handle, of its clones
    /// and of proxies made from them fail with [`SendError::ChannelClosed`]. Sends nothing.
    pub fn close(&self) {
        self.inner.closed.store(true, Ordering::Release);
        self.peer.shared().handlers().remove_channel(self.name());
    }

    /// Whether [`close`](Self::close) was called.
    pub fn is_closed(&self) -> bool {
        self.inner.closed.load(Ordering::Acquire)
    }
}

impl SendTo for Channel {}

impl Target for Channel {
    type Emit = Emit;

    fn finish(&self, call: CallEncoder, _: Option<&str>) -> Result<EncodedCall, SendError> {
        if self.is_closed() {
            return Err(SendError::ChannelClosed);
        }
        ChannelName::check(self.name())?;
        Ok(call.finish(Some(self.name())))
    }

    fn emit(&self, event: Result<EncodedCall, SendError>) -> Emit {
        Emit::new(self.peer.connection().clone(), event)
    }
}

impl Caller for Channel {
    fn connection(&self) -> &ConnectionHandle {
        self.peer.connection()
    }
}

into_target!(Channel);
