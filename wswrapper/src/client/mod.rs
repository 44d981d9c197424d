//! Who dials.

#[cfg(feature = "tungstenite")]
mod connect;
#[cfg(feature = "rustls")]
mod tls;
#[cfg(feature = "tungstenite")]
mod url;

use crate::builder::Builder;
use crate::call::IntoTarget;
use crate::engine::{ConnectionHandle, Driver, LocalEndpoint, Shared};
use crate::error::{BindError, MountError};
use crate::handle::{Channel, Closing, Peer};
use crate::handshake::Handshake;
use crate::proto::Side;
use crate::registry::Registry;
use crate::transport::Transport;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A connection that this end has opened.
///
/// It is a [`Peer`]: the handle to the server at the other end. The connection stays open as long as anything can use
/// it: this, a peer, a channel, a proxy that was made from it, or a call under way; when the last is dropped it is
/// closed.
#[derive(Clone)]
pub struct Client {
    peer: Peer,
}

/// Builds a [`Client`]. Its services are in place before the first frame is read.
pub type ClientBuilder = Builder<Dialling>;

/// What a client has beyond services, limits and hooks.
#[derive(Default, Debug)]
pub struct Dialling {
    #[cfg(feature = "tungstenite")]
    pub(crate) options: connect::ConnectOptions,
}

impl Client {
    /// Begins to build a client that has services or limits of its own.
    pub fn builder() -> ClientBuilder {
        Builder::new(Dialling::default())
    }

    /// A client on a transport that is open, driven by a task on the current tokio runtime.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn over(transport: impl Transport) -> Result<Self, MountError> {
        Self::builder().over(transport)
    }

    /// The handle to the server. It and its clones keep the connection open.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// A channel, as a proxy's target; see [`Peer::channel`].
    pub fn channel(&self, name: &str) -> Channel {
        self.peer.channel(name)
    }

    /// Closes the connection with status 1000; see [`Peer::close`], which takes another.
    pub fn close(&self) -> Closing {
        self.peer.close(1000, "")
    }

    /// Goes on over another transport after the connection was lost or closed. Handlers, hooks and proxies stay, ids go
    /// on counting; calls that were under way have ended as [`Closed`](crate::CallError::Closed) [P-91]. That may be before
    /// the connection has ended: wait for [`closed`](Peer::closed), or this fails with
    /// [`StillOpen`](BindError::StillOpen).
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn bind(&self, transport: impl Transport) -> Result<(), BindError> {
        let shared = self.peer.shared();
        if !shared.reopen() {
            return Err(BindError::StillOpen);
        }
        tokio::spawn(Driver::new(Arc::clone(shared), transport).run());
        Ok(())
    }

    pub(crate) fn start(endpoint: LocalEndpoint, transport: impl Transport, handshake: Handshake) -> Self {
        let shared = Arc::new(Shared::new(Arc::new(endpoint), Arc::new(Registry::default()), handshake));
        let peer = Peer::new(ConnectionHandle::keeping_open(&shared));
        // Ends by itself when the last handle is gone, at the latest after the time for closing.
        tokio::spawn(Driver::new(shared, transport).run());
        Self { peer }
    }
}

impl Builder<Dialling> {
    /// A client on a transport that is open, driven by a task on the current tokio runtime.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn over(self, transport: impl Transport) -> Result<Client, MountError> {
        let (endpoint, _) = self.finish(Side::Client)?;
        Ok(Client::start(endpoint, transport, Handshake::default()))
    }
}

/// All of a [`Peer`] can be done with a client.
impl Deref for Client {
    type Target = Peer;

    fn deref(&self) -> &Peer {
        &self.peer
    }
}

impl IntoTarget for &Client {
    type Target = Peer;

    fn into_target(self) -> Peer {
        self.peer.clone()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.peer).finish()
    }
}
