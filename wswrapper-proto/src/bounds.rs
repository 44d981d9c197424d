//! How much a peer may make this end keep.

/// Bounds on anonymous channels and streams.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Channels that handlers have opened and that are open. A further one is [refused](super::OpenChannelError::TooMany).
    pub open_channels: usize,
    /// Items of one stream that came and were not taken, from a producer that knows no flow control; beyond it the
    /// stream is aborted [P-83].
    pub stream_items: usize,
    /// Bytes of the items of all streams that came and were not taken, and [`ITEM_OVERHEAD`] for each; a stream whose item goes
    /// beyond it is aborted.
    pub stream_bytes: usize,
}

/// What an item takes beside its JSON. The rest of its frame is longer, so that a window of whole frames is within bounds.
pub const ITEM_OVERHEAD: usize = 32;

impl Default for Bounds {
    fn default() -> Self {
        Self { open_channels: 16_384, stream_items: 16_384, stream_bytes: 64 << 20 }
    }
}
