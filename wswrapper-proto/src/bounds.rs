//! Limits on the memory that a peer can occupy.

/// Limits on anonymous channels and streams.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Open channels that local handlers have opened. A further one [fails](crate::OpenChannelError::TooMany).
    pub open_channels: usize,
    /// Untaken items of one stream whose producer knows no flow control. An item beyond it aborts the stream [P-83].
    pub stream_items: usize,
    /// Bytes of the untaken items of all streams, plus [`ITEM_OVERHEAD`] for each. An item beyond it aborts its stream if
    /// it came without credit. An item that came with credit may go eight times as far.
    pub stream_bytes: usize,
}

/// The bound that an item of a stream has exceeded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StreamBound {
    /// [`Bounds::stream_items`].
    Items,
    /// [`Bounds::stream_bytes`].
    Bytes,
}

/// Bytes that each untaken item is charged in addition to its JSON.
///
/// Less than the rest of an item's frame, so that a window of whole frames stays within the bounds.
pub const ITEM_OVERHEAD: usize = 32;

impl Default for Bounds {
    fn default() -> Self {
        Self { open_channels: 16_384, stream_items: 16_384, stream_bytes: 4 << 20 }
    }
}
