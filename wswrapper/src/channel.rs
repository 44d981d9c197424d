//! A named channel of a connection.

use crate::peer::Peer;
use std::sync::Arc;

/// A named channel of one connection, as a proxy's target: `MathProxy::new(&client.channel("io"))`.
///
/// A handle, cheap to clone.
#[derive(Clone, Debug)]
pub struct Channel {
    peer: Peer,
    name: Arc<str>,
}

impl Channel {
    pub(crate) fn new(peer: Peer, name: &str) -> Self {
        Self { peer, name: name.into() }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The connection that it belongs to.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }
}
