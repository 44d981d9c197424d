//! A connection as its observers see it.

use super::extensions::Extensions;
use super::id::{Counters, PeerId};
use super::shared::Shared;
use crate::handshake::Handshake;
use std::fmt;
use std::sync::Arc;

/// A connection, as an [`Observer`](crate::observe::Observer) sees it.
#[derive(Clone, Copy)]
pub struct ConnectionView<'c> {
    shared: &'c Arc<Shared>,
}

impl<'c> ConnectionView<'c> {
    pub(crate) fn new(shared: &'c Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(crate) fn shared(self) -> &'c Arc<Shared> {
        self.shared
    }

    /// Returns the number of the peer, which is unique in this process.
    pub fn id(&self) -> PeerId {
        self.shared.id
    }

    /// Returns the number of the connection among those of its client, from 1 on. The number of a server's connection
    /// is 1.
    pub fn epoch(&self) -> u64 {
        self.shared.epoch().number
    }

    /// Returns the request that opened the connection: path, query, headers, address.
    pub fn handshake(&self) -> Handshake {
        self.shared.epoch().handshake.clone()
    }

    /// Returns the values that are stored with the connection.
    pub fn extensions(&self) -> Extensions {
        self.shared.epoch().extensions.clone()
    }

    /// Returns the numbers of calls, handlers, channels and bytes that the connection has now.
    pub fn counters(&self) -> Counters {
        self.shared.counters()
    }
}

impl fmt::Debug for ConnectionView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionView").field("id", &self.id()).finish_non_exhaustive()
    }
}
