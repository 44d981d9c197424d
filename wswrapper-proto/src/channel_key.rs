//! Keys of anonymous channels.

use crate::RequestId;

/// The key of an anonymous channel.
///
/// Unique within a connection, even if a peer uses a channel's id again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ChannelKey {
    pub(crate) id: RequestId,
    pub(crate) opened_by: Opener,
    pub(crate) serial: u64,
}

/// The endpoint whose handler opened a channel. Ids alone do not distinguish the two [P-68].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Opener {
    /// The local endpoint. The channel has the id of the peer's request.
    Local,
    /// The peer. The channel has the id of a local request.
    Remote,
}

impl ChannelKey {
    /// Returns the channel's id on the wire.
    pub const fn id(self) -> RequestId {
        self.id
    }

    /// Returns the endpoint that opened the channel.
    pub const fn opened_by(self) -> Opener {
        self.opened_by
    }
}
