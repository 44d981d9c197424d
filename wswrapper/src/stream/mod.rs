//! Streams that this endpoint receives: [`Streaming`] from the peer's handlers, [`Upload`] from its calls.

mod items;
mod streaming;
mod upload;

pub(crate) use items::Items;
pub use streaming::Streaming;
pub use upload::Upload;

/// The trait of streams from the crate `futures-core`.
pub use futures_core::Stream;
